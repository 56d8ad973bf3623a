"""The status page of the firmware process while a car charges (S1 of the fault table): who gets in, what is told, and
that floods, wrong passwords, slow peers, traversal and oversized requests leave charging, guard and memory alone."""

import contextlib
import gzip
import os
import random
import socket
import threading
import time

import pytest
import runtimes
from sim_process import SimProcess

from host_tests.peers.echonet_box import Raw
from host_tests.peers.page_client import PORT, Client, received
from host_tests.peers.until import until

BOX, EMS, FRIEND, OTHER, FLOOD = ["127.0.71.%d" % n for n in range(1, 6)]
PASSWORD = "Grüße: aus dem Süden"
FULL_MA, FULL_W = 31980, 22066  # what a duty of 53.3 % allows
STALL_MS = 500  # between two ticks of the guard: it opens the contactor


@pytest.fixture(scope="module")
def box():
    """Without interlock: a busy machine lets the firmware stand still for 100 ms, and the plant would trip it."""
    with SimProcess("--runtime", "mpy32", "--bind", BOX, "--multicast-if", "127.0.0.1", "--quiet", "--profile", "full",
                    "--set", "page_password=" + PASSWORD, "--set", "page_port=%d" % PORT,
                    "--set", "rise_ma_per_5s=80000", "--set", "ratings.interlock=false") as running:
        running.control.call("plug", phases=3, ready=True, reaction_ms=100, ramp_ma_s=1000000)
        running.control.wait(lambda state: state["current_ma"] == [FULL_MA] * 3)
        yield running


@pytest.fixture
def friend(box):
    """A viewer with the password; afterwards the car still charges, nothing failed, and memory is what it was."""
    viewer = Client(BOX, FRIEND, PASSWORD)
    assert viewer.get("/").status == 200
    told = viewer.get().json()
    assert told["charging"], told
    before, used = box.control.state(), least(box)
    yield viewer
    state = box.control.state()
    assert state["firmware"] == "ok" and state["page"]["failure"] is None
    assert not [line for line in box.lines if line.startswith(("task ", "Traceback", "MemoryError"))]
    assert state["contactor"] == before["contactor"] and state["contactor"]["closed"] and state["faults"] == []
    assert state["current_ma"] == [FULL_MA] * 3 and state["offer_ma"] == 32000
    assert state["loop_gap_ms"] < STALL_MS
    print("longest gap of the guard %d ms, heap in use %d before, %d after" % (
        state["loop_gap_ms"], used, least(box)))
    assert least(box) - used < 1500, "the heap grew"


def least(box):
    """Bytes of heap in use without what is loaded on demand, the least of a few looks: a look may come while something
    is being done."""
    return min(box.control.call("memory", release=True)["used"] for _ in range(5))


def counted(box, name):
    return box.control.state()["page"][name]


def test_the_ready_line_tells_where(box):
    assert box.ready["page"] == "%s:%d" % (BOX, PORT)


def test_without_password_there_is_no_page():
    with SimProcess("--runtime", "mpy64", "--bind", "127.0.71.9", "--quiet",
                    "--set", "page_port=%d" % PORT) as running:
        assert "page" not in running.ready and "page" not in running.control.state()
        with pytest.raises(ConnectionRefusedError):
            Client("127.0.71.9", OTHER).connect()


def test_on_cpython_too():
    with SimProcess("--runtime", "cpython", "--bind", "127.0.71.9", "--quiet", "--set", "page_password=x",
                    "--set", "page_port=%d" % PORT) as running:
        viewer = Client("127.0.71.9", OTHER, "x")
        assert viewer.get("/").body.startswith(b"\x1f\x8b") and viewer.get().json()["memory"]["free"] is None
        assert running.control.state()["page"]["served"] == 2


def test_the_page_is_the_file_of_the_source(friend):
    answer = friend.get("/")
    with open(os.path.join(runtimes.ROOT, "firmware/wallbox/web/page.html"), "rb") as file:
        assert gzip.decompress(answer.body) == file.read()
    assert answer.fields["content-length"] == str(len(answer.body)) and answer.fields["content-encoding"] == "gzip"
    assert answer.fields["content-security-policy"].startswith("default-src 'none'")
    for path in ("/", "/now.json", "/status.json"):
        fields = friend.get(path).fields
        assert fields["cache-control"] == "no-store" and fields["x-content-type-options"] == "nosniff"


def test_the_facts_are_those_of_the_box(box, friend):
    told, state = friend.get().json(), box.control.state()
    assert told["pilot"] == "C" and told["charging"] and told["reason"] == "charging"
    assert told["why"] == ["Charging with up to 31.9 A on 3 phases.",
                           "Nothing allows less than the rating of the board, 32.0 A."]
    assert told["offer_ma"] == 32000 and told["binding"] == "board" == state["binding"] and told["phases"] == 3
    assert told["current_ma"] == [FULL_MA] * 3 and told["voltage_mv"] == [230000] * 3 and told["power_w"] == FULL_W
    assert [each["name"] for each in told["limits"]] == [each["name"] for each in state["limits"]]
    assert told["faults"] == told["warnings"] == told["ems"] == [] and told["ski"] == state["ship"]["ski"]
    assert told["session_wh"] <= told["energy_wh"] and told["car"]["standard"] == "iec61851"
    assert 0 < told["memory"]["largest"] <= told["memory"]["free"]
    assert 0 < told["memory"]["least"] <= told["memory"]["free"] + 4096
    assert told["uptime_s"] * 1000 <= state["uptime_ms"]


def test_the_journal_goes_back_to_earlier_starts(box):
    viewer = Client(BOX, FRIEND, PASSWORD)
    told = viewer.get().json()
    assert 3 <= len(told["journal"]) <= 20 and any(each.endswith(" car came") for each in told["journal"])
    assert "journal" not in viewer.get("/now.json").json()
    box.control.wait(lambda state: os.path.getsize(os.path.join(box.state, "journal.0")) > 0, 60)
    box.control.call("restart")
    again = viewer.get().json()
    assert again["start"] == told["start"] + 1 and again["journal"][-1].startswith("%d " % told["start"])
    box.control.wait(lambda state: state["current_ma"] == [FULL_MA] * 3, 60)


def test_it_tells_who_limits(friend):
    with Raw(EMS, BOX) as ems:
        assert ems.set("ed", "0064")
        told = tells(friend, lambda told: told["current_ma"] == [9960] * 3)
        assert told["binding"] == "charging current" and told["offer_ma"] == 10000
        source, = [each for each in told["limits"] if each["binding"]]
        assert source["name"] == "charging current" and source["value"] == [10000] * 3 and 0 < source["age_ms"] < 30000
        assert ems.set("ed", "0140")
        tells(friend, lambda told: told["current_ma"] == [FULL_MA] * 3)


def tells(viewer, predicate):
    """What is told once `predicate` holds of it."""
    def told():
        facts = viewer.get().json()
        return facts if predicate(facts) else None

    return until(told, timeout_s=40, every_s=0.3)


def test_who_gets_in(box, friend):
    wrong = counted(box, "wrong")
    for path in ("/", "/status.json", "/nothing"):
        answer = Client(BOX, OTHER).get(path)
        assert answer.status == 401 and answer.body == b"", path
        assert answer.fields["www-authenticate"].startswith("basic realm=")
    for more in ("Authorization: Digest abc\r\n", "Authorization: Basic ????\r\n", "Authorization: Bearer x\r\n"):
        assert Client(BOX, OTHER).get(more=more).status == 401
    assert counted(box, "wrong") == wrong, "no password is no wrong one"
    for password in ("", PASSWORD[:-1]):
        assert Client(BOX, OTHER, password).get().status == 401
    assert counted(box, "wrong") == wrong + 2
    assert friend.get().status == 200


def test_head_has_no_body(friend):
    for path in ("/", "/now.json", "/status.json"):
        answer = friend.get(path, "HEAD")
        assert answer.status == 200 and answer.body == b""


def test_it_cannot_be_written_to(box, friend):
    refused = counted(box, "refused")
    for method in ("POST", "PUT", "DELETE", "PATCH", "OPTIONS"):
        answer = friend.get(method=method)
        assert answer.status == 405 and answer.fields["allow"] == "get, head", method
    assert counted(box, "refused") == refused + 5


def test_s1_path_traversal_finds_nothing(friend):
    for path in ("/../settings.json", "/..%2f..%2fsettings.0", "//etc/passwd", "/identity/key.der", "/page.html.gz",
                 "/.", "/status.json/..", "/\\..\\settings.0", "status.json", "http://other/status.json",
                 "/%2e%2e/key.der"):
        assert friend.get(path).status == 404, path
        assert Client(BOX, OTHER).get(path).status == 401, path


def test_s1_an_oversized_post_is_refused_unread(friend):
    head = friend.head(method="POST", more="Content-Length: 100000000\r\n")
    with friend.connect() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65536)
        sent = 0
        with pytest.raises(ConnectionError):
            sock.sendall(head)
            while True:
                sent += sock.send(bytes(65536))
    assert sent < 30000000, "read to the end"
    assert friend.sure(head + bytes(3000)).status == 405


def test_heads_without_end_are_bounded(friend):
    line = b"GET / HTTP/1.1\r\n"
    assert friend.sure(b"GET /" + b"a" * 600).status == 414
    assert friend.sure(line + b"X: y\r\n" * 900).status == 431
    assert friend.sure(line + b"X: " + b"y" * 5000).status == 431
    assert friend.sure(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n").status == 400


def test_wrong_bytes(friend):
    random.seed(71)
    for number in range(60):
        data = bytes(random.randrange(256) for _ in range(random.randrange(1, 400))) + b"\n" * (number & 1)
        stranger = Client(BOX, OTHER)
        with stranger.connect() as sock:
            sock.sendall(data)
            sock.shutdown(socket.SHUT_WR)
            assert b"200 OK" not in received(sock)
    assert friend.get().status == 200


def test_who_leaves_early_costs_nothing(friend):
    for size in (0, 1, 30, 200):
        for _ in range(3):
            with friend.connect() as sock:
                sock.sendall(friend.head("/")[:size])
        assert friend.get().status == 200
    for _ in range(3):
        sock = friend.connect()
        sock.sendall(friend.head("/"))
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        sock.close()  # with a reset
    assert friend.get().status == 200


def test_who_says_nothing_does_not_keep_others_out(friend):
    with Client(BOX, OTHER).connect(), Client(BOX, OTHER).connect():  # as a browser does that connects ahead
        begun = time.monotonic()
        assert friend.ask().status == 200
        assert time.monotonic() - begun < 3


def test_s1_slow_loris(box, friend):
    """Heads that arrive byte by byte, for ever, over as many connections as can be had."""
    over = threading.Event()

    def drip():
        while not over.is_set():
            try:
                with Client(BOX, FLOOD).connect(2) as sock:
                    sock.settimeout(0.05)
                    for byte in Client(BOX, FLOOD, "x").head("/", more="X: %s\r\n" % ("y" * 400)):
                        sock.sendall(bytes((byte,)))
                        try:
                            if over.is_set() or not sock.recv(100):
                                break
                        except TimeoutError:
                            pass
            except OSError:
                over.wait(0.01)

    with attack([drip] * 20, over, friend):
        pass


def test_s1_flood(box, friend):
    often = counted(box, "often")
    over = threading.Event()

    def ask():
        while not over.is_set():
            try:
                Client(BOX, FLOOD).ask("/")
            except OSError:
                pass

    with attack([ask] * 4, over, friend):
        until(lambda: counted(box, "often") > often + 20)


def test_s1_bad_auth_flood_and_guessing(box, friend):
    """At most 5 wrong passwords are looked at, then one every 10 s; the right one counts only from a known address."""
    wrong = counted(box, "wrong")
    begun = time.monotonic()
    over = threading.Event()

    def guess():
        number = 0
        while not over.is_set():
            number += 1
            try:
                assert Client(BOX, FLOOD, "guess %d" % number).ask("/").status in (401, 429, None)
            except OSError:
                pass

    with attack([guess] * 4, over, friend):
        time.sleep(2)
        assert Client(BOX, FLOOD, PASSWORD).ask().status in (429, None), "a guess like the others"
    looked_at = counted(box, "wrong") - wrong
    assert 1 <= looked_at <= 5 + (time.monotonic() - begun) // 10 + 1


@contextlib.contextmanager
def attack(acts, over, friend, seconds=3):
    """Threads that run `acts` until the block ends; before it, the friend is served for some seconds meanwhile."""
    threads = [threading.Thread(target=act, daemon=True) for act in acts]
    try:
        for thread in threads:
            thread.start()
        end = time.monotonic() + seconds
        served = 0
        while time.monotonic() < end or not served:
            assert time.monotonic() < end + 30, "the friend is kept out"
            try:
                served += friend.ask().status == 200
            except OSError:
                pass
            time.sleep(0.3)
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join(10)
    assert friend.get().json()["charging"]
