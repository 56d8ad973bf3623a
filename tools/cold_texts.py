"""Takes the schemas of SPINE functions (lib/spine/schema.py) out of an image: they stay on flash, before the functions
that do (cold.py), and with them the table of attributes that are looked up by text (lib/bounded/attribute.py)."""

import ast

TEXT = "schema"  # of lib/spine/schema.py
ATTRIBUTE = "bounded.attribute"
_NAME = 63  # bytes; lib/spine/schema.py reads as many and a colon


class TextError(Exception):
    """The texts do not fit."""


def move_texts(sources):
    """The modules with every `schema(b"...")` (lib/spine/schema.py) replaced by a number, and the bytes with which the
    file begins: the texts, two bytes of length before each."""
    result, places, head = dict(sources), {}, bytearray(1)  # no place is 0
    for name, source in sources.items():
        if TEXT + "(" not in source:
            continue
        tree = _Texts(places, head).visit(ast.parse(source))
        if not any(isinstance(node, ast.Name) and node.id == TEXT for node in ast.walk(tree)):
            _forget_import(tree)
        result[name] = ast.unparse(tree)
    return result, bytes(head)


def place_table(sources, head):
    """The modules with the place of the table behind the texts `head`, where lib/bounded/attribute.py looks for it."""
    if ATTRIBUTE not in sources:
        return sources
    text = sources[ATTRIBUTE].replace("_TABLE = const(0)", "_TABLE = const(%d)" % len(head))
    if text == sources[ATTRIBUTE]:
        raise TextError("%s has no place for the table" % ATTRIBUTE)
    return dict(sources, **{ATTRIBUTE: text})


def table(words):
    """The bytes of the table of attributes, {name: what it is called in the image}."""
    text = "".join(" %s=%s" % each for each in words.items()).encode() + b" "
    return len(text).to_bytes(2, "big") + text


def _forget_import(tree):
    for node in tree.body:
        if isinstance(node, ast.ImportFrom):
            node.names = [each for each in node.names if (each.asname or each.name) != TEXT]
    tree.body = [node for node in tree.body if not isinstance(node, ast.ImportFrom) or node.names]


class _Texts(ast.NodeTransformer):
    def __init__(self, places, head):
        self._places, self._head = places, head

    def visit_Assign(self, node):
        old = node.value
        node = self.generic_visit(node)
        if node.value is not old:  # so that no module holds it
            node.value = ast.Call(ast.Name("const", ast.Load()), [node.value], [])
        return node

    def visit_Call(self, node):
        value = node.args[0] if len(node.args) == 1 else None
        if getattr(node.func, "id", None) != TEXT or not isinstance(getattr(value, "value", None), bytes):
            return self.generic_visit(node)
        text = value.value
        if text not in self._places:
            place = len(self._head)
            if place >= 1 << 14:
                raise TextError("more than 16 KB of texts")
            name = text[: text.index(b":")]
            if len(name) > _NAME:
                raise TextError("lib/spine/schema.py reads no more of a name: %s" % name.decode())
            self._places[text] = place << 16 | (sum(name) + 31 * len(name)) & 0xFFFF
            self._head += len(text).to_bytes(2, "big") + text
        return ast.Constant(self._places[text])
