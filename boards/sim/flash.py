"""Flash for tests of everything that is kept: a store as in lib/bounded/files.py whose supply can be cut.

Steps are what a cut can fall between: emptying a file is one, each byte written is one. `cut_after(n)` lets n
more steps happen; the step after them raises PowerCut out of the running call, and so does every call until
`power_on()`. What happened before the cut stays.
"""


class PowerCut(Exception):
    """The supply went; nothing more happens until power_on()."""


class Flash:
    """`size_bytes` of room. Full and read-only are OSError, as from a file system.

    steps counts for ever. Switches: read_only; flips, a mask that every byte written is XORed with (a worn cell).
    """

    def __init__(self, size_bytes=65536):
        self.size_bytes = size_bytes
        self.read_only = False
        self.flips = 0
        self.steps = 0
        self.files = {}  # name: bytearray; tests may damage it
        self._left = None
        self._off = False

    def cut_after(self, steps):
        """Cut the supply after so many more steps; None = never."""
        self._left = steps

    def power_on(self):
        """Supply is back, for good."""
        self._off = False
        self._left = None

    def size(self, name):
        """Bytes in a file, 0 when there is none."""
        self._alive()
        return len(self.files.get(name, b""))

    def read(self, name, at, count):
        """At most `count` bytes from `at`; none when there is no file."""
        self._alive()
        return bytes(self.files.get(name, b"")[at : at + count])

    def write(self, name, data):
        """Make `data` the content of a file: it is emptied first."""
        self._step()
        self.files[name] = bytearray()
        self.append(name, data)

    def append(self, name, data):
        """Add `data` at the end of a file, which is made if there is none. Full: OSError(28), part written."""
        self._alive()
        if self.read_only:
            raise OSError(30)
        file = self.files.setdefault(name, bytearray())
        room = self.size_bytes
        for each in self.files.values():
            room -= len(each)
        for byte in data:
            if room <= 0:
                raise OSError(28)
            self._step()
            file.append(byte ^ self.flips)
            room -= 1

    def remove(self, name):
        """Remove a file, if there is one."""
        self._step()
        self.files.pop(name, None)

    def _alive(self):
        if self._off:
            raise PowerCut("supply is cut")

    def _step(self):
        self._alive()
        if self.read_only:
            raise OSError(30)
        if self._left is not None:
            if self._left <= 0:
                self._off = True
                raise PowerCut("supply is cut")
            self._left -= 1
        self.steps += 1
