"""Puts the firmware on a board: compiles for its chip, copies what changed, verifies, and only then lets it start.

    python3 tools/deploy.py --board devkit --port /dev/ttyUSB0 [--config settings.json]

The board runs stock MicroPython (tools/flash.py) and has two program folders (firmware/slots.py). The one that does
not start gets the new program: what it or the other folder already has is not sent again. When every file reads back
with the right hash the pointer moves; until then an interruption, of any kind, leaves the program that was there.
A board without an identity gets one. Settings are checked here before anything is touched, and again by the board.
"""

import argparse
import hashlib
import json
import os
import sys
import tempfile
import time

import image
import provision
import runtimes
import setup
import update_key
from runtimes import ROOT

_HELPER = os.path.join(ROOT, "tools", "on_board.py")
_SLOTS = os.path.join(ROOT, "firmware", "slots.py")
_ROOT_FILES = ("boot.py", "main.py", "slots.py")
_OLDEST = {"esp32": (1, 26), "linux": (1, 25)}  # the latter is the pseudo-terminal board
_MARCH = (None, "x86", "x64", "armv6", "armv6m", "armv7m", "armv7em", "armv7emsp", "armv7emdp", "xtensa", "xtensawin",
          "rv32imc")  # by the number that sys.implementation carries
_IDENTITY = ("cert.der", "key.der", "ship.json")
_READY_S = 90
_CHUNK = 1024  # bytes a round trip


class Failed(Exception):
    """The board has the program it had; the text is the one sentence a person needs."""


class Link:
    """mpremote's raw REPL on the board at `port`, with the helper of on_board.py loaded."""

    def __init__(self, port):
        from mpremote.transport import TransportError, TransportExecError
        from mpremote.transport_serial import SerialTransport

        self._errors = (TransportError, OSError)
        self._raised = TransportExecError
        try:
            self.transport = SerialTransport(port)
        except self._errors as error:
            raise Failed("no board at %s: %s" % (port, error)) from None

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        try:
            self.transport.close()
        except self._errors:
            pass

    def begin(self):
        """Stop what runs, with a soft reset, and load the helper."""
        try:
            self.transport.enter_raw_repl()
        except self._errors as error:
            raise Failed("the board does not answer at its REPL: %s" % error) from None
        with open(_HELPER, encoding="utf-8") as file:
            self.run(file.read())

    def run(self, code):
        """Execute `code` there; what it prints."""
        try:
            return self.transport.exec(code)
        except self._raised as error:
            raise Failed("the board says: %s" % error.error_output.strip().splitlines()[-1]) from None
        except self._errors as error:
            raise Failed("the connection broke: %s" % error) from None

    def ask(self, code):
        """What the expression `code` gives there, as JSON."""
        try:
            return json.loads(self.run("import json; print(json.dumps(%s))" % code))
        except ValueError as error:
            raise Failed("the board answered no JSON: %s" % error) from None

    def put(self, path, data):
        """Write a file there, under another name until it is whole."""
        self.run("make_folders(%r)" % path)
        try:
            self.transport.fs_writefile(path + ".new", data, chunk_size=_CHUNK)
        except (OSError, *self._errors) as error:
            raise Failed("%s cannot be written: %s" % (path, error)) from None
        self.run("take(%r, %r)" % (path, _hash(data)))

    def reset(self):
        """Restart the board; this does not wait for it."""
        self.transport.exec_raw_no_follow("import machine; machine.reset()")

    def ready(self, timeout_s=_READY_S):
        """Pass on what the board prints until it serves; its ready line."""
        end = time.monotonic() + timeout_s
        text = b""
        while time.monotonic() < end:
            try:
                waiting = self.transport.serial.inWaiting()
                data = self.transport.serial.read(waiting) if waiting else b""
            except OSError:
                raise Failed("the port went away; `make repl` shows what the board does") from None
            if not data:
                time.sleep(0.02)
            text += data
            *lines, text = text.split(b"\n")
            for line in lines:
                line = line.decode("utf-8", "replace").strip()
                if line.startswith("ready "):
                    return line
                if line and not line.startswith(("OK", ">")):
                    print("  " + line, flush=True)
        raise Failed("the board did not serve within %d s" % timeout_s)


def _hash(data):
    return hashlib.sha256(data).hexdigest()


def chip(link):
    """(architecture for mpy-cross, what the board is) after looking at its MicroPython."""
    platform, version, mpy, machine = link.ask("about()")
    oldest = _OLDEST.get(platform)
    if oldest is None:
        raise Failed("this is no board of the ESP32 family but %s" % platform)
    if tuple(version[:2]) < oldest:
        raise Failed("MicroPython %d.%d is too old, %d.%d is needed: see make flash" % (tuple(version[:2]) + oldest))
    if mpy & 0xFF != 6:
        raise Failed("its MicroPython loads .mpy of version %d, not 6" % (mpy & 0xFF))
    return _MARCH[mpy >> 10], "%s, MicroPython %s" % (machine, ".".join(map(str, version[:3])))


def program(folder):
    """The files of an image, {path: bytes}, apart from those of the start and notes for people (*.json)."""
    found = {}
    for base, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            path = os.path.join(base, name)
            target = os.path.relpath(path, folder).replace(os.sep, "/")
            if target not in _ROOT_FILES and not name.endswith(".json"):
                with open(path, "rb") as file:
                    found[target] = file.read()
    return found


def copy(link, files):
    """Bring the inactive folder to hold exactly `files`, verify it, and start from it from now on.

    Returns (files sent, folder), folder None when the program that starts is that one already.
    """
    wanted = {path: _hash(data) for path, data in files.items()}
    active, spare = link.ask("folders()")
    there = link.ask("hashes(%r)" % active) if active else {}
    if active and there == wanted:
        return 0, None
    mine = link.ask("hashes(%r)" % spare)
    for path in sorted(set(mine) - set(wanted)):
        link.run("remove(%r)" % (spare + "/" + path))
    by_hash = {value: path for path, value in there.items()}
    sent = 0
    for path in sorted(wanted):
        if mine.get(path) == wanted[path]:
            continue
        target = "%s/%s" % (spare, path)
        if wanted[path] in by_hash:
            link.run("copy(%r, %r, %r)" % ("%s/%s" % (active, by_hash[wanted[path]]), target, wanted[path]))
        else:
            print("  %s" % target, flush=True)
            link.put("/" + target, files[path])
            sent += 1
    if link.ask("hashes(%r)" % spare) != wanted:
        raise Failed("what was written does not read back; nothing was switched")
    link.run("switch(%r)" % spare)
    return sent, spare


def start_files(link, folder):
    """Bring boot.py, main.py and slots.py up to date: each is whole at any time, and fits every program."""
    there = link.ask("hashes('', False, '.py')")
    for name in _ROOT_FILES:
        with open(os.path.join(folder, name), "rb") as file:
            data = file.read()
        if there.get(name) != _hash(data):
            link.put("/" + name, data)


def identity(link):
    """Give the board an identity where it has none; its SKI then, else None."""
    there = link.ask("hashes('identity', False)")
    if set(_IDENTITY) <= set(there):
        return None
    with tempfile.TemporaryDirectory() as folder:
        ski = provision.create(folder)
        put_identity(link, folder)
    return ski


def put_update_key(link, folder):
    """Bring the board the key that signs its updates (bundle.py); True when it was new there."""
    wanted = update_key.public(update_key.private(folder or update_key.folder()))
    if link.ask("hashes('', False, '.pub')").get("update.pub") == _hash(wanted):
        return False
    link.put("/update.pub", wanted)
    return True


def put_identity(link, folder):
    """Copy the identity in `folder` to the board; the key goes last, so that none is there in part."""
    for name in _IDENTITY:
        with open(os.path.join(folder, "identity", name), "rb") as file:
            link.put("/identity/" + name, file.read())


def checked_settings(path):
    """The bytes of a settings file that the firmware will accept; Failed says what is wrong with it."""
    sys.path[:0] = [os.path.join(ROOT, "firmware"), os.path.join(ROOT, "lib")]
    from wallbox import config_table

    try:
        with open(path, "rb") as file:
            raw = file.read()
        config_table._parse(raw)
    except OSError as error:
        raise Failed("%s cannot be read: %s" % (path, error.strerror)) from None
    except ValueError as error:
        raise Failed("%s: %s" % (path, error)) from None
    return raw


def checked_board(name):
    """Failed when there is no such board, or its description is wrong."""
    boards = sorted(each for each in os.listdir(os.path.join(ROOT, "boards"))
                    if os.path.exists(os.path.join(ROOT, "boards", each, "__init__.py")))
    if name not in boards:
        raise Failed("there is no board %s; there are: %s" % (name, " ".join(boards)))
    path = os.path.join(ROOT, "boards", name, "wiring.py")
    if os.path.exists(path):
        sys.path.insert(0, ROOT)
        from boards.esp32 import schema

        words = {}
        try:
            with open(path, encoding="utf-8") as file:
                exec(compile(file.read(), path, "exec"), words)
            schema.check(words.get("BOARD"))
        except (ValueError, SyntaxError, NameError) as error:
            raise Failed("boards/%s/wiring.py: %s" % (name, error)) from None


def deploy(port, board, folder=None, config=None, wait=True, keys=None):
    """Everything; `folder` is an image that is there already."""
    settings = checked_settings(config) if config else None
    if not folder:
        checked_board(board)
    with Link(port) as link:
        link.begin()
        march, what = chip(link)
        print("%s at %s" % (what, port), flush=True)
        folder = folder or image.build(march, board, linked=True)
        files = program(folder)
        begun = time.monotonic()
        start_files(link, folder)
        sent, slot = copy(link, files)
        if slot:
            print("%d of %d files sent to folder %s in %.1f s, all verified" % (
                sent, len(files), slot, time.monotonic() - begun))
        else:
            print("the board has this program already")
        ski = identity(link)
        if ski:
            print("made an identity: SKI %s" % ski)
        if put_update_key(link, keys):
            print("it takes updates that are signed with your key from now on")
        if settings is not None:
            link.put("/settings.json", settings)
        link.run("forget_starts()")
        link.reset()
        if wait:
            print(link.ready())


def main():
    parser = argparse.ArgumentParser(description="Put the firmware on a board.")
    parser.add_argument("--board", default="devkit", help="one of boards/ (default: devkit)")
    parser.add_argument("--port", required=True, help="serial port, e.g. /dev/ttyUSB0")
    parser.add_argument("--config", help="settings to import, a JSON file; README lists them")
    parser.add_argument("--image", help="a folder made by tools/image.py, instead of building one")
    parser.add_argument("--keys", default=update_key.folder(), help="folder of the key that signs updates")
    parser.add_argument("--no-wait", action="store_true", help="do not wait until the board serves")
    given = parser.parse_args()
    setup.ensure("run", "boards")
    try:
        deploy(given.port, given.board, given.image, given.config, not given.no_wait, given.keys)
    except (Failed, provision.Refused, update_key.Failed, runtimes.Missing) as error:
        sys.exit("deploy: %s" % error)


if __name__ == "__main__":
    main()
