"""Compiles so that short strings do not become names.

MicroPython's compiler makes a name of every string of up to ten characters, and a device keeps names for ever. What
is loaded from flash and dropped again (cold.py) must leave nothing behind, so its short strings are compiled with a
tail that makes them too long for that; in the .mpy file they are objects then, and lose the tail there.
"""

import ast

_TAIL = "\x02" * 11
_NUMBERED = ("", "utf-8")  # names of every MicroPython that are numbers in the file
_NAMELESS = (b"<listcomp>", b"<dictcomp>", b"<setcomp>", b"<genexpr>", b"<lambda>")
_MODULE = bytes((7 << 1 | 1,))  # the name <module>, which is a number and says as much
_TUPLE, _TEXTS, _NUMBERS = 10, (5, 6), (7, 8, 9)  # kinds of objects in a .mpy file of version 6


def lengthened(source):
    """The source with a tail at each string that would become a name."""
    return ast.unparse(_Lengthened().visit(ast.parse(source)))


class _Lengthened(ast.NodeTransformer):
    def visit_Constant(self, node):
        if isinstance(node.value, str) and len(node.value.encode()) < len(_TAIL) and node.value not in _NUMBERED:
            return ast.Constant(node.value + _TAIL)
        return node

    def visit_JoinedStr(self, node):
        raise ValueError("a formatted string literal: write it with %")


def restored(code):
    """The bytes of a .mpy file without the tails and without names of what has none. ValueError: of another version."""
    if code[:2] != b"M\x06" or code[2] & 0x40:
        raise ValueError("a .mpy file of an unknown version")
    reader = _Reader(code, 4)
    names, objects = reader.number(), reader.number()
    head = code[: reader.at]
    for _ in range(names):
        at = reader.at
        size = reader.number()
        nameless = not size & 1 and reader.bytes((size >> 1) + 1)[:-1] in _NAMELESS
        head += _MODULE if nameless else code[at : reader.at]
    told = b"".join(reader.object() for _ in range(objects))
    return head + told + code[reader.at :]


class _Reader:
    def __init__(self, code, at):
        self.code, self.at = code, at

    def bytes(self, count):
        self.at += count
        return self.code[self.at - count : self.at]

    def number(self):
        value = 0
        while True:
            byte = self.bytes(1)[0]
            value = value << 7 | byte & 0x7F
            if byte < 0x80:
                return value

    def object(self):
        """The next object, as it is to stand in the file."""
        kind = self.bytes(1)
        if kind[0] in _TEXTS:
            text = self.bytes(self.number() + 1)[:-1]
            if text.endswith(_TAIL.encode()):
                text = text[: -len(_TAIL)]
            return kind + _number(len(text)) + text + b"\0"
        if kind[0] == _TUPLE:
            count = self.number()
            return kind + _number(count) + b"".join(self.object() for _ in range(count))
        if kind[0] in _NUMBERS:
            size = self.number()
            return kind + _number(size) + self.bytes(size)
        return kind


def _number(value):
    out = bytes((value & 0x7F,))
    while value > 0x7F:
        value >>= 7
        out = bytes((0x80 | value & 0x7F,)) + out
    return out
