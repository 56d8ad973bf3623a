"""The Subject Key Identifier (SKI): the name by which SHIP nodes trust each other (SHIP 12.2).

SKI = SHA-1 over the content of the subjectPublicKey bit string (RFC 3280 4.2.1.2, method 1). The walk through
the certificate (DER, RFC 5280 4.1) reads only what lies on its way, stays inside the bytes given and ends after
at most one step per two bytes. Anything malformed is a ValueError.
"""

from binascii import hexlify
from hashlib import sha1

from bounded.compat import const

_OBJECT = const(0x06)
_BIT_STRING = const(0x03)
_OCTET_STRING = const(0x04)
_SEQUENCE = const(0x30)
_EXTENSIONS = const(0xA3)


def _element(der, at, end, wanted=0):
    """Where the content of the element at `at` begins and ends; `wanted` is its tag, or 0 for any."""
    if end - at > 1 and (not wanted or der[at] == wanted):
        size = der[at + 1]
        at += 2
        if size > 127:  # long form: so many bytes of length follow
            stop = at + size - 128
            size = int.from_bytes(der[at:stop], "big")
            at = stop
        if at + size <= end:
            return at, at + size
    raise ValueError("malformed certificate")


def _public_key(der):
    """Bounds of the SubjectPublicKeyInfo's content, and the end of the tbsCertificate around it."""
    at, end = _element(der, 0, len(der), _SEQUENCE)
    at, end = _element(der, at, end, _SEQUENCE)
    skip = 5  # serialNumber, signature, issuer, validity, subject
    if at < end and der[at] == 0xA0:  # version: absent in an X.509 v1 certificate
        skip = 6
    while skip:
        at = _element(der, at, end)[1]
        skip -= 1
    at, stop = _element(der, at, end, _SEQUENCE)
    return at, stop, end


def ski_of_certificate(der):
    """The SKI computed from the public key in a DER certificate: 40 hex digits, lower case."""
    at, end, _ = _public_key(der)
    at = _element(der, at, end, _SEQUENCE)[1]  # algorithm
    at, end = _element(der, at, end, _BIT_STRING)
    return str(hexlify(sha1(memoryview(der)[at + 1 : end]).digest()), "ascii")


def extension_ski(der):
    """The SKI that a DER certificate states in its SubjectKeyIdentifier extension, or None when it has none."""
    _, at, end = _public_key(der)
    while at < end and der[at] != _EXTENSIONS:  # issuerUniqueID, subjectUniqueID
        at = _element(der, at, end)[1]
    if at == end:
        return None
    at, end = _element(der, at, end, _EXTENSIONS)
    at, end = _element(der, at, end, _SEQUENCE)
    while at < end:
        field, stop = _element(der, at, end, _SEQUENCE)
        at = stop
        value = _element(der, field, stop, _OBJECT)[1]
        if bytes(der[field:value]) == b"\x06\x03\x55\x1d\x0e":  # id-ce-subjectKeyIdentifier, 2.5.29.14
            if value < stop and der[value] == 0x01:  # critical
                value = _element(der, value, stop)[1]
            value, stop = _element(der, value, stop, _OCTET_STRING)
            value, stop = _element(der, value, stop, _OCTET_STRING)
            return str(hexlify(der[value:stop]), "ascii")
    return None


def proven_ski(der):
    """The SKI of a peer's certificate, computed from its key and equal to its extension; else ValueError.

    SHIP demands this comparison at every connection (test cases TC_SHIP_SEC_001 and 002).
    """
    ski = ski_of_certificate(der)
    if extension_ski(der) != ski:
        raise ValueError("SubjectKeyIdentifier missing or not that of the key")
    return ski
