"""Prints what the firmware costs: .mpy bytes per package and in all, and the smallest heap in which it runs.

    python3 tools/size.py [--arch xtensawin|x86|...] [--no-heap]

Sizes are those of mpy-cross -O3, modules joined as a device has them (link.py): the board interface counts as evse.
`on demand` is the file of functions that are in RAM only while they are needed (cold.py), of all packages; `page` the
status page as it lies on flash. `core` is what a station of that profile can load: the image has all, but neither the
modules that only `full` loads (image.FULL_ONLY) count for it nor their functions in that file. What a charger that can
discharge loads of them (image.DISCHARGING) is told on a line of its own.
Ends with status 1 when a gate is passed; an aim that is missed is only marked.
The heap part is tools/heap.py, whose `rows()` gives (what, measured KB or None, goal KB, gate KB, why nothing was
measured).
"""

import argparse
import importlib.util
import json
import os
import sys

import image
import runtimes

# Of `mpy-cross -O3`, in bytes: (goal, gate) of a whole profile.
TOTALS = {"core": (90 * 1024, 110 * 1024), "full": (150 * 1024, 180 * 1024)}
# What each package aims at in the profile core: all of it stays in RAM on a board that loads .mpy files.
AIMS = {
    "bounded": 6144, "evse": 6656, "limits": 2867, "functions": 3072, "echonet": 5120, "echonet_map": 3277,
    "ship": 10240, "spine": 10240, "spine_map": 4608, "app": 6656,
}


def package(target):
    """The package that a path of the image belongs to."""
    parts = target.split("/")
    if parts[0] == "lib":
        return parts[1]
    if parts[0] == "boards":
        return "board"
    return parts[1] if parts[0] == "wallbox" and len(parts) > 2 else "app"


def sizes(arch="xtensawin"):
    """Bytes per package: {"core": {package: bytes}, "full": {...}}, without the board; and how many bytes more a
    charger that can discharge has to load in core."""
    folder = image.build(arch, linked=True)
    result = {"core": {}, "full": {}}
    discharging = 0
    for target in image.sources():
        path = os.path.join(folder, target)
        if os.path.exists(path[:-3] + ".mpy"):
            path = path[:-3] + ".mpy"
        elif not os.path.exists(path):
            continue  # joined to another
        name, count = package(target), os.path.getsize(path)
        if name == "board":
            continue
        for profile in ("full",) if target[:-3] in image.FULL_ONLY else ("core", "full"):
            result[profile][name] = result[profile].get(name, 0) + count
        discharging += count * (target[:-3] in image.DISCHARGING)
    for profile in result.values():
        profile["page"] = sum(os.path.getsize(os.path.join(folder, target)) for target in image.pages())
        profile["on demand"] = os.path.getsize(os.path.join(folder, image.COLD))
    result["core"]["on demand"] -= _on_demand(folder, image.FULL_ONLY)
    return result, discharging + _on_demand(folder, image.DISCHARGING)


def _on_demand(folder, paths):
    """Bytes of the code on flash that has nothing but functions of the modules at `paths`; its records apart."""
    modules = tuple(image.dotted(path + ".py") + "." for path in paths)
    with open(os.path.join(folder, "cold.json")) as file:
        pieces = json.load(file)["sizes"]
    return sum(size for size, names in pieces if all((name + ".").startswith(modules) for name in names))


def print_sizes(arch):
    """Print the table; True when every total is within its gate."""
    found, discharging = sizes(arch)
    print("%-14s %9s %9s %9s" % (".mpy (-O3)", "core", "aim", "full"))
    for name in sorted(found["full"], key=lambda each: list(AIMS).index(each) if each in AIMS else 99):
        core, aim = found["core"].get(name, 0), AIMS.get(name)
        print("%-14s %9d %9s %9d%s" % (name, core, aim or "", found["full"][name],
                                       "   over its aim" if aim and core > aim else ""))
    good = True
    for profile, (goal, gate) in TOTALS.items():
        total = sum(found[profile].values())
        verdict = "within the goal" if total <= goal else "over the goal" if total <= gate else "OVER THE GATE"
        good = good and total <= gate
        print("%-14s %9d bytes, goal %d, gate %d: %s" % (profile, total, goal, gate, verdict))
    print("core is what that profile can load of the image; a charger that can discharge loads %d bytes more"
          % discharging)
    return good


def print_heap():
    """Print the smallest heaps, when the tool that finds them is there; True when within every gate."""
    if importlib.util.find_spec("heap") is None:
        print("heap           not measured: tools/heap.py is not there yet")
        return True
    import heap

    good = True
    for what, measured, goal, gate, note in heap.rows():
        if note:
            print("%-40s not measured: %s" % (what, note))
            continue
        passed = measured is not None and measured <= gate
        verdict = "within the goal" if passed and measured <= goal else "over the goal" if passed else "OVER THE GATE"
        good = good and passed
        print("%-40s %6s KB, goal %d, gate %d: %s" % (what, measured or "none", goal, gate, verdict))
    return good


def main():
    parser = argparse.ArgumentParser(description="Print and check the size of the firmware.")
    parser.add_argument("--arch", default="xtensawin", help="architecture of native code, as for mpy-cross")
    parser.add_argument("--no-heap", action="store_true")
    given = parser.parse_args()
    try:
        good = print_sizes(given.arch)
        if not given.no_heap:
            good = print_heap() and good
    except runtimes.Missing as error:
        sys.exit(str(error))
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
