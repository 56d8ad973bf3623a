"""Brings a new program to a board at a serial port as a signed bundle, as it would come over the network.

    python3 tools/update.py --board devkit --port /dev/ttyUSB0 [--bundle FILE]        make update BOARD=devkit PORT=...

The bundle is built for the board's chip, or is FILE; it is copied to the board, which restarts and installs it by the
console word `update` (firmware/wallbox/update.py). What the board prints is passed on until the new program has proven
itself, or the one before it is back.
"""

import argparse
import sys
import time

import bundle
import deploy
import runtimes
import setup
import update_key

_FILE = "update.bundle"
_INSTALL_S = 300
_TRIAL_S = 600


def update(port, board, data=None, keys=None, older=False):
    """Everything; `data` is a bundle that is there already."""
    with deploy.Link(port) as link:
        link.begin()
        march, what = deploy.chip(link)
        print("%s at %s" % (what, port), flush=True)
        if data is None:
            data, _ = bundle.of_program(update_key.private(keys or update_key.folder()), board, march)
        link.put("/" + _FILE, data)
        link.reset()
        print(link.ready())
        link.transport.serial.write(b"update file=%s%s\n" % (_FILE.encode(), b" older=true" if older else b""))
        _follow(link, "update done", _INSTALL_S)
        _follow(link, "proven itself", _TRIAL_S)


def _follow(link, last, timeout_s):
    """Pass on what the board prints until `last` is in it; Failed when it says no."""
    end = time.monotonic() + timeout_s
    text = b""
    while time.monotonic() < end:
        data = link.transport.serial.read(link.transport.serial.inWaiting() or 1)
        *lines, text = (text + data).split(b"\n")
        for line in lines:
            line = line.decode("utf-8", "replace").strip()
            if "update failed" in line or '"error"' in line or "did not prove itself" in line:
                raise deploy.Failed(line)
            print("  " + line, flush=True)
            if last in line:
                return
    raise deploy.Failed("the board said nothing more within %d s" % timeout_s)


def main():
    parser = argparse.ArgumentParser(description="Update a board by a signed bundle.")
    parser.add_argument("--board", default="devkit", help="one of boards/ (default: devkit)")
    parser.add_argument("--port", required=True, help="serial port, e.g. /dev/ttyUSB0")
    parser.add_argument("--bundle", help="a bundle made by tools/bundle.py, instead of building one")
    parser.add_argument("--keys", help="folder of the key that signs updates")
    parser.add_argument("--older", action="store_true", help="take it although it is older than what runs")
    given = parser.parse_args()
    setup.ensure("run", "boards")
    try:
        data = None
        if given.bundle:
            with open(given.bundle, "rb") as file:
                data = file.read()
        update(given.port, given.board, data, given.keys, given.older)
    except (deploy.Failed, update_key.Failed, runtimes.Missing, OSError) as error:
        sys.exit("update: %s" % error)


if __name__ == "__main__":
    main()
