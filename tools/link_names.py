"""Which name means what in a module, which classes are kin, and the module rewritten as it is once it is joined to
others (link.py)."""

import ast

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_SCOPES = _FUNCTIONS + _COMPREHENSIONS + (ast.ClassDef,)


class LinkError(Exception):
    """The text names the module and what in it cannot be linked."""


def constant_name(node):
    """NAME of a statement `NAME = const(...)`, else None."""
    if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
        call = node.value
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "const":
            return node.targets[0].id
    return None


def families(trees):
    """{class: one name for it and all its kin} in all of `trees`; classes of one name are taken for kin."""
    kin = {}

    def first(name):
        while kin.setdefault(name, name) != name:
            name = kin[name]
        return name

    for tree in trees:
        nodes = list(ast.walk(tree))
        real = {each.asname: each.name for node in nodes if isinstance(node, ast.ImportFrom)
                for each in node.names if each.asname}
        for node in nodes:
            if isinstance(node, ast.ClassDef):
                own = first(node.name)
                for base in node.bases:
                    name = getattr(base, "id", None) or getattr(base, "attr", None)
                    kin[first(real.get(name, name))] = own
    return {name: first(name) for name in list(kin)}


def bindings(scope):
    """Names bound in the module, function or class `scope` itself: {name: None, or the import as a tuple}."""
    found, declared = {}, set()
    arguments = getattr(scope, "args", None)
    if isinstance(arguments, ast.arguments):
        each = arguments.posonlyargs + arguments.args + arguments.kwonlyargs + [arguments.vararg, arguments.kwarg]
        found.update((one.arg, None) for one in each if one)

    def look(node):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            found[node.name] = None
        elif isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            found[node.id] = None
        elif isinstance(node, ast.ExceptHandler) and node.name:
            found[node.name] = None
        elif isinstance(node, ast.ImportFrom):
            for one in node.names:
                found.setdefault(one.asname or one.name, ("from", node.module, one.name))
        elif isinstance(node, ast.Import):
            for one in node.names:
                found.setdefault(one.asname or one.name.split(".")[0], ("import", one.name))
        elif isinstance(node, (ast.Global, ast.Nonlocal)):
            declared.update(node.names)
        if not isinstance(node, _SCOPES):
            for child in ast.iter_child_nodes(node):
                look(child)

    if isinstance(scope, _COMPREHENSIONS):
        for each in scope.generators:
            look(each.target)
    else:
        body = scope.body if isinstance(scope.body, list) else [scope.body]
        for node in body:
            look(node)
    if isinstance(scope, ast.Module):  # what functions declare global is the module's
        for node in ast.walk(scope):
            if isinstance(node, ast.Global):
                found.update((name, None) for name in node.names if name not in found)
        return found
    return {name: what for name, what in found.items() if name not in declared}


class Rewritten(ast.NodeTransformer):
    """One module with its global names as its unit has them, and its imports from units as they are there."""

    def __init__(self, program, module):
        self._program = program
        self._module = module
        self._unit = program.unit_of.get(module)
        self._locals = []  # of the functions around
        self._class = ()  # of the class whose body this is
        self._aliases = [self._known(bindings(program.trees[module]))]

    def _known(self, own):
        """The imported names that stand for something in a unit or for a constant: {name: (module, name or None)}."""
        program, found = self._program, {}
        for name, what in own.items():
            if what and what[0] == "from":
                target = program.target(what[1], what[2])
                if target and (target in program.constants or target[0] in program.unit_of):
                    found[name] = target
        return found

    def _error(self, node, words):
        raise LinkError("%s:%d: %s" % (self._module, node.lineno, words))

    def _meant(self, name):
        """What `name` stands for here: (module, name), (module, None) for a module, or None when it is local."""
        if name in self._class:
            return None
        for bound, aliases in zip(reversed(self._locals), reversed(self._aliases[1:])):
            if name in aliases:
                return aliases[name]
            if name in bound:
                return None
        return self._aliases[0].get(name, (self._module, name))

    def _new(self, name):
        """The new name of `name` here."""
        target = self._meant(name)
        if target is None or self._program.unit_of.get(target[0]) != self._unit or self._unit is None:
            return name
        return self._program.names.get(target, name) if target[1] else name

    def visit_Name(self, node):
        target = self._meant(node.id)
        if target in self._program.constants:
            if not isinstance(node.ctx, ast.Load):
                self._error(node, "assigns to the constant " + node.id)
            return ast.copy_location(ast.Constant(self._program.constants[target]), node)
        if target and target[1] is None and target[0] in self._program.unit_of:
            self._error(node, "uses the linked module %s as a value" % node.id)
        new = self._new(node.id)
        if new != node.id:
            self._free(node, new)
        node.id = new
        return node

    def _free(self, node, name):
        if name in self._class or any(name in bound for bound in self._locals):
            self._error(node, "%s is also a local name" % name)

    def visit_Attribute(self, node):
        if isinstance(node.value, ast.Name):
            target = self._meant(node.value.id)
            if target and target[1] is None and target[0] in self._program.trees:
                target = (target[0], node.attr)
                if target in self._program.constants:
                    return ast.copy_location(ast.Constant(self._program.constants[target]), node)
                unit = self._program.unit_of.get(target[0])
                if unit is not None:
                    new = self._program.names.get(target)
                    if new is None or not isinstance(node.ctx, ast.Load):
                        self._error(node, "%s.%s" % (node.value.id, node.attr))
                    if unit == self._unit:
                        self._free(node, new)
                        return ast.copy_location(ast.Name(new, node.ctx), node)
                    node.attr = new
                    return node
        return self.generic_visit(node)

    def visit_Assign(self, node):
        name = constant_name(node)
        if name and not self._locals and (self._module, name) in self._program.constants:
            return None
        return self.generic_visit(node)

    def visit_Import(self, node):
        for each in node.names:
            if self._program.unit_of.get(each.name, each.name) != each.name:
                self._error(node, "`import %s`, which is linked: write `from ... import ...`" % each.name)
        return node

    def visit_ImportFrom(self, node):
        program, groups = self._program, {}
        base = program.absolute(self._module, node)
        for each in node.names:
            if each.name == "*":
                self._error(node, "import of *")
            local = each.asname or each.name
            target = program.target(base, each.name)
            if target in program.constants:
                continue
            unit = program.unit_of.get(target[0]) if target else None
            if unit is None:
                key, name = base, each.name
            elif unit == self._unit:
                continue
            elif target[1] is None:
                key, _, name = unit.rpartition(".")
            else:
                key, name = unit, program.names.get(target, each.name)
            new = self._new(local) if not self._locals else local
            groups.setdefault(key, []).append(ast.alias(name, new if new != name else None))
        return [
            ast.copy_location(ast.ImportFrom(key, names, 0) if key else ast.Import(names), node)
            for key, names in groups.items()
        ]

    def visit_Global(self, node):
        node.names = [self._program.names.get((self._module, name), name) for name in node.names]
        return node

    def visit_ExceptHandler(self, node):
        if node.name:
            node.name = self._new(node.name)
        return self.generic_visit(node)

    def _scoped(self, node):
        own = bindings(node)
        aliases = self._known(own)
        self._locals.append({name for name in own if name not in aliases})
        self._aliases.append(aliases)
        outer, self._class = self._class, ()
        return outer

    def _leave(self, outer):
        self._locals.pop()
        self._aliases.pop()
        self._class = outer

    def _function(self, node):
        if not isinstance(node, ast.Lambda):
            node.name = self._new(node.name)
            node.decorator_list = [self.visit(each) for each in node.decorator_list]
        node.args.defaults = [self.visit(each) for each in node.args.defaults]
        node.args.kw_defaults = [each and self.visit(each) for each in node.args.kw_defaults]
        outer = self._scoped(node)
        if isinstance(node, ast.Lambda):
            node.body = self.visit(node.body)
        else:
            node.body = self._statements(node.body)
        self._leave(outer)
        return node

    visit_FunctionDef = visit_AsyncFunctionDef = visit_Lambda = _function

    def _comprehension(self, node):
        node.generators[0].iter = self.visit(node.generators[0].iter)  # runs outside
        first = node.generators[0].iter
        outer = self._scoped(node)
        node.generators[0].iter = ast.Constant(None)
        self.generic_visit(node)
        node.generators[0].iter = first
        self._leave(outer)
        return node

    visit_ListComp = visit_SetComp = visit_DictComp = visit_GeneratorExp = _comprehension

    def visit_ClassDef(self, node):
        node.name = self._new(node.name)
        node.decorator_list = [self.visit(each) for each in node.decorator_list]
        node.bases = [self.visit(each) for each in node.bases]
        outer, self._class = self._class, set(bindings(node))
        node.body = self._statements(node.body)
        self._class = outer
        return node

    def _statements(self, body):
        new = []
        for node in body:
            node = self.visit(node)
            new += node if isinstance(node, list) else [node] if node else []
        return new or [ast.Pass()]
