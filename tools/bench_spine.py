"""Time and memory of our SPINE reader beside the built-in json with a walk over its tree, for the biggest messages.

    python3 tools/bench_spine.py [--runtimes mpy32,mpy64,cpython]

ours      a whole datagram through a Peer, 1 KB at a time: header, addresses, binding, schema, every value converted
          and handed to the staging function of a write (or, of a discovery, to the client side)
built-in  json.loads of the whole text and one recursive walk over the tree; no addresses, no schema, no conversion
ms        best of several runs, ours with reading the file; KB/s follows from it
heap      the least free heap with which it runs, everything loaded and the rest of the heap filled up.
          To 128 bytes; not for CPython.
spine-go  the same datagrams through ship-go and spine-go: repair of the JSON, decoding into their types; and what they
          allocate for it. Where the tests' peer in Go is built (`make setup`)

The file runs under MicroPython too, there it does one job.
"""

import sys

_JOBS = ("ours", "built-in")

INCENTIVES = (
    b"incentiveTableData:(incentiveTable:[tariff:(tariffId:k) incentiveSlot:[timeInterval:"
    b"(startTime:(dateTime:s relative:d) endTime:(dateTime:s relative:d)) tier:[tier:(tierId:k) "
    b"boundary:[boundaryId:k validityTimePeriod:p lowerBoundaryValue:n upperBoundaryValue:n] "
    b"incentive:[incentiveId:k valueType:s value:n]]]])"
)
LIMITS = (
    b"loadControlLimitListData:(loadControlLimitData:"
    b"[limitId:k isLimitChangeable:b isLimitActive:b timePeriod:p value:n])"
)


class Box:
    """A device with two bound features and a peer, and a count of what it was given."""

    def __init__(self):
        from spine.client import Client
        from spine.common_data_types import CHARGING_STATION, EVSE, LOAD_CONTROL, SERVER
        from spine.device import Device, entity
        from spine.peer import Peer

        self.count = 0
        self.limit = (0, True, False, None, None, 4200, 0)
        owner = ((INCENTIVES, None, self.write, 1, self.stage), (LIMITS, (self.limit,), self.write))
        feature = 5 << 8 | LOAD_CONTROL | SERVER
        device = Device("d:_n:BOX", CHARGING_STATION)
        device.add((entity(1), EVSE, None, feature, owner))
        self.peer = Peer(device, Client(entity(1), 7))
        self.peer.bindings.append((owner, entity(1), entity(1), 1, feature))
        self.buffer = bytearray(1024)

    def stage(self, at, row):
        self.count += 1
        return True

    def write(self, rows, peer, full):
        self.count += 1

    def run(self, file):
        """Read one message; the number of rows and writes it led to."""
        self.count = 0
        peer = self.peer
        buffer = self.buffer
        reader = peer.begin()
        while True:
            n = file.readinto(buffer)
            if not n:
                break
            reader.feed(buffer, 0, n)
        peer.end(0)
        producer = peer.next_message(0)
        while producer:
            while producer(buffer):
                pass
            producer = peer.next_message(0)
        return self.count


def _walk(value):
    # As few locals as can be: one more, and MicroPython takes each call's frame from the heap, six times slower.
    count = 0
    if isinstance(value, dict):
        for each in value:
            count += _walk(value[each])
    elif isinstance(value, list):
        for each in value:
            count += _walk(each)
    else:
        count = 1
    return count


def _built_in(text):
    import json

    return _walk(json.loads(text))


def job(name, path, runs, free=0):
    """Do one job `runs` times, or once with `free` bytes of heap left; prints the best time in us."""
    import gc
    import time

    ticks = time.ticks_us if hasattr(time, "ticks_us") else lambda: time.perf_counter_ns() // 1000
    work = Box().run if name == "ours" else _built_in
    best = None
    if free:
        import json  # noqa: F401  (loaded before, as the rest)

        ballast = [None] * 2000
        at = 0
        for size in (2000, 200, 20):
            gc.collect()
            before = gc.mem_free()
            ballast[at] = bytearray(size)
            piece = before - gc.mem_free()
            at += 1
            for _ in range((before - piece - free) // piece):
                ballast[at] = bytearray(size)
                at += 1
    for _ in range(runs):
        with open(path, "rb") as file:
            what = file if name == "ours" else file.read()
            if runs > 1:
                gc.collect()
            start = ticks()
            if not work(what) and "discovery" not in path:
                raise ValueError("nothing was read")
            took = ticks() - start
        best = took if best is None else min(best, took)
    print(best)


# --- on the host


def _datagram(entity, feature, to_entity, to_feature, classifier, command):
    return (
        '{"data":[{"header":[{"protocolId":"ee1.0"}]},{"payload":{"datagram":[{"header":['
        '{"specificationVersion":"1.3.0"},{"addressSource":[{"device":"d:_n:EMS"},{"entity":[%d]},{"feature":%d}]},'
        '{"addressDestination":[{"device":"d:_n:BOX"},{"entity":[%d]},{"feature":%d}]},{"msgCounter":60},'
        '{"cmdClassifier":"%s"}]},{"payload":[{"cmd":%s}]}]}}]}'
        % (entity, feature, to_entity, to_feature, classifier, command)
    )


def _incentives(slots, tiers, incentives):
    slot = []
    for number in range(slots):
        tier = []
        for t in range(tiers):
            inner = ",".join(
                '[{"incentiveId":%d},{"value":[{"number":%d},{"scale":-4}]}]' % (i, 3100 + number)
                for i in range(incentives)
            )
            tier.append(
                '[{"tier":[{"tierId":%d}]},{"boundary":[[{"boundaryId":0},{"lowerBoundaryValue":[{"number":%d},'
                '{"scale":0}]}]]},{"incentive":[%s]}]' % (t, 4000 * t, inner)
            )
        slot.append(
            '[{"timeInterval":[{"startTime":[{"relative":"PT%dM"}]},{"endTime":[{"relative":"PT%dM"}]}]},{"tier":[%s]}]'
            % (15 * number, 15 * number + 15, ",".join(tier))
        )
    return _datagram(1, 1, 1, 5, "write", (
        '[[{"incentiveTableData":[{"incentiveTable":[[{"tariff":[{"tariffId":0}]},{"incentiveSlot":[%s]}]]}]}]]'
        % ",".join(slot)))


def _discovery(features):
    feature = (
        '[{"description":[{"featureAddress":[{"device":"d:_n:EMS"},{"entity":[1]},{"feature":%d}]},{"featureType":'
        '"LoadControl"},{"role":"server"},{"supportedFunction":[[{"function":"loadControlLimitDescriptionListData"},'
        '{"possibleOperations":[{"read":[]}]}],[{"function":"loadControlLimitListData"},{"possibleOperations":'
        '[{"read":[]},{"write":[{"partial":[]}]}]}]]}]}]'
    )
    return _datagram(0, 0, 0, 0, "notify", (
        '[[{"nodeManagementDetailedDiscoveryData":[{"specificationVersionList":[{"specificationVersion":["1.3.0"]}]},'
        '{"deviceInformation":[{"description":[{"deviceAddress":[{"device":"d:_n:EMS"}]}]}]},{"entityInformation":'
        '[[{"description":[{"entityAddress":[{"device":"d:_n:EMS"},{"entity":[1]}]},{"entityType":"CEM"}]}]]},'
        '{"featureInformation":[%s]}]}]]' % ",".join(feature % number for number in range(features))))


def messages():
    """(name, text) of what is measured; sizes as in the reference, section 6."""
    limit = (
        '[[{"function":"loadControlLimitListData"},{"filter":[[{"cmdControl":[{"partial":[]}]}]]},'
        '{"loadControlLimitListData":[{"loadControlLimitData":[[{"limitId":0},{"isLimitActive":true},'
        '{"timePeriod":[{"endTime":"PT15M"}]},{"value":[{"number":4200},{"scale":0}]}]]}]}]]'
    )
    return (
        ("limit write", _datagram(1, 1, 1, 5, "write", limit)),
        ("foreign discovery", _discovery(25)),
        ("incentives 24 slots 3x3", _incentives(24, 3, 3)),
        ("incentives 96 slots 1x1", _incentives(96, 1, 1)),
        ("incentives 96 slots 3x3", _incentives(96, 3, 3)),
    )


def _on(runtime):
    """A function of (job, file, runs, free heap) that answers with the us it took, or None when it failed."""
    import os
    import subprocess

    import image
    import runtimes

    command = runtimes.command(runtime)
    environment = dict(os.environ)
    if runtime == "cpython":
        environment["PYTHONPATH"] = os.path.join(runtimes.ROOT, "lib")
    else:
        # Compiled beforehand: compiling here would need more heap than what is measured.
        folder = os.path.join(runtimes.BUILD, "bench_spine", runtime)
        os.makedirs(folder, exist_ok=True)
        subprocess.run(runtimes.mpy_cross() + ["-O3", "-o", os.path.join(folder, "bench_spine.mpy"),
                                               os.path.abspath(__file__)], check=True)
        environment["MICROPYPATH"] = folder + ":" + os.path.join(image.build(runtime), "lib")

    def run(name, path, runs, free=0):
        if runtime == "cpython":
            options = [os.path.abspath(__file__), name, path, str(runs)]
        else:
            words = "import bench_spine as b; b.job(%r, %r, %d, %d)" % (name, path, runs, free)
            options = ["-X", "heapsize=2M", "-c", words]
        done = subprocess.run(command + options, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                              text=True)
        return done.stdout.strip() if not done.returncode and done.stdout else None

    return run


def _smallest(run, name, path):
    # The least free heap with which the job runs, to 128 bytes.
    low, high = 0, 12000  # times 128 bytes
    while high - low > 1:
        middle = (low + high) // 2
        if run(name, path, 1, middle * 128) is None:
            low = middle
        else:
            high = middle
    return high * 128


def _measure(runtime, run, name, path, size):
    times, heaps = [], []
    for which in _JOBS:
        times.append(int(run(which, path, 7)))
        if runtime != "cpython":
            heaps.append(_smallest(run, which, path))
    row = "%-8s %-24s %7d B  %8.2f ms %8.2f ms  x%.2f  %6d KB/s" % (
        runtime, name, size, times[0] / 1000, times[1] / 1000, times[0] / times[1], size * 1000 / times[0])
    if heaps:
        row += "  heap %6.1f KB %6.1f KB  /%.0f" % (heaps[0] / 1024, heaps[1] / 1024, heaps[1] / heaps[0])
    print(row, flush=True)


def _go(files):
    """Print what ship-go and spine-go take for the same messages, as the EMS of the tests has them built in."""
    import subprocess

    import runtimes

    done = subprocess.run(runtimes.go_peer("ems_go") + ["-decode"] + [path for _, path, _ in files],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if done.returncode:
        raise runtimes.Missing("spine-go decodes nothing: " + done.stderr.strip())
    print("%-8s %-24s %9s  %11s" % ("", "", "", "spine-go"))
    for (name, _, size), line in zip(files, done.stdout.splitlines()):
        us, allocated = [int(word) for word in line.split()]
        print("%-8s %-24s %7d B  %8.2f ms                     %6d KB/s  allocates %.1f KB" % (
            "go", name, size, us / 1000, size * 1000 // max(us, 1), allocated / 1024))


def main():
    import argparse
    import os

    import runtimes

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runtimes", default="mpy32,mpy64,cpython")
    chosen = parser.parse_args()
    folder = os.path.join(runtimes.BUILD, "bench_spine")
    os.makedirs(folder, exist_ok=True)
    files = []
    for name, text in messages():
        path = os.path.join(folder, name.replace(" ", "_") + ".json")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        files.append((name, path, len(text)))
    print("%-8s %-24s %9s  %11s %11s" % ("", "", "", "ours", "built-in"))
    for runtime in chosen.runtimes.split(","):
        try:
            run = _on(runtime)
            for name, path, size in files:
                _measure(runtime, run, name, path, size)
        except runtimes.Missing as error:
            print(error)
    try:
        _go(files)
    except runtimes.Missing as error:
        print(error)


if len(sys.argv) > 1 and sys.argv[1] in _JOBS:
    job(sys.argv[1], sys.argv[2], int(sys.argv[3]))
elif __name__ == "__main__":
    main()
