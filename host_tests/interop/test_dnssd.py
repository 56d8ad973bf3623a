"""Our DNS-SD responder and search, as a process under 32-bit MicroPython, against python-zeroconf in namespaces."""

import json
import os
import queue
import random
import subprocess
import sys
import threading
import time

import pytest

import image
import runtimes
from host_tests.conftest import missing_peer
from host_tests.interop.namespaces import Network, Unavailable

HERE = os.path.dirname(os.path.abspath(__file__))
HOSTS = ("dev", "ctl", "two")
NODE, PEER, SECOND = "10.63.80.1", "10.63.80.2", "10.63.80.3"
SKI = "0123456789abcdef0123456789abcdef01234567"
PEER_SKI = "f" * 40
HEAP = "48K"


@pytest.fixture(scope="module")
def lab():
    """Three hosts on one switch: dev (ours), ctl and two."""
    try:
        network = Network(HOSTS)
    except Unavailable as why:
        missing_peer("network namespaces", str(why))
    assert [network.address(host) for host in HOSTS] == [NODE, PEER, SECOND]
    with network:
        yield network


class Talker:
    """A process that takes commands and prints lines."""

    def __init__(self, command, environment=None):
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                         env=environment, encoding="utf-8", bufsize=1)  # fmt: skip
        self._lines = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self._process.stdout:
            self._lines.put(line.rstrip("\n"))
        self._lines.put(None)

    def tell(self, *words):
        self._process.stdin.write(" ".join(words) + "\n")
        self._process.stdin.flush()

    def line(self, timeout=40):
        line = self._lines.get(timeout=timeout)
        assert line is not None, "the process ended"
        return line

    def ask(self, *words):
        self.tell(*words)
        return self.line()

    def event(self, event_name, timeout=40, /, **wanted):
        """The next event of this name with these values; others are passed over."""
        until = time.monotonic() + timeout
        while True:
            event = json.loads(self.line(max(until - time.monotonic(), 0.1)))
            if event["event"] == event_name and all(event[key] == wanted[key] for key in wanted):
                return event

    def quiet(self, name, seconds):
        """True when no event of this name comes for so long."""
        try:
            self.event(name, seconds)
        except queue.Empty:
            return True
        return False

    def until(self, question, answer, timeout=40):
        """Ask until the answer is this one."""
        until = time.monotonic() + timeout
        while True:
            given = self.ask(question)
            if given == answer:
                return
            assert time.monotonic() < until, "%s: %s, not %s" % (question, given, answer)
            time.sleep(0.1)

    def end(self):
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()


@pytest.fixture
def start(lab):
    """Functions that start our node (`start.node`) and a zeroconf peer (`start.peer`)."""
    try:
        command = runtimes.command("mpy32")
    except runtimes.Missing as error:
        missing_peer("mpy32", str(error))
    folder = image.build("mpy32")
    running = []

    class Start:
        @staticmethod
        def node(instance="Box", host="box", address=NODE, name="dev", interface="-"):
            environment = dict(os.environ, MICROPYPATH=":".join((folder, folder + "/lib", ".frozen")))
            program = os.path.join(HERE, "dnssd_node.py")
            arguments = command + ["-X", "heapsize=" + HEAP, program, instance, host, "4712", address, interface]
            running.append(Talker(lab.command(name, arguments), environment))
            return running[-1]

        @staticmethod
        def peer(address=PEER, name="ctl"):
            program = os.path.join(HERE, "dnssd_zeroconf.py")
            running.append(Talker(lab.command(name, [sys.executable, program, address])))
            running[-1].event("up")
            return running[-1]

    yield Start
    for each in running:
        each.end()
    lab.link("dev", True)


def settled(peer):
    """Wait until announcements have ceased."""
    while not peer.quiet("heard", 1.5):
        pass


def full(instance):
    return instance + "._ship._tcp.local."


def test_zeroconf_browses_and_resolves_us(start):
    peer = start.peer()
    peer.tell("browse")
    start.node()
    peer.event("added", name=full("Box"))
    found = peer.event("resolved")
    assert (found["host"], found["port"], found["addresses"]) == ("box.local.", 4712, [NODE])
    assert found["fields"] == {
        "txtvers": "1", "id": "Box", "path": "/ship/", "ski": SKI, "brand": "B\u00e4r", "type": "Wallbox",
        "model": "M", "serial": "4711", "cat": "3", "register": "false"}  # fmt: skip
    assert bytes.fromhex(found["text"]).startswith(b"\x09txtvers=1")


def test_one_who_comes_later_finds_us_and_hears_every_change(start):
    node = start.node()
    node.until("state", "announced")
    time.sleep(1.5)  # both announcements are over
    peer = start.peer()
    peer.tell("browse")
    assert peer.event("resolved")["fields"]["register"] == "false"
    node.ask("register", "on")
    peer.event("updated")
    assert peer.event("resolved")["fields"]["register"] == "true"
    node.tell("stop")
    peer.event("removed", name=full("Box"))
    assert node.line() == "off"


def test_a_name_that_zeroconf_holds_is_left_to_it(start):
    peer = start.peer()
    peer.tell("register", "Box", "4999", PEER_SKI)
    peer.event("registered")
    second = start.peer(SECOND, "two")
    second.tell("browse")
    second.event("resolved", name=full("Box"), port=4999)
    start.node()
    found = second.event("resolved", name=full("Box (2)"))
    assert found["port"] == 4712 and found["addresses"] == [NODE]


def test_our_name_is_defended_against_zeroconf(start):
    node = start.node()
    node.until("state", "announced")
    peer = start.peer()
    peer.tell("register", "Box", "4999", PEER_SKI)
    peer.event("taken")
    assert node.ask("state") == "announced"


def test_two_of_ours_with_one_name_settle_it(start):
    peer = start.peer()
    peer.tell("browse")
    one = start.node()
    two = start.node(address=SECOND, name="two")
    found = {}
    while set(found) != {full("Box"), full("Box (2)")}:
        event = peer.event("resolved")
        found[event["name"]] = event
    hosts = {(event["host"], tuple(event["addresses"])) for event in found.values()}
    assert hosts in ({("box.local.", (NODE,)), ("box-2.local.", (SECOND,))},
                     {("box-2.local.", (NODE,)), ("box.local.", (SECOND,))})  # fmt: skip
    one.until("state", "announced")
    two.until("state", "announced")


def test_we_announce_again_after_the_network_was_away(start, lab):
    peer = start.peer()
    peer.tell("browse")
    node = start.node()
    peer.event("heard")
    settled(peer)
    node.ask("network", "off")  # the firmware saw the link go
    lab.link("dev", False)
    assert node.ask("state") == "no network"
    lab.link("dev", True)
    node.ask("network", "on")
    peer.event("heard", name=full("Box"))


def test_we_notice_a_lost_network_when_we_cannot_send(start, lab):
    peer = start.peer()
    node = start.node()
    peer.event("heard")
    settled(peer)
    lab.link("dev", False)
    node.ask("register", "on")
    node.until("state", "no network")
    lab.link("dev", True)
    peer.event("heard", name=full("Box"))
    node.until("state", "announced")


HOLDER = """
import socket, sys
s = socket.socket(2, 2)
s.bind(("0.0.0.0", 5353))
print("held", flush=True)
sys.stdin.read()
"""


def test_a_taken_port_is_reported_and_tried_again(start, lab):
    holder = Talker(lab.command("dev", [sys.executable, "-c", HOLDER]))
    try:
        assert holder.line() == "held"
        node = start.node()
        node.until("state", "port taken")
    finally:
        holder.end()
    node.until("state", "announced")


def test_we_find_a_peer_and_notice_its_leaving(start):
    node = start.node()
    node.until("state", "announced")
    assert node.ask("peers") == "none"
    peer = start.peer()
    peer.tell("register", "EMS", "4713", PEER_SKI)
    peer.event("registered")
    shown = "%s|peer-EMS|%s|4713|/ship/|True" % (PEER_SKI, PEER)
    node.until("peers", shown)
    peer.tell("unregister")
    peer.event("unregistered")
    node.until("peers", "none")


def test_we_find_a_peer_that_was_there_before_us(start):
    peer = start.peer()
    peer.tell("register", "EMS", "4713", PEER_SKI)
    peer.event("registered")
    node = start.node()
    node.until("peers", "%s|peer-EMS|%s|4713|/ship/|True" % (PEER_SKI, PEER))


ASK = """
import socket, sys
s = socket.socket(2, 2); s.settimeout(20)
s.sendto(bytes.fromhex(sys.argv[2]), (sys.argv[1], 5353))
print(s.recvfrom(2000)[0].hex())
"""


@pytest.mark.parametrize("target", ["224.0.0.251", NODE])
def test_a_plain_resolver_asks_us_for_our_host(start, lab, target):
    start.node().until("state", "announced")
    question = "123400000001000000000000" + b"\3BOX\5local\0\0\1\0\1".hex()
    answer = subprocess.run(lab.command("ctl", [sys.executable, "-c", ASK, target, question]), check=True,
                            capture_output=True, text=True, timeout=30).stdout.strip()  # fmt: skip
    assert answer == ("123484000001000100000000" + b"\3box\5local\0\0\1\0\1".hex()
                      + b"\3box\5local\0\0\1\0\1".hex() + "0000000a" + "0004" + "0a3f5001")  # fmt: skip


def test_two_nodes_share_one_host_over_loopback(start):
    one = start.node("One", "one", "127.0.0.3", interface="127.0.0.1")
    two = start.node("Two", "two", "127.0.0.4", interface="127.0.0.1")
    one.until("state", "announced")
    two.until("state", "announced")
    one.until("peers", "%s|Two|127.0.0.4|4712|/ship/|False" % SKI)
    two.until("peers", "%s|One|127.0.0.3|4712|/ship/|False" % SKI)


FLOOD = """
import socket, sys, random
r = random.Random(int(sys.argv[2]))
s = socket.socket(2, 2)
good = bytes.fromhex(sys.argv[3])
for n in range(3000):
    kind = r.randrange(3)
    if kind == 0:
        p = r.randbytes(r.randrange(1400))
    else:
        p = bytearray(good)
        for _ in range(r.randrange(1, 6)):
            p[r.randrange(len(p))] = r.randrange(256)
        p = p[:r.randrange(len(p))] if kind == 1 else p
    s.sendto(bytes(p), ("224.0.0.251", 5353))
"""


def test_a_flood_of_garbage_costs_no_memory(start, lab):
    node = start.node()
    node.until("state", "announced")
    time.sleep(1)
    before = int(node.ask("memory"))
    seed = random.randrange(1 << 30)
    print("seed", seed)
    announcement = b"\0\0\x84\0\0\0\0\2\0\0\0\0" + b"\5_ship\4_tcp\5local\0" + b"\0\x0c\0\1\0\0\0\x78\0\6\3Bix\xc0\x0c"
    announcement += b"\3Bix\xc0\x0c\0\x21\0\1\0\0\0\x78\0\x0c\0\0\0\0\1\1\3box\xc0\x17"
    flood = lab.command("ctl", [sys.executable, "-c", FLOOD, NODE, str(seed), announcement.hex()])
    subprocess.run(flood, check=True, timeout=60)
    peer = start.peer()
    peer.tell("browse")
    peer.event("resolved", port=4712)
    assert int(node.ask("memory")) - before < 3000  # at most three made-up peers
