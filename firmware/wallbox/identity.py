"""Who this wallbox is in SHIP: certificate, private key, SKI and SHIP ID, as tools/provision.py stored them."""

import json

from ship.ski import proven_ski


class Identity:
    """`cert` and `key` are DER for the TLS context and may be set to None once it has them.

    `fields` are (key, value) pairs for the TXT record of the DNS-SD service, the SKI among them.
    """

    def __init__(self, folder):
        self.folder = folder
        self.cert, self.key = pair(folder)
        with open(folder + "ship.json") as file:
            named = json.load(file)
        self.ski = proven_ski(self.cert)
        self.ship_id = named["id"]
        self.fields = [("id", self.ship_id), ("path", "/ship/"), ("ski", self.ski)]
        for name in ("brand", "type", "model", "serial", "cat"):
            if named.get(name):
                self.fields.append((name, named[name]))


def pair(folder):
    """Certificate and key, both in DER, as they lie in `folder`. OSError when they do not."""
    with open(folder + "cert.der", "rb") as cert, open(folder + "key.der", "rb") as key:
        return cert.read(), key.read()


def load(storage):
    """The identity kept in the folder `storage`, or None when there is none. ValueError when it is damaged."""
    try:
        return Identity(storage + "/identity/")
    except OSError:
        return None
    except (ValueError, KeyError, TypeError):
        raise ValueError("the SHIP identity is damaged: provision it again")
