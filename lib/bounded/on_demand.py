"""Functions that stay on flash until they are called, and go again when memory is short.

MicroPython keeps all code of a module in RAM. Of a device image, tools/cold.py takes out the functions that a running
station rarely calls and puts them, compiled one by one, into the file `cold` beside this module. What it leaves:

* a class that lost methods gets `__getattr__ = fetch` and in `tell` the place of its record in the file: the first
  call of such a method loads it into the class, where it stays until `release`;
* `__init__` becomes `made`, which loads the constructor each time;
* a function of a module becomes one that hands its arguments to `called`.

A record is two bytes of length and text: ` name=offset` for each function, the offset in six digits.
Whatever is loaded here may fail for want of memory or with the file: nothing that keeps the contactor safe does so
(evse, limits and the tick of the station are never taken out).
"""

import gc
import sys

from bounded.compat import const

_ROOM = const(10240)  # bytes of heap to leave free for others
_FOLDER = "/cold"
_MODULE = "x"  # of every function while it is loaded

_held = []  # (class, name of a method) or (None, name, place, function), as they were loaded
loads = [0]  # so far


class _Store:
    """A file system with one file: the function whose turn it is."""

    def __init__(self, path):
        self.path = path
        self.offset = None

    def mount(self, readonly, mkfs):
        pass

    def umount(self):
        pass

    def stat(self, path):
        if path[-4:] != ".mpy":
            raise OSError(2)
        return (0x8000, 0, 0, 0, 0, 0, 0, 0, 0, 0)

    def open(self, path, mode):
        file = open(self.path, "rb")
        file.seek(self.offset)
        return file

    def find(self, place, name):
        """Offset of the function `name` by the record at `place`; None when there is none."""
        file = open(self.path, "rb")
        file.seek(place)
        size = file.read(2)
        record = file.read(size[0] << 8 | size[1])
        file.close()
        at = record.find(b" %s=" % name.encode())
        if at < 0:
            return None
        at += len(name) + 2
        return int(record[at : at + 6])


_store = []  # the one, once it is mounted


def _load(place, name):
    if not _store:
        import vfs

        _store.append(_Store(__file__[: __file__.rfind("/")] + "/cold"))
        vfs.mount(_store[0], _FOLDER)
    store = _store[0]
    store.offset = store.find(place, name)
    if store.offset is None:
        return None
    loads[0] += 1
    path = sys.path
    path.insert(0, _FOLDER)
    try:
        __import__(_MODULE)
    finally:
        path.pop(0)
        module = sys.modules.pop(_MODULE, None)
    return getattr(module, name)


def _loaded(place, name):
    if gc.mem_free() < _ROOM:
        gc.collect()
        if gc.mem_free() < _ROOM:
            release()
    try:
        return _load(place, name)
    except MemoryError:
        release()
        return _load(place, name)


def release():
    """Drop what was loaded; what runs at this moment ends undisturbed, and who kept a bound method keeps it."""
    for each in _held:
        if each[0]:
            setattr(each[0], each[1], None)  # `delattr` alone would keep what the slot holds
            delattr(each[0], each[1])
    _held.clear()
    gc.collect()


def trim():
    """To be called now and then: make room for those who do not load anything themselves."""
    if _held and gc.mem_free() < _ROOM // 2:
        release()


def room(size):
    """Make `size` bytes of heap free, if that takes no more than to drop what was loaded."""
    if _held and gc.mem_free() < size:
        release()


def fetch(self, name):
    """`__getattr__` of a class whose methods are on flash."""
    kind = type(self)
    function = _loaded(kind.tell, name)
    if function is None:
        raise AttributeError(name)
    setattr(kind, name, function)
    _held.append((kind, name))
    return getattr(self, name)


def made(self, *arguments, **keywords):
    """`__init__` of a class whose own is on flash; not kept, for most run once."""
    _loaded(type(self).tell, "__init__")(self, *arguments, **keywords)


def called(place, name, arguments):
    """Call the function `name` of a module, from the record at `place`."""
    for each in _held:
        if each[0] is None and each[2] == place:
            return each[3](*arguments)
    function = _loaded(place, name)
    _held.append((None, name, place, function))
    return function(*arguments)
