"""Finds the smallest heap in which the firmware does its work on the 32-bit runtime: the hook of tools/size.py.

    python3 tools/heap.py

A heap is enough when the firmware starts in it, a car charges for some seconds, a controller reads every property of
the charger over ECHONET Lite and sets one, the state of the box can be asked for meanwhile, and nothing failed for
want of memory. Halves the interval until 1 KB is left.
"""

import json
import os
import socket
import time

import setup
from control import ControlError
from sim_process import NotServing, SimProcess

_BOX, _PEER = "127.0.13.1", "127.0.13.2"
_LEAST_KB, _MOST_KB = 32, 160
_CHARGING_S = 3
_EOJ = b"\x02\xa1\x01"


class _Failed(Exception):
    """This heap is too small."""


def rows():
    """One row a profile: (what, smallest heap in KB or None when none was enough, goal, gate)."""
    setup.ensure("run", "mpy32")
    return [("heap: core, car, ECHONET Lite (no TLS yet)", smallest("core"), 60, 64)]


def smallest(profile):
    """The smallest heap in KB for `profile`; None when even the largest tried is too small."""
    low, high = _LEAST_KB, _MOST_KB
    if not enough(profile, high):
        return None
    while high - low > 1:
        middle = (low + high) // 2
        if enough(profile, middle):
            high = middle
        else:
            low = middle
    return high


def enough(profile, kilobytes):
    """Whether the firmware does its work in a heap of so many KB."""
    try:
        with SimProcess("--runtime", "mpy32", "--heap", "%dK" % kilobytes, "--profile", profile, "--bind", _BOX,
                        "--multicast-if", "127.0.0.1", "--quiet", timeout_s=60) as sim:
            _work(sim.control)
            return sim.process.poll() is None and not any("MemoryError" in line for line in sim.lines)
    except (NotServing, ControlError, TimeoutError, ConnectionError, json.JSONDecodeError, _Failed):
        return False


def _work(control):
    control.call("plug", phases=3)
    control.call("ready")
    control.wait(lambda state: state["contactor"]["closed"] and state["current_ma"][0] > 6000, 15, 0.5)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        peer.bind((_PEER, 3610))
        peer.settimeout(0.5)
        readable = _request(peer, 0x62, b"\x9f\x00")[0x9F]
        every = [epc for epc in range(0x80, 0x100) if _in_map(readable, epc)]
        if len(every) < 20:
            raise _Failed("no property map")
        for epc in every:
            if _request(peer, 0x62, bytes((epc, 0))).get(epc) is None:
                raise _Failed("no answer about %02X" % epc)
        _request(peer, 0x62, b"".join(bytes((epc, 0)) for epc in every))  # all at once, too
        end = time.monotonic() + _CHARGING_S
        watts = 5000
        while time.monotonic() < end:
            watts += 100
            _request(peer, 0x61, b"\xeb\x04" + watts.to_bytes(4, "big"))
            if _request(peer, 0x62, b"\xeb\x00")[0xEB] != watts.to_bytes(4, "big"):
                raise _Failed("not set")
            if not control.state()["contactor"]["closed"]:
                raise _Failed("does not charge")
            time.sleep(0.3)
    state = control.state()
    if state["echonet"]["failure"] or state["echonet"]["errors"]:
        raise _Failed("a request failed in the box")


def _in_map(value, epc):
    if value[0] <= 15:
        return epc in value[1:]
    return bool(value[1 + (epc & 15)] >> (epc >> 4) - 8 & 1)


_tid = 0


def _request(peer, esv, properties):
    """The properties of the reply, {EPC: EDT}; a lost datagram is sent again twice."""
    global _tid
    opc = at = 0
    while at < len(properties):
        at += 2 + properties[at + 1]
        opc += 1
    for _ in range(3):
        _tid = _tid + 1 & 0x7FFF
        head = b"\x10\x81" + _tid.to_bytes(2, "big")
        peer.sendto(head + b"\x05\xff\x01" + _EOJ + bytes((esv, opc)) + properties, (_BOX, 3610))
        try:
            while True:
                reply = peer.recvfrom(2048)[0]
                if reply[:4] == head and reply[4:7] == _EOJ:
                    return _properties(reply)
        except socket.timeout:
            pass
    raise _Failed("no reply")


def _properties(frame):
    found, at = {}, 12
    for _ in range(frame[11]):
        found[frame[at]] = frame[at + 2 : at + 2 + frame[at + 1]]
        at += 2 + frame[at + 1]
    return found


def main():
    for what, measured, goal, gate in rows():
        print("%s: %s KB (goal %d, gate %d)" % (what, measured, goal, gate))


if __name__ == "__main__":
    os.environ.setdefault("PYTHONUNBUFFERED", "1")
    main()
