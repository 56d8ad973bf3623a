"""Bundles as tests want them, encoded apart from tools/bundle.py, and signed on every runtime.

The key is 1 and so is the nonce of each signature: nothing to keep a secret with, but as valid as any.
"""

from hashlib import sha256

_N = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_X = 0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296
_Y = 0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5
KEY = _X.to_bytes(32, "big") + _Y.to_bytes(32, "big")
MAGIC = b"wallbox\x01"


def body(files, kind=1, version=(1, 2, 3), march=10, micropython=(1, 26, 0), board="devkit"):
    """The body of a head; `files` are (path, content) in their order."""
    text = bytes((kind,) + version + (march,) + micropython) + len(files).to_bytes(2, "big")
    text += bytes((len(board),)) + board.encode()
    for path, content in files:
        path = path.encode()
        text += len(content).to_bytes(4, "big") + sha256(content).digest() + bytes((len(path),)) + path
    return text


def head(text):
    """Magic, length, `text` and its signature."""
    start = MAGIC + len(text).to_bytes(2, "big") + text
    e = int.from_bytes(sha256(start).digest(), "big")
    r = _X % _N
    return start + r.to_bytes(32, "big") + ((e + r) % _N).to_bytes(32, "big")


def bundle(files, **facts):
    """A whole one."""
    return head(body(files, **facts)) + b"".join([content for _, content in files])


class Source:
    """`data` in pieces of at most `most` bytes, as an update reads it."""

    def __init__(self, data, most=512):
        self.data = data
        self.at = 0
        self._most = most
        self.closed = False

    async def read(self, count):
        piece = self.data[self.at : self.at + min(count, self._most)]
        self.at += len(piece)
        return piece

    async def close(self):
        self.closed = True
