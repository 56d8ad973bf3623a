"""An update: a signed bundle (bundle.py) becomes the next program, on trial, or the next MicroPython.

    update file=/update.bundle                          a file on the device
    update url=http://192.168.1.2:8000/devkit.bundle    fetched; the signature makes a secure transport unnecessary
    update cancel=true                                  ends it, as a failure would, until the pointer has moved

The bundle is read once, in pieces of half a KB, with a turn for everybody else between two: first the head, whose
signature is verified with the key in the storage folder (make deploy put it there), then what it holds goes into the
program folder that does not start, each file against its hash. At the end everything is read back and the pointer moves
(slots.py). Whatever goes wrong before that changes nothing but the folder that does not start. Refused while a car
charges, and no car gets power until it is done: flash writes stop the guard for tens of ms.

Loaded for an update, and dropped again.
"""

import asyncio
import os
import sys
from hashlib import sha256

from bounded.compat import const, ticks_diff, ticks_ms, unload
from bounded.on_demand import release
from bounded.wait import sleep_ms
from wallbox.bundle import MAGIC, MICROPYTHON, MOST, fits, numbers, parsed
from wallbox.journal import UPDATE

KEY = "update.pub"  # x and y of the public key, 64 bytes, in the storage folder
_STARTS = const(3)  # of a program on trial
_PIECE = const(512)
_BLOCK = const(4096)
_SPARE = const(8)  # blocks of flash to leave
_LONGEST_MS = const(900000)
_SHOW_MS = const(500)


class Progress:
    """Gives everybody a turn. ValueError when it takes too long, or was `cancelled`."""

    def __init__(self):
        self.cancelled = False
        self._begun = ticks_ms()

    async def turn(self):
        """To be awaited between two steps."""
        if ticks_diff(ticks_ms(), self._begun) > _LONGEST_MS:
            raise ValueError("the update takes longer than %d s" % (_LONGEST_MS // 1000))
        await sleep_ms(0)
        if self.cancelled:
            raise ValueError("it was cancelled")


async def head(source, key, progress):
    """The Bundle whose head `source` begins with, signed by the owner of `key`; ValueError when it is not."""
    start = await _exactly(source, len(MAGIC) + 2)
    if start[:-2] != MAGIC:
        raise ValueError("this is no update bundle")
    size = start[-2] << 8 | start[-1]
    if size > MOST:
        raise ValueError("the bundle's head is too long: %d bytes" % size)
    body = await _exactly(source, size)
    found = sha256(start)
    found.update(body)
    signature = await _exactly(source, 64)
    from bounded.ecdsa_p256 import verify

    verdict = False
    for verdict in verify(key, found.digest(), signature):
        await progress.turn()
    del verify
    unload("bounded.ecdsa_p256")
    if not verdict:
        raise ValueError("the bundle's signature is not by the key that this wallbox trusts")
    return parsed(body)


async def _exactly(source, count):
    data = b""
    while len(data) < count:
        piece = await source.read(count - len(data))
        if not piece:
            raise ValueError("the bundle ends within its head")
        data += piece
    return data


async def ended(source):
    """ValueError when there is more behind the last file."""
    if await source.read(1):
        raise ValueError("there is more behind the bundle's last file")


class Folder:
    """The program folder at `path` that gets the files of `bundle`."""

    def __init__(self, path, bundle, progress):
        self._path = path + "/"
        self._bundle = bundle
        self._progress = progress
        self._buffer = bytearray(_PIECE)

    def make_room(self):
        """Remove what the bundle does not hold; ValueError, and nothing removed, when the rest will not fit."""
        there = list(self._there(""))
        disk = os.statvfs(self._path[:-1].rpartition("/")[0] or ".")
        room = disk[1] * disk[4] // _BLOCK - _SPARE
        for path, size in there:
            room += _blocks(size)
        for size, _, path in self._bundle.files:
            room -= _blocks(size)
        if room < 0:
            raise ValueError("the flash has too little room: %d KB are missing" % (-room * _BLOCK // 1024))
        wanted = [each[2] for each in self._bundle.files]
        for path, _ in there:
            if path not in wanted:
                os.remove(self._path + path)
        self._prune("")

    def _there(self, folder):
        """(path, size) of every file below `folder`."""
        for name in self._names(folder):
            path = folder + name
            facts = os.stat(self._path + path)
            if facts[0] & 0x4000:
                for each in self._there(path + "/"):
                    yield each
            else:
                yield path, facts[6]

    def _names(self, folder):
        try:
            return os.listdir((self._path + folder)[:-1])
        except OSError:
            return ()

    def _prune(self, folder):
        """Remove folders that are empty."""
        for name in self._names(folder):
            path = folder + name
            if os.stat(self._path + path)[0] & 0x4000:
                self._prune(path + "/")
                if not self._names(path + "/"):
                    os.rmdir(self._path + path)

    async def receive(self, source):
        """Write every file as it arrives; what is there already is not written again."""
        for size, digest, path in self._bundle.files:
            there = await self._digest(path, size) == digest
            file = None if there else open(self._made(path), "wb")
            try:
                if await self._pass_on(source, size, path, file) != digest:
                    raise ValueError("%s in the bundle is damaged" % path)
            finally:
                if file:
                    file.close()

    def _made(self, path):
        """The path to write to, its folders made, the old file gone: it would take up room until the new is whole."""
        path = self._path + path
        at = len(self._path) - 1
        while at > 0:
            try:
                os.mkdir(path[:at])
            except OSError:
                pass
            at = path.find("/", at + 1)
        try:
            os.remove(path)
        except OSError:
            pass
        return path

    async def _pass_on(self, source, size, path, file):
        """The SHA-256 of the next `size` bytes, which go to `file`."""
        found = sha256()
        while size:
            data = await source.read(min(size, _PIECE))
            if not data:
                raise ValueError("the bundle ends within %s" % path)
            found.update(data)
            if file and file.write(data) != len(data):
                raise OSError(28)
            size -= len(data)
            await self._progress.turn()
        return found.digest()

    async def verify(self):
        """ValueError unless the folder holds what the bundle says."""
        for size, digest, path in self._bundle.files:
            if await self._digest(path, size) != digest:
                raise ValueError("%s does not read back as it was written" % path)

    async def _digest(self, path, size):
        """The SHA-256 of a file of this size; None when there is none."""
        path = self._path + path
        try:
            if os.stat(path)[6] != size:
                return None
        except OSError:
            return None
        found = sha256()
        view = memoryview(self._buffer)
        with open(path, "rb") as file:
            while True:
                count = file.readinto(self._buffer)
                if not count:
                    return found.digest()
                found.update(view[:count])
                await self._progress.turn()


def _blocks(size):
    return (size + _BLOCK - 1) // _BLOCK


async def install(source, bundle, pointer, root, progress):
    """The program in `bundle`, read from `source`, starts next, on trial. `root`: the folder of the two."""
    name = pointer.other()
    folder = Folder(root + "/" + name, bundle, progress)
    folder.make_room()
    await folder.receive(source)
    await ended(source)
    await folder.verify()
    pointer.switch(name, _STARTS)


class _Job:
    """One update of the running wallbox."""

    def __init__(self, app, pointer, key, request):
        self.app = app
        self._pointer = pointer
        self._key = key
        self._request = request

    async def run(self):
        app = self.app
        failures = app.failures
        allowed = app.station.healthy.own[0]
        app.station.allow(app.station.healthy, False)  # no power until it is done
        source = None
        try:
            from wallbox.update_source import opened

            source = await opened(self._request)
            await self._install(source)
        except Exception as error:  # noqa: BLE001 - whatever it is, the wallbox goes on as it was
            self._say("failed: %s" % (str(error) or repr(error)))
            app.journal.note(app.station.now_ms, UPDATE, 0)
        else:
            self._clean_up()
            self._say("done: starts now, on trial")
            await sleep_ms(_SHOW_MS)
            app.restart()
        finally:
            if source:
                await source.close()
            if allowed and failures == app.failures:
                app.station.allow(app.station.healthy, True)
            app.updating = False
            for name in ("update_source", "update", "bundle"):
                unload("wallbox." + name)
            release()

    async def _install(self, source):
        app = self.app
        from wallbox.app import VERSION, installed_board

        progress = app.updating
        self._say("checking the signature")
        found = await head(source, self._key, progress)
        own = numbers(sys.implementation.version)
        image = found.kind == MICROPYTHON
        fits(found, installed_board(), getattr(sys.implementation, "_mpy", 0) >> 10, own,
             own if image else numbers(VERSION), self._request.get("older") is True)
        self._say("installing %s %d.%d.%d, %d KB" % (
            ("MicroPython" if image else "the program",) + found.version + (found.size() // 1024,)))
        if image:
            ota = app.board.ota()
            target = await ota.write(source, found.files[0], progress.turn)
            await ended(source)
            await progress.turn()
            ota.switch(target, app.board.storage)
        else:
            await install(source, found, self._pointer, app.board.storage, progress)

    def _clean_up(self):
        """The file takes the room of a program; starts that follow are wanted, and no reason for safe mode."""
        app = self.app
        try:
            from wallbox import starts

            app.journal.note(app.station.now_ms, UPDATE, 1)
            app.journal.flush(app.station.now_ms)
            if "file" in self._request:
                os.remove(self._request["file"])
            starts.forget(app.board.storage)
        except (OSError, MemoryError) as error:  # it is installed all the same
            print("after the update: %s" % error)

    def _say(self, words):
        self.app.update = words
        print("update " + words)


def begin(app, request):
    """Begin the update that `request` names, or cancel the one under way; a sentence when it cannot be."""
    from slots import Pointer

    station = app.station
    if request.get("cancel") is True:
        if not app.updating or str(app.update).startswith("done"):
            return "no update is under way that could be cancelled"
        app.updating.cancelled = True
        app.update = "being cancelled"
        return None
    if app.updating:
        return "an update is under way"
    if station.guard.state in "CD" or station.guard.out.contactor:
        return "a car charges: end that first"
    pointer = Pointer()
    if pointer.folder is None or not hasattr(app.board, "restart"):
        return "this program is in no folder that could be exchanged: see make deploy"
    if pointer.left:
        return "this program is on trial itself: wait until it has proven itself"
    try:
        with open(app.board.storage + "/" + KEY, "rb") as file:
            key = file.read(65)
    except OSError:
        return "this wallbox has no key to verify bundles with: make deploy brings it"
    app.updating = Progress()
    asyncio.create_task(_Job(app, pointer, key, request).run())
