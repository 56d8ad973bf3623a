"""Finds in a module every use of a name that the whole program sees, and may put another there (rom_names.py).

A use lies in a place, and two names meet only where their places do:

* an identifier of module level, or a parameter that some call passes by keyword: in its module;
* an attribute: in the classes that have it. `self.name`, a method and a name in the body of a class tell which, a
  family of classes (link_names.py); `other.name = value`, and a name in `getattr`, may be any: EVERY family;
* a method: in both.

Local names are left alone: on a device they cost nothing.
"""

import ast

from link_names import bindings

EVERY = "*"  # family of classes
LOOKUPS = ("getattr", "hasattr", "setattr", "delattr")
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


class Uses:
    """`seen(name, module, family)` is called with each use and gives the name to put there; module or family is None,
    both are for an attribute of one knows not what. passed: names of keywords; kin: of link_names.families; ours: the
    modules of the program."""

    def __init__(self, module, passed, kin, ours, seen):
        self._module = module
        self._passed = passed
        self._kin = kin
        self._ours = ours
        self._seen = seen
        self._scopes = []  # of the functions around: names bound there, and those of them that calls pass
        self._class = ()  # names of the class whose body this is
        self._family = None  # of the innermost class

    def walk(self, node):
        if isinstance(node, _FUNCTIONS):
            self._function(node)
        elif isinstance(node, ast.ClassDef):
            self._class_body(node)
        elif isinstance(node, _COMPREHENSIONS):
            self._comprehension(node)
        elif isinstance(node, ast.Attribute):
            self._attribute(node)
        elif isinstance(node, ast.ImportFrom):
            self._import(node)
        elif isinstance(node, (ast.Global, ast.Nonlocal)):
            node.names = [self._name(name) for name in node.names]
        else:
            if isinstance(node, ast.Name):
                node.id = self._name(node.id)
            elif isinstance(node, ast.keyword) and node.arg:
                node.arg = self._seen(node.arg, self._module, None)
            elif isinstance(node, ast.ExceptHandler) and node.name:
                node.name = self._name(node.name)
            elif isinstance(node, ast.Call) and getattr(node.func, "id", None) in LOOKUPS:
                name = node.args[1]
                if isinstance(name, ast.Constant):
                    name.value = self._seen(name.value, None, EVERY)
            for each in ast.iter_child_nodes(node):
                self.walk(each)

    def _name(self, name):
        if name in self._class:
            return self._seen(name, None, self._family)
        for bound, passed in reversed(self._scopes):
            if name in passed:
                break
            if name in bound:
                return name
        return self._seen(name, self._module, None)

    def _all(self, nodes):
        for each in nodes:
            if each is not None:
                self.walk(each)

    def _function(self, node):
        arguments = node.args
        parameters = arguments.posonlyargs + arguments.args + arguments.kwonlyargs
        own = bindings(node)
        if not isinstance(node, ast.Lambda):
            if node.name in self._class:  # a file of a function that stays on flash has its name, too (cold.py)
                node.name = self._seen(node.name, self._module, self._family)
            else:
                node.name = self._name(node.name)
            self._all(node.decorator_list)
            self._all([node.returns] + [each.annotation for each in parameters])
        self._all(arguments.defaults + arguments.kw_defaults)
        passed = {each.arg for each in parameters} & self._passed
        for each in parameters:
            if each.arg in passed:
                each.arg = self._seen(each.arg, self._module, None)
        self._inside(own, passed, [node.body] if isinstance(node, ast.Lambda) else node.body)

    def _inside(self, own, passed, nodes):
        outer, self._class = self._class, ()
        self._scopes.append((own, passed))
        self._all(nodes)
        self._scopes.pop()
        self._class = outer

    def _class_body(self, node):
        own, family = bindings(node), self._kin[node.name]
        node.name = self._name(node.name)
        self._all(node.decorator_list + node.bases)
        outer = self._class, self._family
        self._class, self._family = own, family
        self._all(node.body)
        self._class, self._family = outer

    def _comprehension(self, node):
        own = bindings(node)
        first = node.generators[0]
        self.walk(first.iter)
        within = [getattr(node, field) for field in ("elt", "key", "value") if hasattr(node, field)]
        for each in node.generators:
            within += [each.target] + ([] if each is first else [each.iter]) + each.ifs
        self._inside(own, set(), within)

    def _attribute(self, node):
        own = self._family is not None and getattr(node.value, "id", None) == "self"
        family = self._family if own else None if isinstance(node.ctx, ast.Load) else EVERY
        node.attr = self._seen(node.attr, None, family)
        self.walk(node.value)

    def _import(self, node):
        if node.module not in self._ours:
            return
        for each in node.names:
            name = each.name
            if "%s.%s" % (node.module, name) in self._ours:  # a module
                continue
            if self._scopes:  # its name here is local
                each.name = self._seen(name, None, None)
                if each.name != name and not each.asname:
                    each.asname = name
            else:
                each.name = self._seen(name, self._module, None)
                if each.asname:
                    each.asname = self._name(each.asname)
