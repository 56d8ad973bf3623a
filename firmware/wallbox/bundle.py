"""The head of a signed bundle (tools/bundle.py makes them): what it is for, and the files in it.

    8     magic "wallbox" 1                        n     body: see `parsed`
    2     n, length of the body, at most 8192      64    ECDSA P-256 signature (r, s) of the SHA-256 of all before it
                                                   ...   the files, one after the other, nothing behind the last

Numbers are big-endian. The body is looked at only after its signature was verified, and nothing is written before
that. The signature covers the files by the hashes in the body. What is wrong is a ValueError with one sentence.
"""

from bounded.compat import const

MAGIC = b"wallbox\1"
PROGRAM = const(1)
MICROPYTHON = const(2)
MOST = const(8192)  # bytes of a body
_MOST_FILES = const(200)
_MOST_BYTES = const(8 << 20)
_PATH = const(100)
_DEPTH = const(6)
_LETTERS = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-"
# by the number in sys.implementation._mpy
ARCHITECTURES = "none x86 x64 armv6 armv6m armv7m armv7em armv7emsp armv7emdp xtensa xtensawin rv32imc"


class Bundle:
    """kind, version (major, minor, patch), march (number), micropython (the oldest it runs on), board (its name), and
    files: a list of (size, SHA-256, path)."""

    def __init__(self):
        self.kind = self.march = 0
        self.version = self.micropython = (0, 0, 0)
        self.board = ""
        self.files = []

    def size(self):
        """Bytes of all files."""
        total = 0
        for each in self.files:
            total += each[0]
        return total


def parsed(body):
    """The Bundle that `body` describes:

    1 kind, 3 version, 1 architecture, 3 oldest MicroPython, 2 number of files, 1+n board, then for each file
    4 size, 32 SHA-256, 1+n path. Paths are relative, of plain letters, and sorted, so that none is there twice.
    """
    found = Bundle()
    if len(body) < 11:
        raise ValueError("the bundle's head is too short")
    found.kind = body[0]
    if found.kind not in (PROGRAM, MICROPYTHON):
        raise ValueError("the bundle is of a kind this program does not know: %d" % found.kind)
    found.version = tuple(body[1:4])
    found.march = body[4]
    found.micropython = tuple(body[5:8])
    count = body[8] << 8 | body[9]
    if not 0 < count <= (1 if found.kind == MICROPYTHON else _MOST_FILES):
        raise ValueError("the bundle holds %d files" % count)
    at, found.board = _text(body, 10)
    last = ""
    for _ in range(count):
        if at + 36 > len(body):
            raise ValueError("the bundle's head ends within its list of files")
        size = int.from_bytes(body[at : at + 4], "big")
        digest = bytes(body[at + 4 : at + 36])
        at, path = _text(body, at + 36)
        if not _harmless(path):
            raise ValueError("the bundle holds a file of a bad name: %s" % path)
        if path <= last or path.startswith(last + "/") and last:
            raise ValueError("the bundle's files are not in order at %s" % path)
        if size > _MOST_BYTES:
            raise ValueError("%s is too large: %d bytes" % (path, size))
        last = path
        found.files.append((size, digest, path))
    if at != len(body):
        raise ValueError("the bundle's head is longer than its list of files")
    return found


def _text(body, at):
    """(place behind, text) of a length byte at `at` and so many letters."""
    end = at + 1 + body[at] if at < len(body) else 0
    if not at < end <= len(body):
        raise ValueError("the bundle's head ends within a name")
    raw = bytes(body[at + 1 : end])
    for letter in raw:
        if letter not in _LETTERS and letter != 47:
            raise ValueError("the bundle holds a bad name: %s" % repr(raw))
    return end, raw.decode()


def _harmless(path):
    """Relative and within its folder: no empty part, none that begins with a dot."""
    parts = path.split("/")
    for part in parts:
        if not part or part[0] == ".":
            return False
    return len(path) <= _PATH and len(parts) <= _DEPTH


def fits(bundle, board, march, micropython, version, older):
    """ValueError unless it is for this board, chip and MicroPython, and no older than `version` unless `older`."""
    if bundle.board != board:
        raise ValueError("the bundle is for the board %s, this is %s" % (bundle.board, board))
    if bundle.march != march:
        names = ARCHITECTURES.split()
        raise ValueError("the bundle is for %s, this chip is %s" % (_name(names, bundle.march), _name(names, march)))
    if bundle.kind == PROGRAM and bundle.micropython > micropython:
        raise ValueError("the bundle needs MicroPython %d.%d.%d, this is %d.%d.%d" % (bundle.micropython + micropython))
    if not older and bundle.version < version:
        raise ValueError("the bundle is %d.%d.%d, older than %d.%d.%d: say older=true if that is meant" % (
            bundle.version + version))


def _name(names, number):
    return names[number] if number < len(names) else str(number)


def numbers(text):
    """Version "1.2.3" (or what sys.implementation has) as three numbers; what is missing or no number is 0."""
    found = [0, 0, 0]
    parts = text.split(".") if isinstance(text, str) else text
    for i in range(min(len(parts), 3)):
        try:
            found[i] = int(parts[i])
        except ValueError:
            pass
    return tuple(found)
