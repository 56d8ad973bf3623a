"""Compiles firmware, lib and one board into the folder a device would carry, for the simulator and the tests.

    python3 tools/image.py [--arch x64|x86|xtensawin|...] [--board sim] [--optimise 0..3]

The image is `.build/image/<arch>-O<n>-<board>/`: boot.py, main.py and slots.py as they are, everything else as .mpy in
`wallbox/`, `lib/<package>/` and `boards/<board>/`; a page (.html) as .html.gz. Only files that changed are compiled
again. A file that does not compile is carried as source, so that importing it shows the error where it is.
With -O3 asserts and line numbers are gone, as on a device, and names are shortened (shorten.py); `optimise=0` keeps
all three.
"""

import argparse
import ast
import base64
import contextlib
import gzip
import hashlib
import json
import os
import subprocess

import cold
import cold_anew
import cold_names
import cold_small
import cold_table
import cold_texts
import link
import link_names
import mpy_strings
import name_uses
import rom_names
import rom_words
import runtimes
import shorten
from runtimes import BUILD, ROOT

_AS_SOURCE = ("boot.py", "main.py", "slots.py")
COLD = "lib/bounded/cold"  # functions that stay on flash (cold.py)
_NOT_ON_DEVICE = ("manifest.py", "cpython.py", "installed_board.py")

# Modules that only the profile `full` loads: patterns of paths inside an image, without suffix.
# A profile never loads what its board does not list; this table is for leaving them out of an image and of `make size`.
FULL_ONLY = (
    "wallbox/functions/charge_plan", "wallbox/functions/ems_watch", "wallbox/limits/plan",
    "wallbox/spine_map/consumption_curve", "wallbox/spine_map/incentive_table",
    "wallbox/spine_map/maximum_power_limitation_curve",
    "wallbox/functions/discharging", "wallbox/functions/identification", "wallbox/functions/phase_limits",
    "wallbox/functions/setpoint",
    "wallbox/limits/discharge", "wallbox/spine_map/bidirectional_inferred", "wallbox/spine_map/charging_power_limits",
    "wallbox/spine_map/ev_configuration", "wallbox/spine_map/ev_connected", "wallbox/spine_map/identification",
    "wallbox/spine_map/load_control", "wallbox/spine_map/measurement", "wallbox/spine_map/session_summary",
    "wallbox/spine_map/setpoint",
)
# Those of them that a charger that can discharge loads in the profile `core`, too, with their unit (link.py).
DISCHARGING = ("wallbox/functions/discharging", "wallbox/functions/ems_watch", "wallbox/functions/phase_limits",
               "wallbox/functions/setpoint", "wallbox/limits/discharge")


def build(arch="mpy64", board="sim", optimise=3, without=(), linked=False):
    """Bring the image up to date and return its folder.

    arch: a runtime of tools/runtimes.py (mpy64, mpy32), an architecture of mpy-cross, or cpython for plain
    source. without: prefixes of paths in the image, such as `wallbox/spine_map`, that it leaves out.
    linked: join modules as a device has them (with -O3 of a MicroPython only; link.py); tests, which import
    each module by its name, do without."""
    march = runtimes.MARCH.get(arch, arch)
    linked = linked and optimise == 3 and march != "cpython"
    name = "%s-O%d-%s" % (march, optimise, board) + ("-linked" if linked else "")
    if without:
        name += "-" + hashlib.sha256("\n".join(without).encode()).hexdigest()[:8]
    folder = os.path.join(BUILD, "image", name)
    os.makedirs(folder, exist_ok=True)
    with _locked(folder):
        _update(folder, march, board, optimise, tuple(without), linked)
    return folder


def sources(board="sim", host=False):
    """What goes into an image: a dictionary from the path in the image to the path of the source.

    Of other boards' folders only what the board imports is there; the board `all` is every board, for tests."""
    found = {}
    board = "boards" if board == "all" else "boards/" + board
    for top, prefix in (("firmware", ""), ("lib", "lib"), (board, board)):
        base = os.path.join(ROOT, top)
        for folder, folders, files in os.walk(base):
            folders[:] = [each for each in folders if each != "__pycache__"]
            for file in files:
                if file.endswith(".py") and (host or file not in _NOT_ON_DEVICE):
                    path = os.path.join(folder, file)
                    found[os.path.join(prefix, os.path.relpath(path, base))] = path
    new = [path for target, path in found.items() if target.startswith(board)]
    while new:
        for target in _shared(new.pop()):
            if target not in found:
                found[target] = os.path.join(ROOT, target)
                new.append(found[target])
    return found


def pages(without=()):
    """Pages that an image carries as they are, compressed: a dictionary from the path in the image to the source."""
    top, found = os.path.join(ROOT, "firmware"), {}
    for folder, _, files in os.walk(top):
        for file in files:
            target = os.path.relpath(os.path.join(folder, file), top) + ".gz"
            if file.endswith(".html") and not target.startswith(without):
                found[target] = os.path.join(folder, file)
    return found


def _shared(path):
    """Files of boards that the file `path` imports."""
    with open(path, encoding="utf-8") as file:
        try:
            tree = ast.parse(file.read())
        except SyntaxError:
            return
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("boards."):
            folder = node.module.replace(".", "/")
            for target in [folder + ".py"] + [folder + "/%s.py" % each.name for each in node.names]:
                if os.path.exists(os.path.join(ROOT, target)):
                    yield target


def _update(folder, march, board, optimise, without, linked):
    record = os.path.join(folder, ".record.json")
    try:
        with open(record) as file:
            old = json.load(file)
    except (OSError, ValueError):
        old = {}
    compiler = None if march == "cpython" else runtimes.mpy_cross()
    for target, source in pages(without).items():
        _put_page(folder, target, source)
    files = {target: source for target, source in sources(board, march == "cpython").items()
             if not target.startswith(without)}  # by an empty tuple nothing starts
    kept = frozenset(shorten.kept_names(BUILD)) if optimise == 3 and compiler else None
    made_by = hashlib.sha256(repr((compiler and os.stat(compiler[0]).st_mtime_ns, sorted(kept or ()))).encode())
    for tool in (shorten, link, link_names, mpy_strings, name_uses, rom_names, rom_words, cold, cold_anew, cold_names,
                 cold_small, cold_table, cold_texts):
        with open(tool.__file__, "rb") as file:
            made_by.update(file.read())
    stamps = {target: [os.stat(source).st_mtime_ns, os.stat(source).st_size] for target, source in files.items()}
    stamps[""] = made_by.hexdigest()
    if old.get("stamps") == stamps:
        return
    texts = {}
    for target, source in files.items():
        with open(source, encoding="utf-8") as file:
            texts[target] = file.read()
    if linked:
        texts, new_names, by_text, marked, head = _linked(texts)
        words = {}
        for name in sorted(new_names):
            words[new_names[name]] = (words.get(new_names[name], "") + " " + name).lstrip()
        with open(os.path.join(folder, "names.json"), "w") as file:
            json.dump(words, file, indent=1, sort_keys=True)
        kept = frozenset().union(*(shorten.passed(text) for text in texts.values()), by_text)  # no test reaches into it
    new, known = {}, old.get("texts", {})
    for target, text in texts.items():
        if kept is not None and target not in _AS_SOURCE:
            with contextlib.suppress(SyntaxError):
                texts[target] = shorten.shorten(text, kept)
    if linked:
        found = cold.split(texts, dotted, head)
        texts = found.texts
        _put_cold(folder, found, marked, compiler, march, stamps[""], kept)
    for target, text in texts.items():
        new[target] = hashlib.sha256((stamps[""] + text).encode()).hexdigest()
        if known.get(target) != new[target]:
            _put(folder, target, text, compiler, march, optimise)
    for target in set(known) - set(new):
        _remove(folder, target)
    with open(record + ".new", "w") as file:
        json.dump({"stamps": stamps, "texts": new}, file)
    os.replace(record + ".new", record)


def _linked(texts):
    """The texts of an image, by path, with modules joined, what its names became, those of them that are looked
    up by text, the names of the functions that may stay on flash, and the texts that do.

    A module that is no Python stays as it is."""
    paths, modules = {}, {}
    for target, text in texts.items():
        name = dotted(target)
        paths[name] = target
        with contextlib.suppress(SyntaxError):
            ast.parse(text)
            modules[name] = text
    units = {member: unit for unit, members in link.LINKED.items() if unit in modules for member in (unit,) + members}
    rom_names.refuse_lookups(modules)
    modules, head = cold_texts.move_texts(modules)
    modules = cold_texts.place_table(modules, head)
    modules, marked = cold.mark(modules, units)
    done = link.link(modules)
    for target in _AS_SOURCE:
        done.pop(dotted(target), None)
    texts = {target: texts[target] for name, target in paths.items() if name in done or name not in modules
             or target in _AS_SOURCE}
    outside = [texts[target] for target in _AS_SOURCE if target in texts]
    done, words, table = rom_names.rename(done, outside, cold_table.ANEW)
    texts.update((paths[name], text) for name, text in done.items())
    return texts, words, table.values(), marked, head + cold_texts.table(table)


def _put_cold(folder, found, marked, compiler, march, made_by="", kept=frozenset()):
    """Write the functions that stay on flash; each is compiled once as long as its text stays the same. Parameters in
    `kept` keep their names, and those that are passed by keyword.

    `cold.json` keeps the code, and which function is found at which record."""
    path, record = os.path.join(folder, COLD), os.path.join(folder, "cold.json")
    os.makedirs(os.path.dirname(path), exist_ok=True)
    known = {}
    with contextlib.suppress(OSError, ValueError, KeyError):
        with open(record) as file:
            known = json.load(file)["code"]
    codes, still = [], {}
    kept = kept.union(*(shorten.passed(text) for text in found.texts.values()),
                      *(shorten.passed(text) for text in {each[2] for each in found.functions}))
    for _, _, text, _ in found.functions:
        text = shorten.reused(text, kept)
        key = hashlib.sha256((march + made_by + text).encode()).hexdigest()
        if key not in known:
            source = path + ".py"
            with open(source, "w", encoding="utf-8") as file:
                file.write(mpy_strings.lengthened(text))
            subprocess.run(compiler + ["-march=" + march, "-O3", "-s", shorten.MADE_OF, "-o", path + ".mpy", source],
                           check=True)
            with open(path + ".mpy", "rb") as file:
                known[key] = base64.b64encode(mpy_strings.restored(file.read())).decode()
            _unlink(source)
            _unlink(path + ".mpy")
        still[key] = known[key]
        codes.append(base64.b64decode(known[key]))
    with open(path + ".new", "wb") as file:
        file.write(cold.container(found, codes))
    os.replace(path + ".new", path)
    with open(record, "w") as file:
        origin = {"%d %s" % (found.places[record], name): number if name == cold.WHOLE else marked[number]
                  for record, name, _, number in found.functions}
        sizes = {}  # of each piece of code, by the functions in it
        for (record, name, text, _), code in zip(found.functions, codes):
            sizes.setdefault(text, (len(code), set()))[1].add(origin["%d %s" % (found.places[record], name)])
        json.dump({"code": still, "origin": origin,
                   "sizes": [(size, sorted(names)) for size, names in sizes.values()]}, file)


def dotted(target):
    """The name under which a path of the image is imported."""
    name = (target[4:] if target.startswith("lib/") else target)[:-3].replace("/", ".")
    return name[: -len(".__init__")] if name.endswith(".__init__") else name


def _put(folder, target, text, compiler, march, optimise):
    path = os.path.join(folder, target)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    compiled = path[:-3] + ".mpy"
    if compiler and target not in _AS_SOURCE:
        # The name in tracebacks is RAM on the device: with -O3 it is the module's, which exists there anyway.
        label = target if optimise == 0 else _module_word(target)
        source = compiled + ".py"
        with open(source, "w", encoding="utf-8") as file:
            file.write(text)
        done = subprocess.run(compiler + ["-march=" + march, "-O%d" % optimise, "-s", label, "-o", compiled + ".new",
                                          source], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        _unlink(source)
        if done.returncode == 0:
            os.replace(compiled + ".new", compiled)
            _unlink(path)
            return
    with open(path + ".new", "w", encoding="utf-8") as file:
        file.write(text)
    os.replace(path + ".new", path)
    _unlink(compiled)


def _put_page(folder, target, source):
    path = os.path.join(folder, target)
    with open(source, "rb") as file:
        data = gzip.compress(file.read(), 9, mtime=0)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with contextlib.suppress(OSError), open(path, "rb") as file:
        if file.read() == data:
            return
    with open(path + ".new", "wb") as file:
        file.write(data)
    os.replace(path + ".new", path)


def _module_word(target):
    folder, file = os.path.split(target)
    return os.path.basename(folder) if file == "__init__.py" else file[:-3]


def _remove(folder, target):
    path = os.path.join(folder, target)
    _unlink(path)
    _unlink(path[:-3] + ".mpy")


def _unlink(path):
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)


@contextlib.contextmanager
def _locked(folder):
    """Two builds of one image at once wait for each other."""
    import fcntl

    with open(folder + ".lock", "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def main():
    parser = argparse.ArgumentParser(description="Compile firmware, lib and a board into an image folder.")
    parser.add_argument("--arch", default="mpy64")
    parser.add_argument("--board", default="sim")
    parser.add_argument("--optimise", type=int, default=3, choices=range(4))
    parser.add_argument("--apart", action="store_true", help="every module in its own file, as the tests have it")
    given = parser.parse_args()
    import setup

    setup.ensure("run")
    print(build(given.arch, given.board, given.optimise, linked=not given.apart))


if __name__ == "__main__":
    main()
