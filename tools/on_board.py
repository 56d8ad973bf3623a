# What tools/deploy.py lets the board do: it is executed there over the raw REPL, and nothing of it stays.
import os
import sys
from binascii import hexlify
from hashlib import sha256


def about():
    own = sys.implementation
    return sys.platform, own[1], getattr(own, "_mpy", 0), getattr(own, "_machine", "?")


def pointer():
    """The pointer of slots.py; a board that has no slots.py yet has none."""
    os.chdir("/")
    sys.modules.pop("slots", None)
    if "" not in sys.path:
        sys.path.insert(0, "")
    import slots

    return slots.Pointer()


def folders():
    """The folder that starts (or none), and the one that a program may be written to."""
    try:
        found = pointer()
    except ImportError:
        return None, "a"
    if found.left:  # on trial: the other one is proven, and stays
        found.switch(found.other())
    return found.folder, found.other()


def switch(folder):
    pointer().switch(folder)


def forget_starts():
    """Who deploys starts the box often: no reason for safe mode (firmware/wallbox/starts.py)."""
    for name in ("/starts.0", "/starts.1"):
        try:
            os.remove(name)
        except OSError:
            pass


def digest(path):
    found = sha256()
    block = bytearray(512)
    view = memoryview(block)
    with open(path, "rb") as file:
        while True:
            size = file.readinto(block)
            if not size:
                return str(hexlify(found.digest()), "ascii")
            found.update(view[:size])


def hashes(top, deep=True, end=""):
    """{path below `top`: SHA-256} of files with this ending; halves of files are removed."""
    found = {}

    def look(folder, name):
        try:
            rows = list(os.ilistdir("/" + folder))
        except OSError:
            return
        for row in rows:
            path = folder + "/" + row[0] if folder else row[0]
            if row[1] == 0x4000:
                if deep:
                    look(path, name + row[0] + "/")
            elif row[0].endswith(".new"):
                os.remove("/" + path)
            elif row[0].endswith(end):
                found[name + row[0]] = digest("/" + path)

    look(top, "")
    return found


def make_folders(path):
    at = path.find("/", 1)
    while at > 0:
        try:
            os.mkdir(path[:at])
        except OSError:
            pass
        at = path.find("/", at + 1)


def take(path, expected):
    """What was written as `path`.new becomes `path`, when it is whole."""
    if digest(path + ".new") != expected:
        raise OSError("%s does not read back" % path)
    os.rename(path + ".new", path)


def copy(source, target, expected):
    make_folders("/" + target)
    block = bytearray(512)
    view = memoryview(block)
    with open("/" + source, "rb") as old:
        with open("/" + target + ".new", "wb") as new:
            while True:
                size = old.readinto(block)
                if not size:
                    break
                new.write(view[:size])
    take("/" + target, expected)


def remove(path):
    os.remove("/" + path)
