"""Both SHIP roles against a peer in Go: crypto/tls and gorilla/websocket, which the installed base is made of."""

import contextlib
import json
import queue
import subprocess
import threading

import pytest
import runtimes

from host_tests.conftest import missing_peer
from host_tests.peers import ship_peer as ship
from host_tests.peers.ship_demo import DATA, Demo, free_port, unharmed


@pytest.fixture(scope="module")
def identities(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ship")
    return {name: ship.Identity(folder, name) for name in ("box", "ems")}


class Go:
    """The peer as a process."""

    def __init__(self, role, port, identity, version=""):
        try:
            program = runtimes.go_peer("ship_gorilla")
        except runtimes.Missing as missing:
            missing_peer("ship_gorilla", str(missing))
        more = [version] if version else []
        self.process = subprocess.Popen(
            program + [role, "127.0.0.1:%d" % port, identity.cert_pem, identity.key_pem] + more,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self.events = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self.process.stdout:
            self.events.put(json.loads(line))

    def wait(self, event, timeout=40):
        """What the next event of this name says."""
        seen = []
        while True:
            try:
                found = self.events.get(timeout=timeout)
            except queue.Empty:
                raise AssertionError((event, seen)) from None
            seen.append(found)
            if found["event"] == event:
                return found["more"]

    def order(self, text):
        self.process.stdin.write(text + "\n")
        self.process.stdin.flush()

    def end(self):
        self.process.kill()
        self.process.wait()


@contextlib.contextmanager
def go(*arguments):
    peer = Go(*arguments)
    try:
        yield peer
    finally:
        peer.end()


@pytest.fixture(scope="module")
def node(identities):
    node = Demo(identities["box"], [identities["ems"].ski], hurry=4)
    yield node
    node.end()


@pytest.mark.parametrize("version", ("1.2", ""), ids=("tls1.2", "tls1.3"))
def test_go_dials_and_splits_its_long_messages_pitfall_30(node, identities, version):
    with unharmed(node, identities["ems"]), go("client", node.port, identities["ems"], version) as peer:
        connected = peer.wait("connected")
        assert connected["ski"] == identities["box"].ski
        if version:
            assert connected["suite"] == "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"
        for size in (0, 4000, 4096, 30000):
            peer.order("send %d" % size)
            assert '"%d bytes' % (85 + size) in peer.wait("data")["text"]
        for size in (10, 1000, 20000):
            node.order("send", size=size)
            assert peer.wait("data")["bytes"] == 86 + size
        peer.order("ping")
        assert peer.wait("pong") in ("hello", "")
        peer.order("leave")
        assert "4001" in peer.wait("closed")


def test_go_dies_and_returns(node, identities):
    with unharmed(node, identities["ems"]):
        for _ in range(5):
            with go("client", node.port, identities["ems"]) as peer:
                peer.wait("connected")
                peer.order("send 3000")
                peer.wait("data")


@pytest.mark.parametrize("version", ("1.2", ""), ids=("tls1.2", "tls1.3"))
def test_go_is_dialled_dies_and_is_dialled_again(identities, version):
    port = free_port()
    node = Demo(identities["box"], [identities["ems"].ski], hurry=10)
    try:
        for _ in range(2):
            with go("server", port, identities["ems"], version) as peer:
                peer.wait("listening")
                node.order("seen", ski=identities["ems"].ski, host="127.0.0.1", port=port)
                assert peer.wait("connected")["ski"] == identities["box"].ski
                peer.order("send 9000")
                assert '"9085 bytes' in peer.wait("data")["text"]
                node.order("send", size=9000)
                assert peer.wait("data")["bytes"] == 9086
        node.idle()
    finally:
        node.end()


def test_we_leave_go(node, identities):
    with go("client", node.port, identities["ems"]) as peer:
        peer.wait("connected")
        node.until(lambda state: [each[1] for each in state["sessions"]] == [DATA])
        node.order("leave")
        assert "4001" in peer.wait("closed")
    assert node.idle()["counts"]["unspecific"] == 1
