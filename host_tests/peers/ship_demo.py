"""Starts the small SHIP node (ship_node.py) under MicroPython with a bounded heap, for interoperability tests."""

import contextlib
import json
import os
import socket
import subprocess
import threading
import time

import image
import runtimes

from host_tests.peers import ship_peer
from host_tests.peers.until import until

DATA = 9  # state of a session that carries data
HEAP_KB = {"mpy32": 96, "mpy64": 192}  # with the code of the node itself


def free_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


class Demo:
    """The node as a process, whose time runs `hurry` times faster. `order` speaks with its control port."""

    def __init__(self, identity, trust=(), runtime="mpy32", hurry=1, **settings):
        self.identity = identity
        self.hurry = hurry
        self.slack = 4000 if runtime == "mpy64" else 2000  # bytes of one dead session, which a stale pointer may keep
        self.port, control = free_port(), free_port()
        settings.update(
            cert=identity.cert_der,
            key=identity.key_der,
            ski=identity.ski,
            port=self.port,
            control=control,
            trust=list(trust),
            hurry=hurry,
        )
        folder = image.build(runtime, "sim", 3)
        here = os.path.dirname(identity.cert_der)
        subprocess.run(
            runtimes.mpy_cross()
            + [
                "-O3",
                "-o",
                os.path.join(here, "ship_node.mpy"),
                os.path.join(os.path.dirname(__file__), "ship_node.py"),
            ],
            check=True,
        )
        order = os.path.join(here, "%d.json" % self.port)  # MicroPython takes no argument above 255 bytes
        with open(order, "w") as file:
            json.dump(settings, file)
        environment = dict(os.environ, MICROPYPATH=":".join((".frozen", folder + "/lib", here)))
        self.process = subprocess.Popen(
            runtimes.command(runtime) + ["-X", "heapsize=%dK" % HEAP_KB[runtime], "-m", "ship_node", order],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.printed = []
        line = self.process.stdout.readline()
        if not line.startswith("ready"):
            self.printed.append(line + self.process.stdout.read())
            raise AssertionError("the node did not start: " + self.printed[0])
        threading.Thread(target=lambda: self.printed.extend(self.process.stdout), daemon=True).start()
        for _ in range(100):  # it listens just after it says so
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", self.port)).close()
                break
            time.sleep(0.02)
        self._control_port = control
        self._control = socket.create_connection(("127.0.0.1", control), 60)
        self._lines = self._control.makefile("rw")

    def order(self, op, **more):
        """Its answer to one order; see Demo.command in ship_node.py."""
        self._lines.write(json.dumps(dict(more, op=op)) + "\n")
        self._lines.flush()
        reply = json.loads(self._lines.readline())
        assert "failed" not in reply, reply
        return reply

    @contextlib.contextmanager
    def patient(self):
        """Its time does not hurry: what is honest has the seconds that it has on a device, on a busy machine too."""
        if self.hurry != 1:
            self.order("hurry", by=1)
        try:
            yield
        finally:
            if self.hurry != 1:
                self.order("hurry", by=self.hurry)

    def order_apart(self, op, size):
        """An order that may take long, on a connection of its own."""
        with socket.create_connection(("127.0.0.1", self._control_port), 60) as control:
            control.sendall(b'{"op":"%s","size":%d}\n' % (op.encode(), size))
            assert b"failed" not in control.makefile("rb").readline()

    def state(self):
        return self.order("state")

    def until(self, condition, timeout=40):
        """Wait until `condition(state)` holds; returns that state."""
        end = time.time() + timeout
        while True:
            state = self.state()
            if condition(state):
                return state
            assert time.time() < end, state
            time.sleep(0.03)

    def idle(self):
        return self.until(lambda state: not state["sessions"])

    def sockets(self):
        return len(os.listdir("/proc/%d/fd" % self.process.pid))

    def count(self, why):
        return self.state()["counts"].get(why, 0)

    def end(self):
        self._control.close()
        self.process.kill()
        self.process.wait()
        assert not [line for line in self.printed if "Traceback" in line], "".join(self.printed)


@contextlib.contextmanager
def unharmed(node, honest, limit_s=2.0):
    """What happens inside leaves no trace: memory, sockets, buffers; the next honest peer gets in at once.

    A second is what a peer may notice; the limit leaves room for a busy test machine."""
    meet(node, honest)
    before, sockets = node.idle(), node.sockets()
    yield
    after = node.idle()
    for _ in range(5):  # the collector is conservative: a stale pointer may keep one dead session for a while
        begin = time.time()
        meet(node, honest)
        took = time.time() - begin
        last = node.idle()
        assert took < limit_s, took
        if last["memory"] <= before["memory"] + node.slack:
            break
    else:
        raise AssertionError("memory before %d, after %d" % (before["memory"], last["memory"]))
    until(lambda: node.sockets() == sockets, lambda: "%d sockets, not %d" % (node.sockets(), sockets))
    assert after["pool"] == last["pool"] == before["pool"]
    assert after["handshakes"] == 0


@contextlib.contextmanager
def visitor(node, identity, **options):
    """A websocket with the node; its time hurries once that is there."""
    with contextlib.ExitStack() as stack:
        with node.patient():
            peer = stack.enter_context(ship_peer.websocket(identity, node.port, **options))
        yield peer


def meet(node, identity, **options):
    """One honest connection from TLS to a confirmed close, with a message each way."""
    with node.patient(), ship_peer.websocket(identity, node.port, **options) as peer:
        ship_peer.handshake(peer)
        peer.send(ship_peer.data("hello"))
        assert b"90 bytes" in ship_peer.receive(peer)
        peer.send(ship_peer.LEAVE)
        ship_peer.receive(peer, ship_peer.CONFIRM)
