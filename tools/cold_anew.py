"""Imports of modules that stay on flash whole (cold_table.py, ANEW): each becomes a call that loads the module."""

import ast

LOADED = "anew"  # of lib/bounded/on_demand.py


class AnewError(Exception):
    """The text names the module and what in it cannot be."""


def import_anew(text, module, records):
    """The text of `module` with its imports of modules in `records`, {dotted name: number of a record}, replaced."""
    tree = _Imports(module, records).visit(ast.parse(text))
    if any(isinstance(node, ast.Name) and node.id == LOADED for node in ast.walk(tree)):
        at = 1 if ast.get_docstring(tree) is not None else 0
        tree.body.insert(at, ast.parse("from bounded import " + LOADED).body[0])
        return ast.unparse(tree)
    return text


class _Imports(ast.NodeTransformer):
    def __init__(self, module, records):
        self._module, self._records = module, records
        self._inside = module in records  # of a function, or of a module that is gone itself before long

    def _error(self, node, words):
        raise AnewError("%s, line %d: %s" % (self._module, node.lineno, words))

    def _function(self, node):
        outer, self._inside = self._inside, True
        node = self.generic_visit(node)
        self._inside = outer
        return node

    visit_FunctionDef = visit_AsyncFunctionDef = _function

    def visit_Global(self, node):
        if self._module in self._records:
            self._error(node, "what it changes is lost, for it is loaded anew each time")
        return node

    def visit_Import(self, node):
        for each in node.names:
            if each.name in self._records:
                self._error(node, "`import %s`: write `from ... import ...`" % each.name)
        return node

    def visit_ImportFrom(self, node):
        new, rest = [], []
        for each in node.names:
            number = self._records.get("%s.%s" % (node.module, each.name))
            if number is None:
                rest.append(each)
            else:
                new.append("%s = %s(%d)" % (each.asname or each.name, LOADED, number))
        if node.module in self._records:  # the last of the names is the module's for a moment
            rest, number = [], self._records[node.module]
            last = node.names[-1].asname or node.names[-1].name
            new.append("%s = %s(%d)" % (last, LOADED, number))
            new += ["%s = %s.%s" % (each.asname or each.name, last, each.name) for each in node.names]
        if not new:
            return node
        if not self._inside:
            self._error(node, "a module that stays in memory imports one that does not: do it in a function")
        node.names = rest
        return ([node] if rest else []) + [each for text in new for each in ast.parse(text).body]
