"""Finds the smallest heap in which the firmware does its work on the 32-bit runtime: the hook of tools/size.py.

    python3 tools/heap.py [KB [core|full]]

With a number it only says whether a heap of so many KB is enough for an EMS (profile core unless told).

A heap is enough when the firmware starts in it, a car charges for some seconds, a controller reads every property of
the charger over ECHONET Lite and sets one, the state of the box can be asked for meanwhile, and nothing failed for
want of memory. Halves the interval until 1 KB is left. With an EMS, it is enough when the EMS, eebus-go behind TLS,
pairs, finds the use cases, sets a limit that the pilot shows, and the connection lasts while a car charges; in the
profile full it speaks all use cases that eebus-go has, those of the car too.
"""

import json
import os
import socket
import sys
import time

import runtimes
import setup
from control import ControlError
from sim_process import NotServing, SimProcess

_BOX, _PEER = "127.0.13.1", "127.0.13.2"
_LEAST_KB, _MOST_KB, _MOST_WITH_EMS_KB = 32, 160, 208
_EMS_BOX = "127.0.13.3"
_LIMIT_W, _LIMIT_MA = 9000, 13000  # three phases at 230 V
_WITH_EMS = "heap: %s with SHIP, SPINE and one EMS over TLS, car charging"
_CHARGING_S = 3
_EOJ = b"\x02\xa1\x01"


class _Failed(Exception):
    """This heap is too small."""


def rows():
    """One row a profile: (what, smallest heap in KB or None, goal, gate, note). note: why nothing was measured, else
    empty."""
    setup.ensure("run", "mpy32")
    return [
        ("heap: core, car, ECHONET Lite (no TLS)", smallest(enough, _MOST_KB), 60, 64, ""),
        _ems_row("core", 64, 80),
        _ems_row("full", 96, 104),
    ]


def _ems_row(profile, goal, gate):
    what = _WITH_EMS % profile
    try:
        runtimes.go_peer("ems_go")
    except runtimes.Missing as why:
        return what, None, goal, gate, str(why)
    measured = smallest(lambda kilobytes: enough_with_ems(kilobytes, profile), _MOST_WITH_EMS_KB)
    return what, measured, goal, gate, ""


def smallest(fits, high):
    """The smallest heap in KB in which the work `fits`; None when even `high` KB are too few."""
    low = _LEAST_KB
    if not fits(high):
        return None
    while high - low > 1:
        middle = (low + high) // 2
        if fits(middle):
            high = middle
        else:
            low = middle
    return high


def enough(kilobytes):
    """Whether the core profile does its work over ECHONET Lite in a heap of so many KB."""
    return _runs(kilobytes, _BOX, _work)


def enough_with_ems(kilobytes, profile="core"):
    """Whether a profile serves an EMS over TLS while a car charges, in a heap of so many KB."""
    work = _serve_ems if profile == "core" else _serve_ems_of_the_car
    return _runs(kilobytes, _EMS_BOX, work, "--accept-any", "--profile", profile)


def _runs(kilobytes, box, work, *more):
    try:
        with SimProcess("--runtime", "mpy32", "--heap", "%dK" % kilobytes, "--profile", "core", "--bind", box,
                        "--multicast-if", "127.0.0.1", "--quiet", *more, timeout_s=60) as sim:
            work(sim)
            return sim.process.poll() is None and not any("MemoryError" in line for line in sim.lines)
    except (NotServing, ControlError, TimeoutError, ConnectionError, json.JSONDecodeError, AssertionError, _Failed):
        return False


def _serve_ems_of_the_car(sim):
    _serve_ems(sim, True)


def _serve_ems(sim, of_the_car=False):
    sys.path.insert(0, runtimes.ROOT)
    from host_tests.peers import ems as peer

    if sim.ready["ski"] == "-":
        raise _Failed("SHIP is off")
    control = sim.control
    control.call("plug", phases=3)
    control.call("ready")
    try:
        with peer.Ems(sim.ready["ski"], _EMS_BOX, int(sim.ready["ship_port"]),
                      peer.STATION + peer.CAR if of_the_car else peer.STATION) as ems:
            ems.wait_ready()
            end = time.monotonic() + 15
            while ems.call("lpc.write", value=_LIMIT_W, active=True, duration_ms=None)["error"]:
                if time.monotonic() > end:
                    raise _Failed("the limit is refused")
                time.sleep(0.5)  # the box takes none before the first heartbeat
            control.wait(lambda state: _charges(state), 20, 0.5)
            end = time.monotonic() + _CHARGING_S
            while time.monotonic() < end:
                if not _charges(control.state()):
                    raise _Failed("does not charge as it should")
                time.sleep(0.3)
            if any(event["event"] == "disconnected" for event in ems.events):
                raise _Failed("the connection was lost")
    except peer.Failed as error:
        raise _Failed(str(error)) from error


def _charges(state):
    return state["contactor"]["closed"] and state["offer_ma"] == _LIMIT_MA and state["current_ma"][0] > 6000


def _work(sim):
    control = sim.control
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
    if len(sys.argv) > 1:
        setup.ensure("run", "mpy32")
        sys.exit(0 if enough_with_ems(int(sys.argv[1]), *sys.argv[2:3]) else "not enough")
    for what, measured, goal, gate, note in rows():
        print("%s: %s (goal %d, gate %d)" % (what, note or "%s KB" % measured, goal, gate))


if __name__ == "__main__":
    os.environ.setdefault("PYTHONUNBUFFERED", "1")
    main()
