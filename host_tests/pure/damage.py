"""Random damage to messages, alike on every runtime (a small generator of its own: MicroPython has no Random class)."""


# What may stand where another value was: extremes, and the right kind of thing at the wrong place.
_VALUES = (b"0", b"-1", b"127", b"-128", b"9223372036854775807", b"-9223372036854775808", b"1.5", b"true", b"null",
           b'""', b'"PT1S"', b'"-PT1H"', b'"P9999Y"', b'"2026-11-23T06:11:57Z"', b'"normalOperation"', b"[]", b"[[]]")


class Chance:
    """Pseudo-random numbers (a linear congruential generator), the same everywhere for the same seed."""

    def __init__(self, seed):
        self._state = seed

    def below(self, limit):
        """A number of 0..limit-1; limit at most 2**15."""
        self._state = (self._state * 69069 + 12345) & 0x3FFFFFFF
        return (self._state >> 12) % limit


def damaged(chance, text):
    """`text` with one to three random changes: bytes, cuts, structure, repetitions, values."""
    for _ in range(1 + chance.below(3)):
        at = chance.below(len(text))
        what = chance.below(8)
        if what == 0:
            text = text[:at] + bytes((chance.below(256),)) + text[at + 1 :]
        elif what == 1:
            text = text[:at] + text[at + 1 + chance.below(11) :]
        elif what == 2:
            for _ in range(1 + chance.below(3)):
                c = b'[]{}",:\\0e-.nt'[chance.below(14)]
                text = text[:at] + bytes((c,)) + text[at:]
        elif what == 3:
            other = chance.below(len(text))
            text = text[:at] + text[other : other + 1 + chance.below(39)] + text[at:]
        elif what == 4:
            text = text[:at] + bytes((b'[]{}",:'[chance.below(7)],)) + text[at + 1 :]
        elif what == 5:
            text = text[:at]
        else:
            begin = text.find(b'":', at) + 2
            if begin > 1:
                end = begin
                while end < len(text) and text[end] not in b",}]":
                    end += 1
                text = text[:begin] + _VALUES[chance.below(len(_VALUES))] + text[end:]
        text = text or b"["
    return text
