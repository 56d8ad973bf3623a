"""Shortens names that nobody outside a module can see, before it is compiled for a device.

On the device every distinct name is kept in RAM: about six bytes and its letters. A private name (`_lease_ms`, of an
attribute, method, function or class) becomes `_a`, `_b` ... per module, and a parameter that nobody passes by keyword
becomes `a`, `b` ...; so thousands of bytes of names shrink to a few that all modules share. What it does not touch:
public names, `const()` (the compiler removes those by itself), strings, and what is in `kept_names`. In a linked image
private names have become words already (rom_names.py).

The source stays as it is, and so do images of -O0, for debugging.
"""

import ast
import builtins
import itertools
import json
import os
import string

from link_names import families
from runtimes import ROOT

_TREES = ("firmware", "lib", "boards", "host_tests", "tools")
# Names of every MicroPython that are one byte in a .mpy file: what the source file of each piece of code on flash is
# called, and more.
MADE_OF = "_"
_NUMBERS = ("__call__ __class__ __delitem__ __enter__ __exit__ __getattr__ __getitem__ __hash__ __int__ "
            "__iter__ __len__ __name__ __new__ __next__ __repr__ __str__").split()
_BUILTIN = frozenset(dir(builtins)) | {"ptr8", "ptr16", "ptr32", "self"}


def kept_names(cache):
    """Names that must stay: those some call passes by keyword, and private ones that a test reaches for.

    Kept in the folder `cache` until a file of the project changes.
    """
    files = []
    for top in _TREES:
        for folder, folders, names in os.walk(os.path.join(ROOT, top)):
            folders[:] = [each for each in folders if each not in ("node_modules", "__pycache__")]
            files += [os.path.join(folder, name) for name in names if name.endswith(".py")]
    stamp = [[path, os.stat(path).st_mtime_ns] for path in sorted(files)]
    record = os.path.join(cache, "kept_names.json")
    try:
        with open(record, encoding="utf-8") as file:
            known = json.load(file)
        if known["stamp"] == stamp:
            return known["names"]
    except (OSError, ValueError, KeyError):
        pass
    found = set()
    for path in files:
        with open(path, encoding="utf-8") as file:
            found |= passed(file.read(), "host_tests" in path)
    with open(record + ".%d" % os.getpid(), "w", encoding="utf-8") as file:
        json.dump({"stamp": stamp, "names": sorted(found)}, file)
    os.replace(file.name, record)
    return sorted(found)


def passed(source, test=False):
    """Names that `source` passes by keyword; of a test also the private attributes it reaches for."""
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return set()
    return passed_in(tree, test)


def passed_in(tree, test=False):
    """The same of a module that is parsed."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            found.update(each.arg for each in node.keywords if each.arg)
        elif test and isinstance(node, ast.Attribute) and _is_private(node.attr):
            if not isinstance(node.value, ast.Name) or node.value.id != "self":
                found.add(node.attr)
    return found


def shorten(source, kept=frozenset()):
    """The source with its private names and its parameters shortened; what is in `kept` stays."""
    tree = ast.parse(source)
    private = [name for name in _private(tree) if name not in kept]
    taken = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    taken |= {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    tree = _Private(_shared(tree, private, _names("_", taken))).visit(tree)
    return ast.unparse(_Parameters(kept).visit(tree))


def _shared(tree, names, short):
    """{private name: new name}, as few new ones as can be: attributes of classes that are no kin have the same."""
    kin = families([tree])
    places = {name: set() for name in names}

    def look(node, family):
        if isinstance(node, ast.ClassDef):
            _put(places, node.name, "")
            family = kin[node.name]
            for each in node.body:
                if isinstance(each, (ast.FunctionDef, ast.AsyncFunctionDef)):
                    _put(places, each.name, family)
                else:  # the names in the body of a class are its attributes
                    for one in ast.walk(each):
                        _put(places, getattr(one, "id", None), family)
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            _put(places, node.name, "")
        elif isinstance(node, ast.Attribute):
            own = family is not None and isinstance(node.value, ast.Name) and node.value.id == "self"
            for each in (family,) if own else kin.values():
                _put(places, node.attr, each)
        elif isinstance(node, ast.Name):
            _put(places, node.id, "")
        elif isinstance(node, (ast.Global, ast.Nonlocal)):
            for each in node.names:
                _put(places, each, "")
        for child in ast.iter_child_nodes(node):
            look(child, family)

    look(tree, None)
    made, used, new = [], {}, {}
    for name in names:  # the most used first
        for candidate in itertools.chain(made, iter(lambda: made.append(next(short)) or made[-1], None)):
            if not places[name] & used.setdefault(candidate, set()):
                break
        used[candidate] |= places[name] or {""}
        new[name] = candidate
    return new


def _put(places, name, where):
    if name in places:
        places[name].add(where)


def _names(prefix, taken):
    for length in (1, 2):
        for number in range(26**length):
            name = prefix + "".join(
                string.ascii_lowercase[number // 26**place % 26] for place in reversed(range(length))
            )
            if name not in taken and name not in ("as", "if", "in", "is", "or"):
                yield name


def _is_private(name):
    return name.startswith("_") and not name.startswith("__") and len(name) > 2


def _private(tree):
    """Private names that this module itself defines, most used first; not its constants, not what it imports."""
    defined, constants, imported, count = set(), set(), set(), {}
    for node in ast.walk(tree):
        name = None
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            name = node.name
            defined.add(name)
        elif isinstance(node, ast.Name):
            name = node.id
            if isinstance(node.ctx, ast.Store):
                defined.add(name)
        elif isinstance(node, ast.Attribute):
            name = node.attr
            if isinstance(node.ctx, ast.Store) and isinstance(node.value, ast.Name) and node.value.id == "self":
                defined.add(name)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            imported.update(each.asname or each.name for each in node.names)
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
            if isinstance(node.value.func, ast.Name) and node.value.func.id == "const":
                constants.update(each.id for each in node.targets if isinstance(each, ast.Name))
        if name:
            count[name] = count.get(name, 0) + 1
    names = [name for name in defined - constants - imported if _is_private(name)]
    return sorted(names, key=lambda name: (-count[name], name))


class _Private(ast.NodeTransformer):
    def __init__(self, new):
        self._new = new

    def visit_Name(self, node):
        node.id = self._new.get(node.id, node.id)
        return node

    def visit_Attribute(self, node):
        node.attr = self._new.get(node.attr, node.attr)
        return self.generic_visit(node)

    def _definition(self, node):
        node.name = self._new.get(node.name, node.name)
        return self.generic_visit(node)

    visit_FunctionDef = visit_AsyncFunctionDef = visit_ClassDef = _definition

    def _declaration(self, node):
        node.names = [self._new.get(name, name) for name in node.names]
        return node

    visit_Global = visit_Nonlocal = _declaration


def reused(source, kept):
    """The source of one piece of code on flash (cold.py) with the names of its parameters, but those in `kept`, taken
    from what its .mpy file names anyway: MADE_OF, attributes, imports. A name of its own would be three bytes."""
    tree = ast.parse(source)
    there = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            there.add(node.attr)
        elif isinstance(node, ast.ImportFrom):
            there.update(each.name for each in node.names)
    return ast.unparse(_Parameters(kept, [MADE_OF, *sorted(there - {MADE_OF}), *_NUMBERS]).visit(tree))


class _Parameters(ast.NodeTransformer):
    """Parameters of each function, the enclosing functions' ones among them; with `words` these are their new names."""

    def __init__(self, kept, words=()):
        self._kept = kept
        self._words = words
        self._new = {}

    def visit_ExceptHandler(self, node):
        node.name = self._new.get(node.name, node.name)
        return self.generic_visit(node)

    def visit_Name(self, node):
        node.id = self._new.get(node.id, node.id)
        return node

    def _declaration(self, node):
        node.names = [self._new.get(name, name) for name in node.names]
        return node

    visit_Global = visit_Nonlocal = _declaration

    def _function(self, node):
        arguments = node.args
        for default in arguments.defaults:  # evaluated outside
            self.visit(default)
        if not isinstance(node, ast.Lambda):
            node.decorator_list = [self.visit(each) for each in node.decorator_list]
        outer = self._new
        own = arguments.posonlyargs + arguments.args
        taken = set(_BUILTIN) | set(outer.values())
        for each in ast.walk(node):
            if isinstance(each, ast.Name):
                taken.add(each.id)
            elif isinstance(each, ast.arg):
                taken.add(each.arg)
            elif isinstance(each, ast.alias):
                taken.add(each.asname or each.name)
            elif isinstance(each, (ast.ExceptHandler, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                taken.add(each.name)
        words = self._words
        short = (name for name in words if name not in taken) if words else _names("", taken)
        self._new = dict(outer)
        for each in own + [one for one in (arguments.vararg, *arguments.kwonlyargs, arguments.kwarg) if one]:
            self._new.pop(each.arg, None)
        for each in own:
            if (words or each.arg != "self") and each.arg not in self._kept:
                self._new[each.arg] = each.arg if len(each.arg) == 1 and not words else next(short)
                each.arg = self._new[each.arg]
        if isinstance(node, ast.Lambda):
            node.body = self.visit(node.body)
        else:
            node.body = [self.visit(each) for each in node.body]
        self._new = outer
        return node

    visit_FunctionDef = visit_AsyncFunctionDef = visit_Lambda = _function
