"""The wallbox under test, its firmware on 32-bit MicroPython, and a controller that speaks raw frames to it.

    with Box(bind="127.0.64.2") as box:                          # on the loopback interface
        box.charge()                                             # a car that follows at once, charging
        with Raw("127.0.64.3", box.address) as ems:
            ems.ask("1081 0001 05FF01 02A101 62 01 DA 00")       # the reply as hex, None for silence

    Box(network=network, host="dev")                             # on a host of namespaces.Network

In a namespace the simulator's control port is out of reach, so this file run as a program carries requests to it:
`echonet_box.py SIM-ARGUMENTS` prints the ready line, then answers one JSON object a line.
"""

import json
import os
import queue
import select
import socket
import subprocess
import sys
import threading
import time

_ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
if __name__ == "__main__":
    sys.path[:0] = [os.path.join(_ROOT, "tools")]

import runtimes  # noqa: E402
from control import Control, ControlError  # noqa: E402
from sim_process import SimProcess  # noqa: E402

RUNTIME = "mpy32"
HEAP = "64K"
GROUP = ("224.0.23.0", 3610)


class Box:
    """The simulated wallbox; `control` as in tools/control.py. A context manager."""

    def __init__(self, *arguments, bind=None, network=None, host="dev", state=None, wait=True):
        arguments = ("--runtime", RUNTIME, "--heap", HEAP, "--quiet") + arguments
        if network is None:
            self.address = bind
            self._sim = SimProcess("--bind", bind, "--multicast-if", "127.0.0.1", *arguments, state=state)
        else:
            self.address = network.address(host)
            if state:
                arguments += ("--state", state)
            self._sim = _Carried(network, host, ("--bind", "0.0.0.0") + arguments)
        self.control = self._sim.control
        if wait:
            self._served()

    def _served(self):
        self.wait(lambda state: state["firmware"] == "ok" and state["echonet"]["sent"])

    def state(self):
        return self.control.state()

    def wait(self, predicate, timeout_s=40):
        return self.control.wait(predicate, timeout_s)

    def plug(self, **car):
        """A car that follows within a fraction of a second; what differs by name."""
        self.control.call("plug", **dict({"phases": 3, "reaction_ms": 100, "ramp_ma_s": 200000}, **car))

    def charge(self, **car):
        """Plug a car in and wait until it charges with all that it may have."""
        self.plug(ready=True, **car)
        return self.wait(lambda state: state["current_ma"][0] > 5000)

    def lived(self, ms):
        """Let so much time pass in the firmware: when it answers then, all that was due before has been done."""
        time.sleep(ms / 1000)
        self.wait(lambda state: state["firmware"] == "ok")

    def restart(self, op="restart", **more):
        """Restart the firmware, or cut the power."""
        answer = self.control.call(op, **more)
        self._served()
        return answer

    def settled(self, ma, phase=0, timeout_s=40):
        """Wait until the pilot says `ma`, 0 = pause, and the car draws accordingly. Returns the state."""
        if not ma:
            return self.wait(lambda state: state["pilot"]["duty_permille"] == 1000 and state["offer_ma"] == 0
                             and not state["contactor"]["closed"] and state["current_ma"][phase] == 0, timeout_s)
        permille = ma // 60
        return self.wait(lambda state: state["offer_ma"] == ma and state["pilot"]["duty_permille"] == permille
                         and state["current_ma"][phase] == permille * 60, timeout_s)

    def close(self):
        self._sim.end()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class _Carried(Control):
    """The simulator in a namespace, its control port by way of this file as a program."""

    def __init__(self, network, host, arguments):
        command = runtimes.cpython() + [os.path.abspath(__file__), *arguments]
        self._process = subprocess.Popen(network.command(host, command), stdin=subprocess.PIPE,
                                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8")
        self._lines = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()
        self.control = self
        first = self._line()
        if not first.startswith("ready "):
            self.end()
            raise RuntimeError(first)

    def _read(self):
        for line in self._process.stdout:
            self._lines.put(line)
        self._lines.put("")

    def _line(self):
        try:
            return self._lines.get(timeout=60)
        except queue.Empty:
            return ""

    def ask(self, request):
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        line = self._line()
        if not line.startswith("{"):
            raise ControlError("the simulator has ended: " + line)
        return json.loads(line)

    def end(self):
        self._process.stdin.close()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def octets(text):
    """Bytes of a frame written as in the reference, with spaces for reading."""
    return bytes.fromhex(text.replace(" ", ""))


class Raw:
    """A controller on the address `own` of this host that talks frames to the node on `node`.

    Sockets: `home` on port 3610 of its own, `group` on the multicast group, `other` on any port.
    """

    def __init__(self, own, node, eoj="02a101"):
        self.node = node
        self.eoj = eoj
        self.own = own
        self.home = self._socket((own, 3610))
        self.group = self._socket(GROUP)
        self.group.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP,
                              socket.inet_aton(GROUP[0]) + socket.inet_aton("127.0.0.1"))
        self.other = self._socket((own, 0))
        self._tid = 0

    @staticmethod
    def _socket(address):
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        sock.bind(address)
        if address != GROUP:
            sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(address[0]))
        return sock

    def send(self, frame, sock=None, to=None):
        """Send a frame, text or bytes, to the node (or to GROUP)."""
        if isinstance(frame, str):
            frame = octets(frame)
        (sock or self.home).sendto(frame, to or (self.node, 3610))

    def hear(self, sock=None, timeout_s=20.0):
        """The next frame of the node, as hex; None when there is none in time."""
        end = time.monotonic() + timeout_s
        while True:
            left = end - time.monotonic()
            if left < 0 or not select.select([sock or self.home], [], [], left)[0]:
                return None
            data, sender = (sock or self.home).recvfrom(2048)
            if sender == (self.node, 3610):
                return data.hex()

    def drain(self):
        """Forget everything that has arrived."""
        for sock in (self.home, self.group, self.other):
            while select.select([sock], [], [], 0)[0]:
                sock.recv(2048)

    def ask(self, frame, timeout_s=20.0):
        """Send a frame; the reply as hex, None for silence."""
        self.send(frame)
        return self.hear(timeout_s=timeout_s)

    def silent(self, frame):
        """Whether the node says nothing to this frame: its reply to a Get sent after it comes first."""
        self.send(frame)
        self._tid = self._tid % 0x7000 + 1
        return self.ask("1081 %04X 05FF01 0EF001 62 01 D7 00" % self._tid)[:8] == "1081%04x" % self._tid

    def exchange(self, esv, *properties, eoj=None):
        """(ESV, [(EPC, EDT), ...]) of the reply to one request; properties are (EPC, EDT) as hex. None for silence."""
        self._tid = self._tid % 0x7000 + 1
        body = "".join("%s%02x%s" % (epc, len(edt) // 2, edt) for epc, edt in properties)
        eoj = eoj or self.eoj
        reply = self.ask("1081%04x05ff01%s%02x%02x%s" % (self._tid, eoj, esv, len(properties), body))
        if reply is None:
            return None
        assert reply[:20] == "1081%04x%s05ff01"[:20] % (self._tid, eoj), reply
        return int(reply[20:22], 16), parsed(reply)

    def get(self, epc, eoj=None):
        """EDT of one property as hex, None where that is "not possible"."""
        esv, properties = self.exchange(0x62, (epc, ""), eoj=eoj)
        assert esv in (0x72, 0x52) and properties[0][0] == epc and bool(properties[0][1]) == (esv == 0x72)
        return properties[0][1] or None

    def set(self, epc, edt, eoj=None):
        """True when the node accepted; False when it refused and echoed the EDT."""
        esv, properties = self.exchange(0x61, (epc, edt), eoj=eoj)
        assert (esv, properties) in ((0x71, [(epc, "")]), (0x51, [(epc, edt)]))
        return esv == 0x71

    def maps(self, eoj=None):
        """{"inf": {EPC, ...}, "set": {...}, "get": {...}} as the node tells them."""
        return {word: codes(self.get(epc, eoj)) for word, epc in (("inf", "9d"), ("set", "9e"), ("get", "9f"))}

    def told(self, wanted, timeout_s=40.0):
        """Listen to the group until `wanted`, (EOJ, EPC, EDT), was announced; everything announced until then.

        AssertionError when it was not. Checks that the TIDs are the node's own and each frame is an INF to 0EF001.
        """
        end = time.monotonic() + timeout_s
        heard = []
        while wanted not in heard:
            frame = self.hear(self.group, max(0.0, end - time.monotonic()))
            assert frame is not None, "not told %r, but %r" % (wanted, heard)
            if frame[20:22] == "73":
                assert int(frame[4:8], 16) >= 0x8000 and frame[14:20] == "0ef001", frame
                heard += [(frame[8:14], epc, edt) for epc, edt in parsed(frame)]
        return heard

    def close(self):
        for sock in (self.home, self.group, self.other):
            sock.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def parsed(frame):
    """[(EPC, EDT), ...] of a frame given as hex, all properties of it; AssertionError when it is malformed."""
    count = int(frame[22:24], 16)
    at = 24
    found = []
    for _ in range(count):
        size = int(frame[at + 2:at + 4], 16)
        found.append((frame[at:at + 2], frame[at + 4:at + 4 + 2 * size]))
        at += 4 + 2 * size
    assert at == len(frame), frame
    return found


def codes(edt):
    """The EPCs of a property map, as a set of hex texts."""
    data = bytes.fromhex(edt)
    if data[0] < 16:
        assert len(data) == data[0] + 1
        return {"%02x" % code for code in data[1:]}
    assert len(data) == 17
    found = {"%x%x" % (8 + bit, low) for bit in range(8) for low in range(16) if data[1 + low] >> bit & 1}
    assert len(found) == data[0]
    return found


def _carry():
    with SimProcess(*sys.argv[1:]) as sim:
        print(sim.ready_line, flush=True)
        for line in sys.stdin:
            print(json.dumps(sim.control.ask(json.loads(line))), flush=True)


if __name__ == "__main__":
    _carry()
