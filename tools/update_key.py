"""The key that signs updates (bundle.py): made when there is none, kept in a folder of yours as update.pem.

Who has it can replace the program of your wallboxes; without it they take updates only by cable (deploy.py).
"""

import os


class Failed(Exception):
    """Nothing was changed; the text is the one sentence a person needs."""


def folder():
    """Where keys are kept unless said otherwise."""
    return os.path.join(os.environ.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config"), "wallbox")


def private(folder):
    """The private key kept in `folder`, made when there is none."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    path = os.path.join(folder, "update.pem")
    try:
        with open(path, "rb") as file:
            key = serialization.load_pem_private_key(file.read(), None)
    except FileNotFoundError:
        key = ec.generate_private_key(ec.SECP256R1())
        text = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                     serialization.NoEncryption())
        try:
            os.makedirs(folder, mode=0o700, exist_ok=True)
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(text)
        except OSError as error:
            raise Failed("the key cannot be kept at %s: %s" % (path, error.strerror)) from None
    except (OSError, ValueError, TypeError) as error:
        raise Failed("%s holds no private key that can be read: %s" % (path, error)) from None
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise Failed("%s is no key on the curve P-256" % path)
    return key


def public(key):
    """The 64 bytes that a wallbox keeps: x and y."""
    numbers = key.public_key().public_numbers()
    return numbers.x.to_bytes(32, "big") + numbers.y.to_bytes(32, "big")


def signature(key, data):
    """r and s, 32 bytes each, of the SHA-256 of `data`."""
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec, utils

    r, s = utils.decode_dss_signature(key.sign(data, ec.ECDSA(hashes.SHA256())))
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")
