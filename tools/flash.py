"""Writes a stock MicroPython image, 1.26 or newer, to a chip of the ESP32 family, by esptool.

    python3 tools/flash.py --port /dev/ttyUSB0 --firmware ESP32_GENERIC-...bin        make flash PORT=... FIRMWARE=...
    python3 tools/flash.py --port /dev/ttyUSB0 --firmware 1.26.1 --model ESP32_GENERIC_S3

The image is looked at before anything is erased: it must be one for an ESP32 chip and name its version. A version is
fetched from MicroPython's own site and kept in `.build/firmware/`. Everything on the chip is erased, settings and
identity too; --keep leaves the files where they are.
"""

import argparse
import os
import re
import subprocess
import sys
import urllib.request

import setup
from runtimes import BUILD, VENV

_OLDEST = (1, 26)
_SITE = "https://micropython.org"
# chip number in an image's header: its name for esptool, where the image goes
_CHIPS = {0: ("esp32", 0x1000), 2: ("esp32s2", 0x1000), 5: ("esp32c3", 0), 9: ("esp32s3", 0), 13: ("esp32c6", 0)}


class Failed(Exception):
    """Nothing was written; the text is the one sentence a person needs."""


def looked_at(path):
    """(chip for esptool, address, version as text) of an image; Failed when it is none that can be used."""
    try:
        with open(path, "rb") as file:
            data = file.read()
    except OSError as error:
        raise Failed("%s cannot be read: %s" % (path, error.strerror)) from None
    if len(data) < 24 or data[0] != 0xE9:
        raise Failed("%s is no image for an ESP32 chip" % path)
    chip = _CHIPS.get(data[12] | data[13] << 8)
    if chip is None:
        raise Failed("%s is for a chip this firmware does not know" % path)
    found = re.search(rb"MicroPython v(\d+)\.(\d+)(\.\d+)?", data)
    if not found:
        raise Failed("%s does not say that it is MicroPython" % path)
    version = int(found[1]), int(found[2])
    if version < _OLDEST:
        raise Failed("%s is MicroPython %d.%d, %d.%d or newer is needed" % ((path,) + version + _OLDEST))
    return chip + (found[0].decode()[len("MicroPython v"):],)


def fetched(version, model, site=_SITE):
    """The path of the stock image of this version, fetched when it is not there."""
    folder = os.path.join(BUILD, "firmware")
    os.makedirs(folder, exist_ok=True)
    try:
        with urllib.request.urlopen("%s/download/%s/" % (site, model), timeout=60) as page:
            text = page.read().decode("utf-8", "replace")
        pattern = r"/resources/firmware/(%s-\d{8}-v%s\.bin)" % (re.escape(model), re.escape(version))
        found = re.search(pattern, text)
        if not found:
            raise Failed("there is no image of %s in version %s; give the path of one you have" % (model, version))
        path = os.path.join(folder, found[1])
        if not os.path.exists(path):
            with urllib.request.urlopen(site + found[0], timeout=300) as image:
                data = image.read()
            with open(path + ".new", "wb") as file:
                file.write(data)
            os.replace(path + ".new", path)
    except OSError as error:
        raise Failed("the image cannot be fetched (%s); give the path of one you have" % error) from None
    return path


def commands(port, chip, address, path, keep):
    """What esptool is to do."""
    base = [os.path.join(VENV, "bin", "python"), "-m", "esptool", "--chip", chip, "--port", port]
    if not keep:
        yield base + ["erase-flash"]
    yield base + ["write-flash", hex(address), path]


def main():
    parser = argparse.ArgumentParser(description="Write stock MicroPython to a board.")
    parser.add_argument("--port", required=True)
    parser.add_argument("--firmware", required=True, help="an image file, or a version such as 1.26.1")
    parser.add_argument("--model", default="ESP32_GENERIC", help="MicroPython's name of the board, for a version")
    parser.add_argument("--keep", action="store_true", help="erase nothing but what the image replaces")
    parser.add_argument("--site", default=_SITE, help=argparse.SUPPRESS)
    given = parser.parse_args()
    setup.ensure("run", "boards")
    try:
        path = given.firmware
        if re.fullmatch(r"v?\d+\.\d+(\.\d+)?", path):
            path = fetched(path.lstrip("v"), given.model, given.site)
        chip, address, version = looked_at(path)
        print("MicroPython %s for %s to %s" % (version, chip, given.port), flush=True)
        for command in commands(given.port, chip, address, path, given.keep):
            if subprocess.run(command).returncode:
                raise Failed("esptool could not do it; is the board in its bootloader (hold BOOT, press RESET)?")
    except Failed as error:
        sys.exit("flash: %s" % error)


if __name__ == "__main__":
    main()
