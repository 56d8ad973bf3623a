"""Texts in one piece of bytes, a line each: a tuple of so many strings takes three times the memory."""


class Lines:
    """A sequence of the lines of `raw` (UTF-8, without a last line end) as str; with a `mark` as tuples split there."""

    def __init__(self, raw, mark=None):
        self._raw = raw
        self._mark = mark

    def __len__(self):
        return self._raw.count(b"\n") + 1

    def __getitem__(self, index):
        raw = self._raw
        at = 0
        while index > 0:
            at = raw.find(b"\n", at) + 1
            if not at:
                raise IndexError(index)
            index -= 1
        if index < 0:
            raise IndexError(index)
        end = raw.find(b"\n", at)
        line = str(raw[at:end] if end >= 0 else raw[at:], "utf-8")
        return tuple(line.split(self._mark)) if self._mark else line
