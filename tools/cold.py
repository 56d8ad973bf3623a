"""Takes functions that a running station rarely calls out of an image: they stay on flash until they are called.

MicroPython holds a module's code in RAM as long as the module is loaded, though most of it runs once a connection or
once a day. Of the modules in COLD (cold_table.py) every function moves into one file, `lib/bounded/cold`, from which
lib/bounded/on_demand.py loads it when it is called, except

* what RESIDENT lists; what TOGETHER lists goes in one piece for each class;
* what has a decorator or uses `super()`, special methods but `__init__`, what another class of the same family also
  defines, and functions that are called with keywords.

Small functions of a module go with those that need them (cold_small.py).
The source stays as it is. `mark` works on the modules before they are joined (link.py) and gives each such function
the decorator MARK; `split` on the finished text, which has the short names, and needs nothing but the text.
"""

import ast

from cold_anew import import_anew
from cold_names import imported_names, inline_literals, private_constants, weight
from cold_small import names as names_in, needed, small_ones
from cold_table import ANEW, COLD, RESIDENT, SMALL, TOGETHER
from link_names import families

MARK = "cold_"
# of lib/bounded/on_demand.py
FETCHED, KEPT, CALLED, LATER, PLACE = "fetched", "kept", "called", "later", "tell"
FETCH, MADE, LOADED, WHOLE = "fetch", "made", "anew", "whole"
OURS = (FETCHED, KEPT, CALLED, LATER, FETCH, MADE, LOADED)
MODULE = "bounded.on_demand"
ALONE = "functions"  # of a feature (lib/spine/device.py): wanted where nothing else of it is, and memory is short
_LEAST = 40  # of weight(): a function of a module that is worth a stub


class ColdError(Exception):
    """The text names what cannot be taken out."""


def mark(sources, unit_of, everything=False):
    """The modules, {dotted name: source}, with MARK at the functions that stay on flash, and the names of those.

    MARK carries the place of the function's name in that list: a string would not survive the renaming."""
    names = []

    def put(node, name, together=False):
        number = ast.Constant(len(names))
        node.decorator_list.append(ast.Call(ast.Name(MARK, ast.Load()), [number, ast.Constant(together)], []))
        names.append(name)

    trees = {name: ast.parse(source) for name, source in sources.items()}
    kin, keyworded, methods = families(trees.values()), _keyworded(trees), {}
    for tree in trees.values():
        for node in tree.body:
            if isinstance(node, ast.ClassDef):
                for each in node.body:
                    if isinstance(each, (ast.FunctionDef, ast.AsyncFunctionDef)):
                        methods.setdefault((kin[node.name], each.name), []).append(node.name)
    result = dict(sources)
    for name, tree in trees.items():
        if name not in unit_of or not (name + ".").startswith(tuple(each + "." for each in COLD)):
            continue
        stay = set() if everything else set(RESIDENT.get(name, "").split())
        often = set() if everything else set(TOGETHER.get(name, "").split())
        small = not everything and name.startswith(SMALL)
        for node in tree.body:
            if isinstance(node, ast.ClassDef):
                for each in node.body:
                    if not isinstance(each, (ast.FunctionDef, ast.AsyncFunctionDef)):
                        continue
                    stays = node.name + "." + each.name in stay or "*" in stay and each.name != "__init__"
                    if _movable(each) and not stays and (each.name == "__init__" or len(
                            methods[kin[node.name], each.name]) == 1):
                        together = {node.name + "." + each.name, node.name + ".*"} & often
                        together = together or small and each.name != ALONE
                        put(each, "%s.%s.%s" % (name, node.name, each.name),
                            bool(together) and each.name != "__init__")
            elif _movable(node) and not {node.name, "*"} & stay and node.name not in keyworded:
                if weight(node) >= _LEAST:
                    put(node, "%s.%s" % (name, node.name))
                else:
                    node.decorator_list.append(_statement("%s(None, False)" % MARK).value)
        result[name] = ast.unparse(tree)
    return result, names


def _keyworded(trees):
    found = set()
    for tree in trees.values():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and node.keywords:
                found.add(getattr(node.func, "id", None) or getattr(node.func, "attr", None))
    return found


def _movable(node):
    if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) or node.decorator_list:
        return False
    if node.name.startswith("__") and node.name != "__init__":
        return False
    for each in ast.walk(node):
        if isinstance(each, (ast.Global, ast.Nonlocal)) or isinstance(each, ast.Name) and each.id == "super":
            return False
    return True


class Split:
    """What `split` found: `texts` without the functions, `functions` [(record, name, source, number of its mark;
    of a module its name)],
    `records` the names in each, `places` where they are in the file, behind its `head`."""

    def __init__(self, texts, head):
        self.texts = dict(texts)
        self.head = head
        self.functions = []
        self.records = []
        self.places = []

    def pieces(self, record):
        """{source: names of the functions in it} of a record."""
        found = {}
        for number, name, text, _ in self.functions:
            if number == record:
                found.setdefault(text, []).append(name)
        return found


def split(texts, module_of, head=b""):
    """Take the marked functions out of `texts`, {target: source}; `module_of(target)` is its dotted name."""
    result = Split(texts, head)
    alone = {module_of(target): target for target in texts if module_of(target) in ANEW}
    records = {module: number for number, module in enumerate(alone)}
    texts = {target: import_anew(text, module_of(target), records) if target.endswith(".py") else text
             for target, text in texts.items()}
    for module, target in alone.items():
        result.functions.append((records[module], WHOLE, texts[target], module))
        result.records.append([WHOLE])
        del result.texts[target]
    imported = imported_names([text for target, text in texts.items() if target.endswith(".py") and "import" in text])
    for target, text in texts.items():
        if target not in result.texts:
            continue
        result.texts[target] = text
        if MARK + "(" in text:
            module = module_of(target)
            outside = imported.get(module, set()) | imported[None]
            result.texts[target] = _without(ast.parse(text), module, result, outside)
    at = len(head)
    for number in range(len(result.records)):
        result.places.append(at)
        at += 2 + sum(4 + len(_listed(names)) for names in result.pieces(number).values())
    placed = _Placed(result.places)
    for target, text in result.texts.items():
        if target.endswith(".py"):
            result.texts[target] = placed.text(text)
    result.functions = [(record, name, placed.text(text), number) for record, name, text, number in result.functions]
    return result


def container(found, compiled):
    """The bytes of the file: records first, then `compiled`, the code of each of `found.functions`."""
    pieces = [found.pieces(number) for number in range(len(found.records))]
    offset = len(found.head) + sum(2 + sum(4 + len(_listed(names)) for names in each.values()) for each in pieces)
    where, known = {}, {}
    for (_, _, text, _), code in zip(found.functions, compiled):
        if code not in known:
            known[code] = offset
            offset += len(code)
        where[text] = known[code]
    head = found.head
    for each in pieces:
        record = b""
        for text, names in each.items():
            listed = _listed(names)
            if len(listed) > 255:
                raise ColdError("too many functions in one piece: %s" % listed.decode())
            record += bytes([len(listed)]) + where[text].to_bytes(3, "big") + listed
        head += len(record).to_bytes(2, "big") + record
    return head + b"".join(known)


def _listed(names):
    return (" %s " % " ".join(names)).encode()


class _Placed(ast.NodeTransformer):
    """The number of a record, negative and behind the word PLACE or the call of CALLED, becomes its place."""

    def __init__(self, places):
        self._places = places

    def text(self, text):
        if CALLED in text or LOADED in text or PLACE in text:
            return ast.unparse(self.visit(ast.parse(text)))
        return text

    def visit_Assign(self, node):
        if getattr(node.targets[0], "id", None) == PLACE:
            node.value = ast.Constant(self._places[ast.literal_eval(node.value)])
            return node
        return self.generic_visit(node)

    def visit_Call(self, node):
        if getattr(node.func, "id", None) in (CALLED, LOADED):
            node.args[0] = ast.Constant(self._places[ast.literal_eval(node.args[0])])
        return self.generic_visit(node)


class _Bound(ast.NodeTransformer):
    """In a class, `self.name` of a method that is marked, where it is not called, becomes `later(self, "name")`: a
    bound method would hold the function in memory."""

    def __init__(self, tree):
        self._names = {each.name for each in tree.body if hasattr(each, "decorator_list") and mark_of(each)}
        self.found = False
        if self._names:
            self.generic_visit(tree)

    def visit_Call(self, node):
        if isinstance(node.func, ast.Attribute):
            node.func.value = self.visit(node.func.value)
        else:
            node.func = self.visit(node.func)
        node.args = [self.visit(each) for each in node.args]
        node.keywords = [self.visit(each) for each in node.keywords]
        return node

    def visit_Attribute(self, node):
        if node.attr in self._names and isinstance(node.ctx, ast.Load) and getattr(node.value, "id", None) == "self":
            self.found = True
            return ast.Call(ast.Name(LATER, ast.Load()), [node.value, ast.Constant(node.attr)], [])
        return self.generic_visit(node)


def _bound(tree):
    names = set()
    for node in tree.body:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            names.add(node.name)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            names.update((each.asname or each.name).split(".")[0] for each in node.names)
        else:
            names.update(each.id for each in ast.walk(node)
                         if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store))
    return names


def _unmark(node):
    """What the mark says, which goes: (number, whether it is loaded with others of its class); None: not marked."""
    each = mark_of(node)
    if each:
        node.decorator_list.remove(each)
        return each.args[0].value, each.args[1].value
    return None


def mark_of(node):
    for each in getattr(node, "decorator_list", ()):
        if isinstance(each, ast.Call) and getattr(each.func, "id", None) == MARK:
            return each
    return None


def _without(tree, module, result, imported):
    """The text of a module without its marked functions; `imported` are its names that others import."""
    small, constants = small_ones(tree, imported, mark_of, _unmark), private_constants(tree)
    bound = _bound(tree) - set(small)
    for name in OURS:
        if name in bound and name != LOADED:
            raise ColdError("%s has a name of its own that is %s" % (module, name))
    bound.update((LATER, CALLED))
    used, records, roots = set(), {}, {}
    bound -= inline_literals(tree, imported, mark_of)
    _call_by_record(tree, result, imported, small)
    tree.body = [node for node in tree.body if not (getattr(node, "name", None) in small and _unmark(node))]
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            names, body, often = [], [], []
            if _Bound(node).found:
                used.add(LATER)
            base = node.bases[0].id if node.bases and isinstance(node.bases[0], ast.Name) else None
            for each in node.body:
                number, together = _unmark(each) or (None, False)
                if number is not None and together:
                    often.append((each, number))
                    names.append(each.name)
                elif number is not None and _take([(each, number)], module, bound, constants, small, result):
                    names.append(each.name)
                else:
                    body.append(each)
            if often and not _take(often, module, bound, constants, small, result):
                raise ColdError("%s.%s: a method is called like something that the methods use" % (module, node.name))
            inherited = records.get(base)
            roots[node.name] = roots.get(base)
            if names:
                if any(getattr(each, "name", None) == PLACE for each in node.body) or PLACE in names:
                    raise ColdError("%s.%s has a method that is called %s" % (module, node.name, PLACE))
                constructed = "__init__" in names
                if inherited is not None:  # one record for the class and what it inherits
                    for each in [each for each in result.functions if each[0] == inherited]:
                        result.functions.append((len(result.records),) + each[1:])
                        names.append(each[1])
                body.append(_statement("%s = %d" % (PLACE, len(result.records))))
                if inherited is None and not node.bases:
                    roots[node.name] = KEPT if constructed else FETCHED
                    node.bases = [ast.Name(roots[node.name], ast.Load())]
                    used.add(roots[node.name])
                elif inherited is None:
                    body.append(_statement("__getattr__ = " + FETCH))
                    used.add(FETCH)
                if constructed and roots[node.name] != KEPT:
                    body.append(_statement("__init__ = " + MADE))
                    used.add(MADE)
                records[node.name] = len(result.records)
                result.records.append(names)
            node.body = body or [ast.Pass()]
    for at, node in enumerate(tree.body):
        mark = _unmark(node)
        if mark is None:
            continue
        record = getattr(node, "record", None)
        if not _take([(node, mark[0])], module, bound, constants, small, result, record):
            if record is not None:
                raise ColdError("%s.%s must stay" % (module, node.name))
        elif record is not None:
            tree.body[at] = ast.Pass()
        else:
            kind = "def %s(*a): return %s(%d, %r, a)" % (node.name, CALLED, len(result.records), node.name)
            tree.body[at] = _statement(kind)
            result.records.append([node.name])
        used.add(CALLED)
    after_all = [small[name] for name in needed(names_in(tree), small)]  # of what had to stay
    tree.body = after_all + [node for node in tree.body if not isinstance(node, ast.Pass)]
    if used:
        tree.body.insert(0, _statement("from %s import %s" % (_HOME, ", ".join(sorted(used)))))
    return ast.unparse(tree)


_HOME = "bounded"  # where link.py puts MODULE


def _statement(text):
    return ast.parse(text).body[0]


def _call_by_record(tree, result, imported, small):
    """Marked functions that nothing but marked code calls need no place in the module: there they are called by their
    record. They get it here, as `record`."""
    marked = {node.name: node for node in tree.body if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
              and mark_of(node) and node.name not in small}
    alone = set(marked) - imported
    inside = [*marked.values(), *small.values()]
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            inside += [each for each in node.body if hasattr(each, "decorator_list") and mark_of(each)]
    calls = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and getattr(node.func, "id", None) in alone:
            if not node.keywords and not any(isinstance(each, ast.Starred) for each in node.args):
                calls.append(node)
    called = {id(node.func) for node in calls}
    within = {id(each) for node in inside for each in ast.walk(node)}
    for node in ast.walk(tree):  # of others it takes one use to keep the name
        if isinstance(node, ast.Name) and node.id in alone and not (id(node) in called and id(node) in within):
            alone.discard(node.id)
    for node in marked.values():  # one that calls itself stays in memory
        if any(isinstance(each, ast.Name) and each.id == node.name for each in ast.walk(node)):
            alone.discard(node.name)
    for name in sorted(alone):
        marked[name].record = len(result.records)
        result.records.append([name])
    for node in calls:
        if node.func.id in alone:
            arguments = ast.Tuple(node.args, ast.Load())
            node.args = [ast.Constant(marked[node.func.id].record), ast.Constant(node.func.id), arguments]
            node.func = ast.Name(CALLED, ast.Load())


def _take(marked, module, bound, constants, small, result, record=None):
    """Make one file of the functions `marked`, [(node, number)], for `record` or the next; False: they must stay."""
    nodes = [node for node, _ in marked]
    along = needed(set().union(*map(names_in, nodes)), small)
    if set(along) & {node.name for node in nodes}:
        return False
    nodes = [small[name] for name in along] + nodes
    used = set().union(*map(names_in, nodes))
    names = (used & bound) - set(constants)
    if names & {node.name for node in nodes}:
        return False
    lines = [constants[name] for name in sorted(used & set(constants))] + [ast.unparse(node) for node in nodes]
    text = "\n".join(lines)
    if names:
        text = "from %s import %s\n%s" % (module, ", ".join(sorted(names)), text)
    for node, number in marked:
        result.functions.append((len(result.records) if record is None else record, node.name, text, number))
    return True
