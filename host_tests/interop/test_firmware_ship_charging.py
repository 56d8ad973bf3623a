"""SHIP while a car charges, on the real process: pauses for handshakes, garbage, hostile clients (evse E5, L1)."""

import contextlib
import os
import socket
import ssl
import threading
import time

import pytest

from host_tests.interop import firmware_ship
from host_tests.interop.firmware_ship import DATA, Box, ems, obeys
from host_tests.peers import ship_peer as ship

identities = firmware_ship.identities

GUARDED, BARE = "127.0.0.44", "127.0.0.45"  # with and without hardware interlock
_FAST = ("--set", "rise_ma_per_5s=32000")
_hostile = 60  # last number of the address that hostile clients have now


@pytest.fixture
def bare(identities):
    with Box(BARE, "--set", "ratings.interlock=false", "--trust", identities["one"].ski, *_FAST) as box:
        box.wait_announced()
        yield box


class Watch:
    """Polls the control port until the end of the block: rows of (duty, contactor closed, mA, states of sessions)."""

    def __init__(self, box):
        self._control = box.connect()
        self.rows = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self):
        while not self._over.is_set():
            state = self._control.state()
            if state["firmware"] == "ok":
                self.rows.append((state["pilot"]["duty_permille"], state["contactor"]["closed"],
                                  state["current_ma"][0], tuple(each["state"] for each in state["ship"]["sessions"])))
            time.sleep(0.02)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._over.set()
        self._thread.join(10)
        self._control.close()


def hostile(box):
    """A socket to the box from another address than that of the EMSs."""
    return socket.create_connection((box.address, box.port), 10, source_address=("127.0.0.%d" % _hostile, 0))


def send(box, data, wait_s=0.0):
    """Connect, send, and let go."""
    with contextlib.suppress(OSError), hostile(box) as raw:
        raw.sendall(data)
        raw.settimeout(wait_s or 0.01)
        raw.recv(1)


def scan(box):
    for _ in range(40):
        hostile(box).close()


def garbage(box):
    for data in (b"GET / HTTP/1.1\r\n\r\n", b"\0" * 100, b"\xff" * 5000, b"\x16\x03\x01\x40\x00" + b"x" * 3000,
                 b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00"):
        send(box, data, 0.5)


def no_certificate(box):
    context = ship.client_context(None)
    for _ in range(4):
        with contextlib.suppress(OSError, ssl.SSLError), hostile(box) as raw, context.wrap_socket(raw) as tls:
            tls.sendall(b"GET /ship/ HTTP/1.1\r\n\r\n")
            tls.recv(1)


def silent(box):
    held = [hostile(box) for _ in range(8)]
    time.sleep(1)
    for raw in held:
        raw.close()


def loris(box):
    with contextlib.suppress(OSError), hostile(box) as raw:
        raw.sendall(b"\x16\x03\x01\x02\x00\x01\x00\x01")
        for _ in range(80):
            raw.sendall(b"\0")
            time.sleep(0.1)
        raise AssertionError("nobody ended it")


@pytest.fixture(scope="module")
def guarded(identities):
    with Box(GUARDED, "--trust", identities["one"].ski, "--trust", identities["two"].ski,
             *_FAST) as box:
        box.wait_announced()
        box.charge()
        yield box


@pytest.fixture(autouse=True)
def another_address():
    """So that one test's rate limit is not met by the next."""
    global _hostile
    _hostile += 1


@pytest.mark.parametrize("attack", [scan, garbage, no_certificate, silent, loris])
def test_hostile_clients_disturb_neither_the_car_nor_the_ems(guarded, identities, attack):
    global _hostile
    box = guarded
    with ems(box, identities["one"]) as peer:
        peer.wait_ready()
        box.wait_sessions(DATA)
        obeys(peer, 4200)  # 6 A: nothing changes by itself from then on
        duty = box.control.wait(lambda state: state["pilot"]["duty_permille"] in (100, 101)
                                and state["current_ma"][0] > 5000)["pilot"]["duty_permille"]
        sockets = box.idle_sockets + 1
        box.wait_sockets(sockets)
        with Watch(box) as watch:
            attack(box)
            obeys(peer, 4200)
            time.sleep(0.5)
        box.wait_sessions(DATA)
        assert peer.count("disconnected") == 0
        assert len(watch.rows) > 3 and {row[:2] for row in watch.rows} == {(duty, True)}, box.control.state()
        box.wait_sockets(sockets)
        # The first sessions that fail keep some KB, and the collector may keep a dead one by a stale word; what counts
        # is that a further attack keeps nothing. Once is long enough for the slow one.
        for turn in range(1 if attack is loris else 3):
            used = box.used()
            if attack is not loris:
                _hostile += 10
                attack(box)
                box.wait_sessions(DATA)
            if box.used() - used < 900:
                break
        else:
            raise AssertionError("every attack keeps memory: %d bytes before the last, %d now" % (used, box.used()))
        box.wait_sockets(sockets)
        begin = time.monotonic()
        with ems(box, identities["two"]) as two:
            two.wait_connected()
            assert time.monotonic() - begin < 2.5
    box.survived()


def test_with_interlock_a_connect_leaves_charging_alone(guarded, identities):
    duty = guarded.control.state()["pilot"]["duty_permille"]
    with Watch(guarded) as watch:
        for _ in range(3):
            with ems(guarded, identities["one"]) as peer:
                peer.wait_connected()
    assert any(DATA in row[3] for row in watch.rows) and {row[:2] for row in watch.rows} == {(duty, True)}


def test_an_ems_gets_in_while_one_address_keeps_trying(guarded, identities):
    over = threading.Event()

    def keep_trying():
        while not over.is_set():
            send(guarded, b"\x16\x03\x01\x02\x00\x01\x00\x01", 0.2)

    tries = [threading.Thread(target=keep_trying, daemon=True) for _ in range(2)]
    for each in tries:
        each.start()
    time.sleep(1)
    try:
        with ems(guarded, identities["one"]) as peer:
            peer.wait_connected()
    finally:
        over.set()
        for each in tries:
            each.join()
    guarded.wait_sessions()


def test_without_interlock_the_contactor_is_open_before_tls_is_answered(bare, identities):
    """The first byte of our TLS answer is the measure: until then the car stops, afterwards it charges again."""
    bare.charge(reaction_ms=1000)
    context = ship.client_context(ship.Identity(bare.state, "measure"))
    with Watch(bare) as watch:
        begin = time.monotonic()
        with socket.create_connection((BARE, bare.port), 10) as raw:
            assert bare.control.state()["contactor"]["closed"]
            incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
            tls = context.wrap_bio(incoming, outgoing)
            with contextlib.suppress(ssl.SSLWantReadError):
                tls.do_handshake()
            raw.sendall(outgoing.read())
            raw.settimeout(0.02)
            while True:
                state = bare.control.state()
                try:
                    incoming.write(raw.recv(5))
                    break
                except TimeoutError:
                    assert time.monotonic() - begin < 9
            after = bare.control.state()
            assert not after["contactor"]["closed"] and after["pilot"]["duty_permille"] == 1000, state
            assert time.monotonic() - begin > 0.8, "the car had to stop first"
        bare.control.wait(lambda state: state["current_ma"][0] > 5000, 40)
    closed_at_x1 = [row for row in watch.rows if row[0] == 1000 and row[1]]
    assert closed_at_x1, "pilot first, then the contactor"
    assert bare.control.state()["faults"] == []
    with ems(bare, identities["one"]) as peer:
        peer.wait_ready()
    bare.survived()


def test_without_interlock_strangers_cannot_pause_charging_for_good(bare, identities):
    """From ever other addresses: sockets that wait and leave, several at a time, then a stream. After six pauses
    charging goes on, an EMS whose address is known gets in, and the pause of each was released."""
    global _hostile
    with ems(bare, identities["one"]) as peer:
        peer.wait_ready()
    bare.wait_sessions()
    bare.charge()
    begin = time.monotonic()
    held = []
    while bare.ship()["counts"].get("pause", 0) < 3:
        assert time.monotonic() - begin < 40, str(bare.ship())
        _hostile = 100 + (_hostile + 1) % 100
        with contextlib.suppress(OSError):
            raw = hostile(bare)
            raw.sendall(b"\xff" * 20)
            held.append(raw)
        if len(held) > 3:
            held.pop(0).close()
        time.sleep(0.1)
    bare.control.wait(lambda state: state["current_ma"][0] > 5000, 40)
    with Watch(bare) as watch:
        for _ in range(20):
            _hostile = 100 + (_hostile + 1) % 100
            send(bare, b"\xff" * 20, 0.1)
    assert {row[1] for row in watch.rows} == {True} and 1000 not in {row[0] for row in watch.rows}
    for raw in held:
        raw.close()
    with ems(bare, identities["one"]) as peer:
        peer.wait_connected()
    bare.control.wait(lambda state: state["current_ma"][0] > 5000, 40)
    bare.survived()


def test_the_pause_ends_when_the_client_leaves_while_it_is_prepared(bare):
    bare.charge(reaction_ms=2500)
    raw = hostile(bare)
    raw.sendall(b"\x16\x03\x01")
    bare.control.wait(lambda state: state["pilot"]["duty_permille"] == 1000)
    raw.close()
    bare.control.wait(lambda state: state["current_ma"][0] == 0)
    bare.control.wait(lambda state: state["current_ma"][0] > 5000, 30)
    bare.wait_sessions()
    assert os.path.exists("/proc/%d" % bare.firmware())
    bare.survived()
