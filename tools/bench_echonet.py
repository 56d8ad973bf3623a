"""Frames per second of our ECHONET Lite codec beside pychonet's, and on MicroPython with a 96 KB heap.

    python3 tools/bench_echonet.py

Every row does the same job in both, for a frame of 1 and of 23 properties (those of an EV charger, 152 bytes).
decode  the bytes of a Get_Res are checked to the last property: all that either does before the values are used
        (ours then works in place, pychonet has made dictionaries)
read    decode, and code, size and first byte of each property are looked at
encode  a Get_Res is made of values that are at hand
answer  the bytes of a Get come in, those of the Get_Res go out (ours: the whole node, with the look-up of each
        property and the question for its value; pychonet: its decoding and its encoding of values at hand)

The file runs under MicroPython, too: there it prints its own numbers, one `name frames/s` a line.
"""

import sys

# EPC, size, value: a real set of class 02A1, as much as a controller reads at once.
PROPERTIES = (
    (0x80, 1, 0x30), (0x81, 1, 0x08), (0x82, 4, 0x5202), (0x83, 17, b"\xfe\xff\xff\xf0 demo charger"),
    (0x88, 1, 0x42), (0x8A, 3, b"\xff\xff\xf0"), (0x8C, 12, b"demo charger"), (0x8D, 12, b"000000000001"),
    (0x99, 2, 11000), (0xC5, 4, 11000), (0xC7, 1, 0x41), (0xC8, 8, b"\0\0\5\x78\0\0\x2a\xf8"), (0xCC, 1, 0x11),
    (0xD2, 2, 230), (0xD3, 4, 7360), (0xD8, 4, 123456), (0xDA, 1, 0x42), (0xE2, 4, 31000), (0xE4, 1, 66),
    (0xE6, 1, 0), (0xE7, 4, 0), (0xEB, 4, 7360), (0xED, 2, 160),
)
_ONE = ((0xDA, 1, 0x42),)


class _Values:
    """What stands behind the properties of our node here."""

    def __init__(self):
        self._values = {epc: value for epc, _, value in PROPERTIES}

    def get(self, epc):
        return self._values[epc]


def _read(frame, length):
    # As a user of the library reads a frame: checked, then each property in place.
    if check(frame, length):
        raise ValueError
    at = 12
    for _ in range(frame[11]):
        code = frame[at]
        size = frame[at + 1]
        first = frame[at + 2]
        at += 2 + size
    return code, first


def _encode(out, properties):
    begin(out, 1, 0x02A101, 0x05FF01, 0x72)
    out[11] = len(properties)
    at = 12
    for epc, size, value in properties:
        out[at] = epc
        out[at + 1] = size
        at += 2
        if size == 1:
            out[at] = value
        elif isinstance(value, int):
            put(out, at, value, size)
        else:
            out[at : at + size] = value
        at += size
    return at


def _rates(jobs):
    """Calls per second of each job (name, function, arguments), taken in turns: the best of seven runs of 20 ms."""
    counts = []
    for _, function, arguments in jobs:
        count = 1
        while _took_us(function, arguments, count) < 5000:
            count *= 2
        counts.append(count * 4)
    best = [0] * len(jobs)
    for _ in range(7):
        for at, (_, function, arguments) in enumerate(jobs):
            best[at] = max(best[at], counts[at] * 1000000 // _took_us(function, arguments, counts[at]))
    return [(jobs[at][0], best[at]) for at in range(len(jobs))]


def _took_us(function, arguments, count):
    turns = range(count)
    start = ticks_us()
    for _ in turns:
        function(*arguments)
    return max(1, ticks_us() - start)


def ticks_us():
    if hasattr(time, "ticks_us"):
        return time.ticks_us()
    return time.perf_counter_ns() // 1000


def _request(properties):
    return b"\x10\x81\0\1\5\xff\1\2\xa1\1\x62" + bytes((len(properties),)) + b"".join(
        [bytes((epc, 0)) for epc, _, _ in properties])


def ours():
    """Our jobs: a list of (name, function, arguments)."""
    rows = b""
    for epc, size, value in PROPERTIES:
        rows += constant(epc, value) if isinstance(value, bytes) else bytes((epc, 0x10 | size))
    node = Node(b"\xff\xff\xf0", bytes(13), (EchonetObject(0x02A101, ((rows, _Values()),)),))
    jobs = []
    for properties in (_ONE, PROPERTIES):
        out = bytearray(522)
        size = _encode(out, properties)
        response = bytes(out[:size])
        request = _request(properties)
        node.handle(request, len(request), out, _no_reply)
        if bytes(out[:size]) != response or check(response, size):
            raise ValueError("the node's answer differs")
        count = " %2d" % len(properties)
        jobs.append(("decode" + count, check, (response, size)))
        jobs.append(("read  " + count, _read, (response, size)))
        jobs.append(("encode" + count, _encode, (out, properties)))
        jobs.append(("answer" + count, node.handle, (request, len(request), out, _no_reply)))
    return jobs


def _no_reply(size, to_group):
    pass


def pychonets():
    """pychonet's jobs, in the same order."""
    from pychonet.lib.functions import buildEchonetMsg, decodeEchonetMsg

    def read(frame):
        for each in decodeEchonetMsg(frame)["OPC"]:
            code = each["EPC"]
            edt = each["EDT"]
            first = edt[0]
        return code, first

    def answer(request, values):
        decodeEchonetMsg(request)
        return buildEchonetMsg(values)

    jobs = []
    for properties in (_ONE, PROPERTIES):
        values = {"TID": 1, "DEOJGC": 2, "DEOJCC": 0xA1, "DEOJCI": 1, "ESV": 0x72, "OPC": [
            {"EPC": epc, "PDC": size, "EDT": int.from_bytes(value, "big") if isinstance(value, bytes) else value}
            for epc, size, value in properties]}
        response = bytes(buildEchonetMsg(values))
        jobs.append(("", decodeEchonetMsg, (response,)))
        jobs.append(("", read, (response,)))
        jobs.append(("", buildEchonetMsg, (values,)))
        jobs.append(("", answer, (_request(properties), values)))
    return jobs


def _on_micropython(runtime, heap_kb):
    """The rates of this file under a MicroPython runtime with our library as compiled for it, or why there are none."""
    import os
    import subprocess

    import image
    import runtimes

    try:
        command = runtimes.command(runtime)
        folder = image.build(runtime, "sim")
    except runtimes.Missing as why:
        return str(why)
    done = subprocess.run(command + ["-X", "heapsize=%dK" % heap_kb, os.path.abspath(__file__)],
                          env=dict(os.environ, MICROPYPATH=folder + "/lib"), stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, universal_newlines=True)
    if done.returncode:
        return done.stdout
    return [(line.rsplit(" ", 1)[0], int(line.rsplit(" ", 1)[1])) for line in done.stdout.splitlines()]


def main():
    """Print the table; return the ratios to pychonet by row, None where it is not installed."""
    jobs = ours()
    try:
        theirs = pychonets()
    except ImportError:
        theirs = []
        print("pychonet is not installed: run `python3 tools/setup.py test`.")
    rates = _rates(jobs + theirs)
    others = []
    for name in ("mpy64", "mpy32"):
        found = _on_micropython(name, 96)
        if isinstance(found, str):
            print(found.strip())
        else:
            others.append((name + " 96K", found))
    print("ECHONET Lite, frames/s      ours   pychonet  ratio" + "".join("%11s" % name for name, _ in others))
    ratios = {}
    for at, (name, rate) in enumerate(rates[:len(jobs)]):
        line = "%s properties  %10d" % (name, rate)
        if theirs:
            their = rates[at + len(jobs)][1]
            ratios[name] = rate / their
            line += " %10d %5.1fx" % (their, ratios[name])
        else:
            line += " %10s %6s" % ("-", "-")
        print(line + "".join("%11d" % found[at][1] for _, found in others))
    return ratios or None


import time  # noqa: E402

if sys.implementation.name != "micropython":
    import os

    sys.path[:0] = [os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "lib")]

from echonet.frame import begin, check, put  # noqa: E402
from echonet.node import Node  # noqa: E402
from echonet.object import EchonetObject, constant  # noqa: E402

if __name__ == "__main__":
    if sys.implementation.name == "micropython":
        for _name, _result in _rates(ours()):
            print(_name, _result)
    else:
        main()
