"""Functions that stay on flash until they are called, and go again when memory is short.

MicroPython keeps all code of a module in RAM. Of a device image, tools/cold.py takes out the functions that a running
station rarely calls and puts them, compiled one by one, into the file `cold` beside this module. What it leaves:

* a class that lost methods is a `fetched` and has in `tell` the place of its record in the file: the first call of such
  a method loads it into the class, where it stays until `release`; methods that mostly run together are loaded
  together, since each load costs 200 bytes beside the code;
* one that lost its constructor, too, is a `kept`, which loads that each time;
* `self.method` that is handed on, not called, becomes `later`;
* a function of a module becomes one that hands its arguments to `called`, or vanishes where only such functions call
  it;
* the import of a module that is there whole becomes `anew`.

A record is two bytes of length and an entry for each piece of code: one byte of length, three of offset, and the names
in it with a space around each. Before the records lie the texts that the firmware reads when it needs them
(lib/spine/schema.py), two bytes of length before each.
Whatever is loaded here may fail for want of memory or with the file: nothing that keeps the contactor safe does so
(evse, limits and the tick of the station are never taken out).
"""

import gc
import sys

from bounded.compat import const

_ROOM = const(4096)  # bytes of heap to leave free for others
_FOLDER = "/cold"
_MODULE = "x"  # of every function while it is loaded
_WHOLE = "whole"  # a module, in the record that is its own

_held = []  # (class, names of methods, None) or (None, place, function), as they were loaded
loads = [0]  # so far
running = []  # classes whose functions stay where they are: some of them run, and want the others soon


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
        if path[-6:] != "/x.mpy":
            raise OSError(2)
        return (0x8000, 0, 0, 0, 0, 0, 0, 0, 0, 0)

    def open(self, path, mode):
        file = open(self.path, "rb")
        file.seek(self.offset)
        return file

    def find(self, place, name):
        """By the record at `place`, set the offset of the function `name`; the names of all functions that are there,
        as they stand in the record. None when there is none."""
        word = b" %s " % name.encode()
        names = None
        file = open(self.path, "rb")
        file.seek(place)
        head = file.read(2)
        left = head[0] << 8 | head[1]
        while left and (names is None or names.find(word) < 0):
            head = file.read(4)
            names = file.read(head[0])
            left -= 4 + len(names)
        file.close()
        if names is None or names.find(word) < 0:
            return None
        self.offset = head[1] << 16 | head[2] << 8 | head[3]
        return names


_store = []  # the one, once it is mounted


def _mounted():
    if not _store:
        import vfs

        _store.append(_Store(__file__[: __file__.rfind("/")] + "/cold"))
        vfs.mount(_store[0], _FOLDER)
    return _store[0]


def read_text(number, most=0xFFFF):
    """The text behind `number`, or its first `most` bytes: its place in the file in the upper bits, 16 bits for the
    caller."""
    file = open(_mounted().path, "rb")
    file.seek(number >> 16)
    size = file.read(2)
    size = min(size[0] << 8 | size[1], most)
    try:
        text = file.read(size)
    except MemoryError:  # up to half a KB in one piece
        release()
        text = file.read(size)
    file.close()
    return text


def _load(place, name):
    store = _mounted()
    names = store.find(place, name)
    if names is None:
        return None
    loads[0] += 1
    path = sys.path
    path.insert(0, _FOLDER)
    sys.modules.pop(_MODULE, None)  # a module that is being loaded, and wants this one for it
    try:
        module = __import__(_MODULE)
    finally:
        path.pop(0)
        sys.modules.pop(_MODULE, None)
    functions = {}
    for word in names.decode().split():
        functions[word] = module if word == _WHOLE else getattr(module, word)
    return functions


def _loaded(place, name):
    """The functions that are loaded with `name`, itself among them, by name; None when there is none."""
    room()
    try:
        return _load(place, name)
    except MemoryError:
        release()
        return _load(place, name)


def release(keep=0):
    """Drop what was loaded, but the last `keep`; what runs at this moment ends undisturbed, and who kept a bound method
    keeps it."""
    for _ in range(len(_held) - keep):
        each = _held.pop(0)
        if each[0] in running:
            _held.append(each)
        elif each[0]:
            for name in each[1]:
                setattr(each[0], name, None)  # `delattr` alone would keep what the slot holds
                delattr(each[0], name)
    each = None
    gc.collect()


def room(size=_ROOM):
    """Make `size` bytes of heap free, if that takes no more than to drop what was loaded."""
    if _held and gc.mem_free() < size:
        gc.collect()
        if gc.mem_free() < size:
            release(len(_held) // 2)
            if gc.mem_free() < size:
                release()


def forget_stack(depth):
    """The collector keeps whatever an old word on the stack points to: overwrite what ran before and has returned, some
    200 bytes of stack for each of `depth`."""
    if depth:
        forget_stack(depth - 1)


def fetch(self, name):
    """`__getattr__` of a class whose methods are on flash."""
    kind = type(self)
    functions = _loaded(kind.tell, name)
    if functions is None:
        raise AttributeError(name)
    for each in functions:
        setattr(kind, each, functions[each])
    _held.append((kind, tuple(functions), None))
    return getattr(self, name)


def made(self, *arguments, **keywords):
    """`__init__` of a class whose own is on flash; not kept, for most run once."""
    _loaded(type(self).tell, "__init__")["__init__"](self, *arguments, **keywords)


class fetched:  # noqa: N801
    """What classes inherit whose methods are on flash."""

    __getattr__ = fetch


class kept(fetched):  # noqa: N801
    """And the constructor."""

    __init__ = made


class later:  # noqa: N801 - stands in the place of a bound method
    """A method of `owner` that is loaded whenever it is called, and not kept by whoever keeps this."""

    def __init__(self, owner, name):
        self.owner = owner
        self.name = name

    def __call__(self, *arguments):
        return getattr(self.owner, self.name)(*arguments)


def called(place, name, arguments):
    """Call the function `name` of a module, from the record at `place`."""
    for each in _held:
        if each[1] == place:
            return each[2](*arguments)
    function = _loaded(place, name)[name]
    _held.append((None, place, function))
    return function(*arguments)


def anew(place):
    """The module at the record at `place`: loaded for whoever asks, kept by nobody else, and without a name."""
    return _loaded(place, _WHOLE)[_WHOLE]
