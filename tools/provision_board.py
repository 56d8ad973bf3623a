"""Gives a board at a serial port its SHIP identity, or shows it: provision.py for what hangs on a cable.

    python3 tools/provision_board.py --port /dev/ttyUSB0 [--show] [--force] [--serial 4711 --brand ...] [--key key.pem]

Everything but --port is as for provision.py. The private key passes through a temporary folder of this computer, is
never printed and does not stay here; --show reads back no key.
"""

import argparse
import os
import sys
import tempfile

import deploy
import provision
import setup


def main():
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--port")
    given, rest = parser.parse_known_args()
    if not given.port:
        print(__doc__.strip())
        return 2
    setup.ensure("run", "boards")
    try:
        with tempfile.TemporaryDirectory() as folder, deploy.Link(given.port) as link:
            link.begin()
            there = link.ask("hashes('identity', False)")
            if "ship.json" in there and "cert.der" in there and "--force" not in rest:
                _fetch(link, folder)
                if "--show" not in rest:
                    print("the board keeps the identity it has; --force replaces it")
                return provision.main([folder, "--show"])
            status = provision.main([folder] + rest)
            if not status and "--show" not in rest:
                deploy.put_identity(link, folder)
                link.reset()
            return status
    except deploy.Failed as error:
        print("provision: %s" % error, file=sys.stderr)
        return 1


def _fetch(link, folder):
    """What may be shown of an identity."""
    os.mkdir(os.path.join(folder, "identity"))
    for name in ("cert.der", "ship.json"):
        with open(os.path.join(folder, "identity", name), "wb") as file:
            file.write(link.transport.fs_readfile("/identity/" + name))


if __name__ == "__main__":
    sys.exit(main())
