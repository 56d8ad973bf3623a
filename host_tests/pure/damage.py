"""Random damage to messages, alike on every runtime (a small generator of its own: MicroPython has no Random class),
and what a device that gets them has to bear."""

import gc
import json

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


def owed(box, most):
    """What the box has to say, message after message, all of it sound JSON: fewer than `most`. What it keeps of the
    peer is bounded."""
    found = []
    while True:
        text = box.text(512)
        if text is None:
            break
        found.append(json.loads(text))
        assert len(found) < most
    peer = box.peer
    assert len(peer.subscriptions) <= 48 and len(peer.bindings) <= 48 and len(peer.client.sources) <= 8
    return found


def many(seed, cases, texts, survive, fresh, every, steps):
    """`survive(box, text, step)` so many damaged messages, taken in pieces of one of `steps` bytes; a `fresh(box)` for
    `every` so many. How many answers there were."""
    chance = Chance(seed)
    answers = 0
    box = None
    for i in range(cases):
        if i % every == 0:
            box = fresh(box)
        text = texts[chance.below(len(texts))]
        answers += len(survive(box, damaged(chance, text), steps[chance.below(len(steps))]))
    return answers


def growth(box, cases, texts, survive, begin):
    """Bytes between the least and the most heap in use, looked at after every hundredth of so many damaged messages
    from `begin` on; 0 where nobody can tell."""
    if not hasattr(gc, "mem_alloc"):
        return 0
    chance = Chance(7)
    sizes = []
    for i in range(cases):
        survive(box, damaged(chance, texts[chance.below(len(texts))]), 5000)
        if i >= begin and i % 100 == 0:
            gc.collect()
            sizes.append(gc.mem_alloc())
    return max(sizes) - min(sizes)
