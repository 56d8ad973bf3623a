"""Names of a module that others use, literals that only functions on flash use, weights of functions (cold.py)."""

import ast

from link_names import constant_name


def imported_names(texts):
    """The names that others use of each module, {dotted name: names}; None: of one that is found at run time."""
    found = {None: set()}
    for tree in [ast.parse(text) for text in texts]:
        modules = {}  # by what they are called here; link.py has seen to it that none is handed on as a value
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom):
                found.setdefault(node.module, set()).update(each.name for each in node.names)
                modules.update((each.asname or each.name, "%s.%s" % (node.module, each.name)) for each in node.names)
            elif isinstance(node, ast.Import):
                modules.update((each.asname or each.name, each.name) for each in node.names)
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute):
                if isinstance(node.value, ast.Call) and getattr(node.value.func, "id", None) == "__import__":
                    found[None].add(node.attr)
                elif isinstance(node.value, (ast.Name, ast.Attribute)) and ast.unparse(node.value) in modules:
                    found.setdefault(modules[ast.unparse(node.value)], set()).add(node.attr)
    return found


def weight(node):
    """Nodes of a function, without its docstring, and what its texts weigh beside them."""
    body = node.body[1:] if ast.get_docstring(node) is not None else node.body
    found = [each for part in body for each in ast.walk(part)]
    texts = [each.value for each in found if isinstance(each, ast.Constant) and isinstance(each.value, (str, bytes))]
    return len(found) + sum(map(len, texts)) // 4


def private_constants(tree):
    """{name: source} of the private constants of a module, which the compiler knows and the module has not."""
    found = {}
    for node in tree.body:
        name = constant_name(node)
        if name and name.startswith("_"):
            found[name] = ast.unparse(node)
    return found


def inline_literals(tree, imported, marked):
    """Put literals of module level into the functions that use them, where those are all `marked`: they have no name
    then, and are on flash with them. The names that are gone.

    One that is compared with `is` stays: each load of a function makes a literal anew."""
    literal, uses, inside, within = {}, {}, set(), []
    same = {each.id for node in ast.walk(tree) if isinstance(node, ast.Compare)
            and any(isinstance(each, (ast.Is, ast.IsNot)) for each in node.ops)
            for each in [node.left] + node.comparators if isinstance(each, ast.Name)}
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            name = constant_name(node)
            value = node.value.args[0] if name else node.value
            if _is_literal(value) and not (name and name.startswith("_")):  # that is the compiler's affair
                literal[node.targets[0].id] = node, value
        within += [each for each in (node.body if isinstance(node, ast.ClassDef) else [node]) if marked(each)]
    for node in ast.walk(tree):
        for name in (getattr(node, "id", None), getattr(node, "arg", None), *getattr(node, "names", ())):
            uses.setdefault(name, []).append(node)
    for each in within:
        inside.update(id(node) for node in ast.walk(each))
    gone = set()
    for name, (node, _) in literal.items():
        loads = [each for each in uses[name] if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Load)]
        if name in imported or name in same or len(loads) < len(uses[name]) - 1:
            continue
        if all(id(each) in inside for each in loads):
            gone.add(name)
            tree.body.remove(node)
    for each in within:
        _Literals({name: literal[name][1] for name in gone}).visit(each)
    return gone


def _is_literal(node):
    if isinstance(node, ast.Tuple):
        return all(_is_literal(each) for each in node.elts)
    return isinstance(node, ast.Constant)


class _Literals(ast.NodeTransformer):
    def __init__(self, values):
        self._values = values

    def visit_Name(self, node):
        return self._values.get(node.id, node)
