"""Gives names of a linked image words that every MicroPython carries in ROM anyway.

On the device a name costs seven bytes and its letters, however often it is used: hundreds of names are thousands
of bytes. MicroPython's own words (`isspace`, `log10`, `EPERM` ...) cost nothing. In a linked image nobody outside sees
our names, so that each (`Source`, `set_w`, `limit_ma`, `_drop`) may become such a word, the same one everywhere. Two
names share a word where they cannot meet (name_uses.py). Each piece of code on flash (cold.py) spells its words out,
but those with a number in a .mpy file: the cheapest words are for the names that most pieces have.

A name stays what it is

* when it is MicroPython's too, or of a library: `read` of our object may be `read` of a file somewhere (FOREIGN);
* when a file that imports hardware (a board's drivers) uses it, unless the board interface defines it (OPEN);
* when it names a module that is imported, is used by one of the sources outside, or is looked up by the beginning of
  its name (BY_NAME).

What is looked up by a text from elsewhere (settings, ratings) goes through lib/bounded/attribute.py, which has the
table that `rename` gives: of the modules that use it, words in texts that are attributes somewhere, or begin a line;
and the attributes of OPEN. Any other lookup by a name that is no literal is an error unless BY_NAME lists it.

`shorten.py` does the rest: parameters. The source stays as it is; `names.json` in the image tells which word is which
name, for reading a device's traceback.
"""

import ast
import builtins
import copy
import keyword
import re
from collections import Counter

import cold
import shorten
from link_names import constant_name, families
from name_uses import EVERY, LOOKUPS, Uses
from rom_words import FOREIGN, NUMBERED, WORDS

# Classes that are filled in by name from outside: by boards, a simulator or a person.
OPEN = ("Ratings", "Readings", "Outputs")
HARDWARE = ("machine", "network", "esp32", "neopixel")
ATTRIBUTE = "attribute"  # of lib/bounded/attribute.py
# The functions that look up a name that is no literal, and the beginning of such names, which stay.
BY_NAME = {
    "wallbox.console.Console.call": "op_",
    "bounded.compat.unload": "",  # modules
    "bounded.on_demand._load": "",  # what cold.py wrote
    "bounded.on_demand.fetch": "",
    "bounded.on_demand.later.__call__": "",
    "bounded.on_demand.release": "",
    "bounded.on_demand.made": "",  # what was a keyword before
    "boards.devkit.car._car": "",  # what attribute() gave
    "boards.esp32.meter.ModbusMeter.round": "",  # what attribute() gave before
    "boards.esp32.net.Ethernet.__init__": "",  # of the module network
    "boards.sim.SimulatedBoard.sample": "",  # what attribute() gave before
}


_IN_MEMORY = 8  # of bytes on flash: a name more in a module that stays in memory


class NamesError(Exception):
    """The text names the function that looks up names in a way that renaming would break."""


def refuse_lookups(sources):
    """Raise where a function of the modules, {dotted name: source}, looks up a name that nobody knows here."""
    for module, source in sources.items():
        for path, node in _functions(ast.parse(source), module):
            for each in ast.walk(node):
                if isinstance(each, ast.Call) and getattr(each.func, "id", None) in LOOKUPS:
                    name = each.args[1]
                    known = isinstance(name, (ast.Constant, ast.Call)) and (
                        isinstance(name, ast.Constant) or getattr(name.func, "id", None) == ATTRIBUTE)
                    if not known and path not in BY_NAME:
                        raise NamesError("%s, line %d: %s of a name that is neither a literal nor of %s()" % (
                            path, each.lineno, each.func.id, ATTRIBUTE))
                elif isinstance(each, ast.Call) and [one for one in each.keywords if not one.arg]:
                    if path not in BY_NAME:
                        raise NamesError("%s, line %d: keywords of a dictionary" % (path, each.lineno))


def _functions(tree, module):
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            yield from _functions(node, module + "." + node.name)
        else:
            yield "%s.%s" % (module, node.name) if hasattr(node, "name") else module, node


def rename(sources, outside=(), nameless=()):
    """The modules of an image, {dotted name: source}, with names replaced; {name: its word}; and the table of those
    that are looked up by text, a word for each that is defined.

    The sources `outside` are not changed: what they name stays. The modules `nameless` are imported by a number."""
    trees = {name: ast.parse(source) for name, source in sources.items()}
    stays = set(FOREIGN) | set(cold.OURS)
    for source in outside:
        stays.update(name for node in ast.walk(ast.parse(source)) for name in _names(node))
    defined, present, given, told, interface = {}, set(), set(), set(), set()
    for tree in trees.values():
        for node in ast.walk(tree):
            present.update(_names(node))
            if isinstance(node, ast.ClassDef) and node.name in OPEN:
                interface.update(name for each in node.body for name in _defined(each) if name != "__init__")
        if any(isinstance(node, ast.Name) and node.id == ATTRIBUTE for node in ast.walk(tree)):
            idle = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}  # docstrings
            texts = [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)
                     and isinstance(node.value, str) and id(node) not in idle]
            given.update(word for text in texts for word in re.findall(r"[A-Za-z_]\w*", text, re.ASCII))
            told.update(word for text in texts for word in re.findall(r"^(\w+) ", text, re.ASCII | re.MULTILINE))
    attributes = {getattr(node, "attr", None) or node.arg for tree in trees.values() for node in ast.walk(tree)
                  if isinstance(node, (ast.Attribute, ast.arg))}
    given = {name for name in given & attributes | told if len(name) > 1 and not keyword.iskeyword(name)}
    given = sorted(given | interface)  # no letter, which parameters are called
    reached = _reached(trees, outside)
    for module, tree in trees.items():
        defined.update(_defined(tree))
        if any(name.split(".")[0] in HARDWARE for name in _imported(tree)):
            stays |= {name for node in ast.walk(tree) for name in _names(node)} - interface
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.module.split(".")[0] not in _tops(trees):
                stays.update(each.name for each in node.names)
                stays.update(each.asname for each in node.names if each.asname)
            elif isinstance(node, ast.ImportFrom) and module in reached:
                modules = ["%s.%s" % (node.module, each.name) for each in node.names] + [node.module]
                stays.update(part for name in modules if name in trees and name not in nameless
                             for part in name.split("."))
                if node in tree.body:
                    stays.update(each.asname or each.name for each in node.names
                                 if "%s.%s" % (node.module, each.name) in trees)
            elif isinstance(node, ast.Import):
                stays.update((each.asname or each.name).split(".")[0] for each in node.names)
            elif (constant_name(node) or "").startswith("_"):  # the compiler removes it
                stays.add(constant_name(node))
    defined.update((name, None) for name in given)
    passed = {name for tree in trees.values() for name in shorten.passed_in(tree)}.union(given)
    defined.update((node.arg, None) for tree in trees.values() for node in ast.walk(tree)
                   if isinstance(node, ast.arg) and node.arg in passed)
    reserved = stays - FOREIGN
    stays.update(WORDS)  # they cost nothing, and may be parameters of MicroPython
    starts = tuple(start for start in BY_NAME.values() if start)
    candidates = {name for name in defined if name not in stays and len(name) > 1 and not name.startswith("__")
                  and not name.startswith(starts)}
    new = _assigned(trees, candidates, passed, given, [word for word in WORDS if word not in present | reserved],
                    present | stays, nameless)
    _walk(trees, passed, lambda name, module, family: new.get(name, name))
    texts = {name: ast.unparse(tree) for name, tree in trees.items()}
    return texts, new, {name: new.get(name, name) for name in given}


def _reached(trees, outside):
    """The modules that are loaded some time: others of a board's folder are there for its tests."""
    start = [ast.parse(source) for source in outside]
    reached = {module for module in trees if module.count(".") < 2 and module.startswith("boards.")}
    wanted = [name for tree in start for name in _modules(tree)] + list(reached)
    while wanted:
        module = wanted.pop()
        if module in trees:
            fresh = set(_modules(trees[module])) - reached
            reached |= fresh
            wanted += fresh
    return reached


def _modules(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module
            yield from ("%s.%s" % (node.module, each.name) for each in node.names)


def _walk(trees, passed, seen):
    kin = families(trees.values())
    for module, tree in trees.items():
        uses = Uses(module, passed, kin, trees, seen)
        for node in tree.body:
            uses.walk(node)


def _assigned(trees, candidates, passed, given, words, taken, nameless):
    """{name: word}, as few and short words as can be: no two names that meet have the same."""
    places = {name: set() for name in candidates}

    def seen(name, module, family):
        if name in candidates:
            places[name].update(each for each in ((module, None), (None, family)) if each != (None, None))
        return name

    _walk(trees, passed, seen)
    kin = families(trees.values())
    every = {(None, family) for family in kin.values()} | {(None, EVERY)}
    for name in candidates:
        if name in given or (None, EVERY) in places[name] or not places[name]:
            places[name] |= every
    foreign = {(None, kin[node.name]): set(dir(getattr(builtins, base.id))) for tree in trees.values()
               for node in ast.walk(tree) if isinstance(node, ast.ClassDef)
               for base in node.bases if hasattr(builtins, getattr(base, "id", ""))}
    short = (a + b for a in "qxyzjkvw" for b in "abcdefghijklmnopqrstuvwxyz")
    short = [word for word in short if word not in taken]
    used, new = {word: set() for word in words + short}, {}
    pieces, listed = _pieces(trees, passed, kin, nameless)
    have = {}  # the words that are in each .mpy file so far

    def cost(name, word):
        count = listed[name] * len(word)
        for each in pieces.get(name, ()):
            if word not in have.setdefault(each, set()):
                count += _bytes(word) + _IN_MEMORY * (each in trees)
        return count

    # The shorter words for what more pieces of code on flash spell out, and those with a number in a .mpy file.
    for name in sorted(candidates, key=lambda name: (-len(pieces.get(name, ())) - listed[name], name)):
        for some in (words, short):  # in ROM, or else not
            fit = [word for word in some if not used[word] & places[name]
                   and not any(word in foreign.get(each, ()) for each in places[name])]
            if fit:
                new[name] = word = min(fit, key=lambda word: cost(name, word))
                used[word] |= places[name]
                for each in pieces.get(name, ()):
                    have.setdefault(each, set()).add(word)
                break
    return new


def _bytes(word):
    """What a word costs in each .mpy file that has it."""
    if word not in NUMBERED:
        return len(word) + 2
    return 1 if word[0].isupper() or word == "builtins" else 2  # the first 63


def _pieces(trees, passed, kin, nameless):
    """The .mpy files in which each name is, {name: [file]}, the module where it is in memory, else a piece of code on
    flash; and how often a record lists it (cold.py)."""
    found, listed = {}, Counter()

    for module, tree in trees.items():
        tree = copy.deepcopy(tree)
        pieces = {module: [tree]}
        for node in [] if module in nameless else list(ast.walk(tree)):
            if isinstance(node, (ast.ClassDef, ast.Module)):
                for each in [each for each in node.body if cold.mark_of(each)]:
                    number, together = (one.value for one in cold.mark_of(each).args)
                    listed[each.name] += number is not None
                    pieces.setdefault((module, id(node if together else each)), []).append(each)
                    node.body.remove(each)
        if module in nameless:
            pieces = {(module, cold.WHOLE): [tree]}
        for piece, nodes in pieces.items():
            def seen(name, _module, _family, piece=piece):
                found.setdefault(name, {})[piece] = None
                return name

            for node in nodes:
                Uses(module, passed, kin, trees, seen).walk(node)
    return found, listed


def _tops(trees):
    return {name.split(".")[0] for name in trees}


def _imported(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


def _defined(tree):
    """Names that a module gives to things of its own, in order: functions, classes, attributes, module-level names."""
    found = {}
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            found[node.name] = None
            if isinstance(node, ast.ClassDef):
                found.update((name, None) for each in node.body for name in _stored(each))
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            found[node.attr] = None
        elif isinstance(node, ast.Module):
            found.update((name, None) for each in node.body for name in _stored(each))
        elif isinstance(node, ast.Global):
            found.update((name, None) for name in node.names)
    return found


def _stored(statement):
    if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        return
    for node in ast.walk(statement):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id


def _names(node):
    for field in ("id", "attr", "arg", "name", "asname"):
        value = getattr(node, field, None)
        if isinstance(value, str):
            yield value
    if isinstance(node, (ast.Global, ast.Nonlocal)):
        yield from node.names
