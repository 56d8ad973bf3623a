"""Gives a wallbox its SHIP identity: a P-256 key, a self-signed certificate, a SHIP ID and the text of its QR code.

    python3 tools/provision.py FOLDER [--serial 4711 --brand ... --model ...]     make a new identity
    python3 tools/provision.py FOLDER --key key.pem [--cert cert.pem]             bring in one made elsewhere
    python3 tools/provision.py FOLDER --show                                      print it again

FOLDER is what the device keeps its state in; the identity goes to FOLDER/identity as cert.der, key.der (SEC1)
and ship.json. The private key is never printed. An identity that is there stays unless --force is given: a new
one has another SKI, and everybody who trusted the old one has to pair again.
Ends with 0 when done, 1 with one sentence when refused, 2 for a wrong command line.

The QR text is that of "SHIP Requirements for Installation Process" 1.0.0 as ship-go writes it; that order of the
fields matters to no reader is inferred from there, as is that values only have to be free of semicolons.
"""

import argparse
import datetime
import json
import os
import re
import secrets
import shutil
import sys

import runtimes
import setup

sys.path.insert(0, os.path.join(runtimes.ROOT, "lib"))

from ship.ski import proven_ski, ski_of_certificate  # noqa: E402

YEARS = 10
_LIMITS = {"id": 63, "brand": 32, "type": 32, "model": 32, "serial": 32, "cat": 32}  # bytes of UTF-8


class Refused(Exception):
    """Nothing was changed; the text is the one sentence a person needs."""


def ensure(folder, **names):
    """The identity in `folder` as a dictionary with ski, qr and the fields of ship.json; made when there is none."""
    if not os.path.isdir(os.path.join(folder, "identity")):
        create(folder, **names)
    return show(folder)


def show(folder):
    """The identity in `folder` as a dictionary with ski, qr and the fields of ship.json."""
    place = os.path.join(folder, "identity")
    try:
        with open(os.path.join(place, "ship.json"), encoding="utf-8") as file:
            fields = json.load(file)
        with open(os.path.join(place, "cert.der"), "rb") as file:
            ski = ski_of_certificate(file.read())
    except (OSError, ValueError) as error:
        raise Refused("there is no readable identity in %s: %s" % (place, error)) from None
    return dict(fields, ski=ski, qr=qr_text(ski, fields))


def qr_text(ski, fields):
    """What the QR code says: SHIP;SKI:...;ID:...;BRAND:...;...;ENDSHIP;"""
    text = "SHIP;SKI:%s;ID:%s;" % (ski, fields["id"])
    for name in ("brand", "type", "model", "serial", "cat"):
        if fields.get(name):
            text += "%s:%s;" % (name.upper(), fields[name])
    return text + "ENDSHIP;"


def create(folder, key=None, cert=None, force=False, country="XX", **names):
    """Make an identity in `folder`, of `key` (bytes, PEM or DER) and `cert` where given; returns the SKI.

    `names`: id, brand, type, model, serial, cat; what is missing gets a default, a serial number at random.
    """
    from cryptography.hazmat.primitives import serialization

    place = os.path.join(folder, "identity")
    if os.path.exists(place) and not force:
        raise Refused("%s holds an identity already; --show prints it, --force replaces it" % place)
    fields = _fields(names)
    if cert is not None and key is None:
        raise Refused("a certificate is of no use without its private key: give --key too")
    private = _private_key(key)
    if cert is None:
        der = _certificate(private, fields, country)
    else:
        der = _checked(cert, private)
    secret = private.private_bytes(serialization.Encoding.DER, serialization.PrivateFormat.TraditionalOpenSSL,
                                   serialization.NoEncryption())
    try:
        _write(place, {"cert.der": der, "key.der": secret,
                       "ship.json": (json.dumps(fields, ensure_ascii=False) + "\n").encode()})
    except OSError as error:
        raise Refused("the identity cannot be written to %s: %s" % (place, error.strerror)) from None
    return proven_ski(der)


def _fields(names):
    fields = {name: names[name] for name in _LIMITS if names.get(name)}
    fields.setdefault("brand", "Wallbox")
    fields.setdefault("type", "Wallbox")
    fields.setdefault("model", "Open")
    fields.setdefault("serial", secrets.token_hex(4))
    fields.setdefault("cat", "3")  # e-mobility
    if "id" not in fields:
        # Everybody keys on the SHIP ID: it has to be unique in a network, so the serial number is in it.
        words = "%s-%s-%s" % (fields["brand"], fields["model"], fields["serial"])
        fields["id"] = re.sub(r"[^A-Za-z0-9.-]+", "-", words)[-63:].strip("-")
    for name, limit in _LIMITS.items():
        value = fields[name]
        if len(value.encode()) > limit:
            raise Refused("%s has at most %d bytes in UTF-8, %r has %d" % (name, limit, value, len(value.encode())))
        if ";" in value or not value.isprintable():
            raise Refused("%s may hold no semicolon and no control character, as %r does" % (name, value))
    return fields


def _private_key(data):
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    if data is None:
        return ec.generate_private_key(ec.SECP256R1())
    block = _pem(data, b"(?:EC |RSA )?(?:ENCRYPTED )?PRIVATE KEY")
    try:
        if block:
            private = serialization.load_pem_private_key(block, None)
        else:
            private = serialization.load_der_private_key(data, None)
    except TypeError:
        raise Refused("the private key is encrypted: decrypt it first") from None
    except Exception:  # the package has many ways to say no, none fit for a person
        raise Refused("this is no private key in PEM or DER that can be read") from None
    if not isinstance(private, ec.EllipticCurvePrivateKey) or not isinstance(private.curve, ec.SECP256R1):
        raise Refused("SHIP wants an EC key on the curve P-256 (prime256v1), this is another kind of key")
    return private


def _checked(data, private):
    """DER of the certificate brought in, if it fits the key and SHIP."""
    from cryptography import x509
    from cryptography.hazmat.primitives import serialization

    block = _pem(data, b"CERTIFICATE")
    try:
        cert = x509.load_pem_x509_certificate(block) if block else x509.load_der_x509_certificate(data)
        public = cert.public_key()
    except Exception:
        raise Refused("this is no certificate in PEM or DER that can be read") from None
    if public != private.public_key():
        raise Refused("the certificate belongs to another key; leave out --cert to have one made for this key")
    der = cert.public_bytes(serialization.Encoding.DER)
    try:
        proven_ski(der)
    except ValueError:
        raise Refused("the certificate has no SubjectKeyIdentifier, or not that of its key; "
                      "leave out --cert to have one made for this key") from None
    return der


def _pem(data, kind):
    found = re.search(b"-----BEGIN %s-----.*?-----END %s-----" % (kind, kind), data, re.DOTALL)
    return found and found.group()


def _certificate(private, fields, country):
    """DER of a self-signed certificate as SHIP 12.1 wants it: with SubjectKeyIdentifier, for ten years."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.x509.oid import NameOID

    if not re.fullmatch("[A-Z]{2}", country):
        raise Refused("a country has two capital letters, not %r" % country)
    name = x509.Name([
        x509.NameAttribute(NameOID.COUNTRY_NAME, country),
        x509.NameAttribute(NameOID.ORGANIZATION_NAME, fields["brand"]),
        x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, fields["type"]),
        x509.NameAttribute(NameOID.COMMON_NAME, ("%s-%s" % (fields["model"], fields["serial"]))[-64:]),
    ])
    public = private.public_key()
    begin = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(days=1)  # for a peer's clock that is late
    builder = (
        x509.CertificateBuilder()
        .subject_name(name).issuer_name(name).public_key(public).serial_number(x509.random_serial_number())
        .not_valid_before(begin).not_valid_after(begin + datetime.timedelta(days=365 * YEARS))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.KeyUsage(digital_signature=True, content_commitment=False, key_encipherment=False,
                                     data_encipherment=False, key_agreement=False, key_cert_sign=False,
                                     crl_sign=False, encipher_only=False, decipher_only=False), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
    )
    return builder.sign(private, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


def _write(place, files):
    """Put the files into the folder `place`, whole or not at all; nobody else may read them."""
    new, old = place + ".new", place + ".old"
    for folder in (new, old):
        shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(new, mode=0o700)
    for name, data in files.items():
        with open(os.open(os.path.join(new, name), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    if os.path.exists(place):
        os.rename(place, old)
    os.rename(new, place)
    shutil.rmtree(old, ignore_errors=True)


def _read(path):
    if path is None:
        return None
    try:
        with open(path, "rb") as file:
            return file.read(65536)
    except OSError as error:
        raise Refused("%s cannot be read: %s" % (path, error.strerror)) from None


def main(arguments=None):
    parser = argparse.ArgumentParser(description="Give a wallbox its SHIP identity.")
    parser.add_argument("folder", metavar="FOLDER", help="where the device keeps its state")
    parser.add_argument("--show", action="store_true", help="print the identity that is there")
    parser.add_argument("--force", action="store_true", help="replace the identity that is there")
    parser.add_argument("--key", metavar="FILE", help="a private key made elsewhere, PEM or DER")
    parser.add_argument("--cert", metavar="FILE", help="its certificate (default: a new one is made), PEM or DER")
    parser.add_argument("--country", default="XX", help="two letters, in the certificate (default XX)")
    for name in _LIMITS:
        parser.add_argument("--" + name, help="in the TXT record, at most %d bytes" % _LIMITS[name])
    given = parser.parse_args(arguments)
    names = {name: getattr(given, name) for name in _LIMITS}
    try:
        if not given.show:
            create(given.folder, _read(given.key), _read(given.cert), given.force, given.country, **names)
        identity = show(given.folder)
    except Refused as refusal:
        print("provision: %s" % refusal, file=sys.stderr)
        return 1
    ski = identity["ski"]
    print("SKI  %s" % " ".join(ski[at : at + 4] for at in range(0, 40, 4)))
    print("ID   %s" % identity["id"])
    print("QR   %s" % identity["qr"])
    return 0


if __name__ == "__main__":
    setup.inside("run")
    sys.exit(main())
