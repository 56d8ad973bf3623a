"""Builds a signed update bundle for a board: its program, or a stock MicroPython image.

    python3 tools/bundle.py --board devkit --arch xtensawin [--out devkit.bundle]              make bundle BOARD=devkit
    python3 tools/bundle.py --board devkit --arch xtensawin --micropython ESP32_GENERIC-OTA-...bin
    python3 tools/bundle.py --show devkit.bundle

A wallbox takes it from a file or over the network (firmware/wallbox/update.py; its format: bundle.py there), if it
was signed by the key whose public half `make deploy` put on it. The key is made when there is none and kept in a
folder of yours, update.pem in --keys; whoever has it can replace the program of your wallboxes, and without it they
take updates only by cable.
"""

import argparse
import hashlib
import os
import re
import sys

import deploy
import flash
import image
import runtimes
import setup
import update_key
from deploy import Failed
from runtimes import ROOT

sys.path[:0] = [os.path.join(ROOT, "firmware"), os.path.join(ROOT, "lib")]

from wallbox import bundle as layout  # noqa: E402

_OLDEST = (1, 26, 0)
_HOST = ("x86", "x64")  # the pseudo-terminal board
_CHIP_MARCH = {"esp32": "xtensawin", "esp32s2": "xtensawin", "esp32s3": "xtensawin"}


def made(private, files, board, march, version, micropython=_OLDEST, kind=layout.PROGRAM):
    """The bytes of a bundle of `files`, {path: bytes}; versions are three numbers, march a word of mpy-cross."""
    body = bytes((kind,) + tuple(version) + (layout.ARCHITECTURES.split().index(march),) + tuple(micropython))
    body += len(files).to_bytes(2, "big") + _text(board)
    for path in sorted(files):
        body += len(files[path]).to_bytes(4, "big") + hashlib.sha256(files[path]).digest() + _text(path)
    try:
        layout.parsed(body)
        if len(body) > layout.MOST:
            raise ValueError("the list of files takes %d bytes, %d at most" % (len(body), layout.MOST))
    except ValueError as error:
        raise Failed(str(error)) from None
    head = layout.MAGIC + len(body).to_bytes(2, "big") + body
    return head + update_key.signature(private, head) + b"".join(files[path] for path in sorted(files))


def _text(text):
    raw = text.encode()
    return bytes((len(raw),)) + raw


def own_version():
    """The version that app.py states."""
    with open(os.path.join(ROOT, "firmware", "wallbox", "app.py"), encoding="utf-8") as file:
        return re.search(r'^VERSION = "(\d+\.\d+\.\d+)"', file.read(), re.MULTILINE)[1]


def of_program(private, board, march, folder=None, version=None):
    """(bundle, version) of the board's program, from the image in `folder` where that is there already."""
    if not folder:
        deploy.checked_board(board)
        folder = image.build(march, board, linked=True)
    version = version or own_version()
    oldest = (1, 25, 0) if march in _HOST else _OLDEST
    return made(private, deploy.program(folder), board, march, layout.numbers(version), oldest), version


def of_micropython(private, board, march, path):
    """(bundle, version) of a stock MicroPython image."""
    chip, address, version = flash.looked_at(path)
    if _CHIP_MARCH.get(chip, "rv32imc") != march:
        raise Failed("%s is for %s, not for %s" % (path, chip, march))
    with open(path, "rb") as file:
        data = file.read()
    data = application(data, address)
    files = {"micropython.bin": data}
    return made(private, files, board, march, layout.numbers(version), kind=layout.MICROPYTHON), version


def application(data, address):
    """The application in an image for a whole flash that begins at `address`: what follows its partition table.

    An image for updates alone (.app-bin) has no table and is that already."""
    table = 0x8000 - address
    if data[table : table + 2] != b"\xaa\x50":
        return data
    while data[table : table + 2] == b"\xaa\x50":
        if data[table + 2] == 0:  # an application
            start = int.from_bytes(data[table + 4 : table + 8], "little") - address
            size = int.from_bytes(data[table + 8 : table + 12], "little")
            return data[start : start + size]
        table += 32
    raise Failed("the image holds no application")


def shown(data):
    """Lines about a bundle for a person."""
    if data[: len(layout.MAGIC)] != layout.MAGIC:
        raise Failed("this is no update bundle")
    size = int.from_bytes(data[8:10], "big")
    try:
        found = layout.parsed(data[10 : 10 + size])
    except ValueError as error:
        raise Failed(str(error)) from None
    yield "%s %d.%d.%d for %s, %s" % (
        ("program", "MicroPython")[found.kind - 1], *found.version, found.board,
        layout.ARCHITECTURES.split()[found.march])
    at = 10 + size + 64
    for size, digest, path in found.files:
        whole = hashlib.sha256(data[at : at + size]).digest() == digest
        yield "%7d %s %s" % (size, path, "" if whole else "DAMAGED")
        at += size
    if at != len(data):
        yield "the file has %d bytes, %d were expected" % (len(data), at)


def main():
    parser = argparse.ArgumentParser(description="Build a signed update bundle.")
    parser.add_argument("--board", default="devkit", help="one of boards/ (default: devkit)")
    parser.add_argument("--arch", default="xtensawin", help="xtensawin (ESP32, S2, S3) or rv32imc (C3, C6)")
    parser.add_argument("--out", help="file to write (default: BOARD-ARCH.bundle)")
    parser.add_argument("--keys", default=update_key.folder(), help="folder of the key (default: %(default)s)")
    parser.add_argument("--image", help="a folder made by tools/image.py, instead of building one")
    parser.add_argument("--version", help="what the program in --image is (default: what app.py says)")
    parser.add_argument("--micropython", metavar="FILE", help="bundle this stock image instead of the program")
    parser.add_argument("--show", metavar="BUNDLE", help="say what a bundle holds")
    given = parser.parse_args()
    setup.ensure("run")
    try:
        if given.show:
            with open(given.show, "rb") as file:
                print("\n".join(shown(file.read())))
            return
        private = update_key.private(given.keys)
        if given.micropython:
            data, version = of_micropython(private, given.board, given.arch, given.micropython)
        else:
            data, version = of_program(private, given.board, given.arch, given.image, given.version)
        out = given.out or "%s-%s.bundle" % (given.board, given.arch)
        with open(out, "wb") as file:
            file.write(data)
        print("%s: %s for %s, %d KB" % (out, version, given.board, len(data) // 1024))
    except (Failed, flash.Failed, update_key.Failed, runtimes.Missing) as error:
        sys.exit("bundle: %s" % error)
    except OSError as error:
        sys.exit("bundle: %s cannot be used: %s" % (error.filename, error.strerror))


if __name__ == "__main__":
    main()
