"""The device's ECDSA (lib/bounded/ecdsa_p256.py) against signatures made and judged by `cryptography`."""

import hashlib

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils
from hypothesis import given, settings
from hypothesis import strategies as st

from bounded.ecdsa_p256 import _N
from host_tests.pure.test_ecdsa_p256 import vectors, verdict

_PREHASHED = ec.ECDSA(utils.Prehashed(hashes.SHA256()))
scalars = st.integers(1, _N - 1)


def _raw(public):
    numbers = public.public_numbers()
    return numbers.x.to_bytes(32, "big") + numbers.y.to_bytes(32, "big")


def _signed(secret, message):
    private = ec.derive_private_key(secret, ec.SECP256R1())
    r, s = utils.decode_dss_signature(private.sign(message, ec.ECDSA(hashes.SHA256())))
    return private.public_key(), r, s


def _judged(public, digest, r, s):
    try:
        public.verify(utils.encode_dss_signature(r, s), digest, _PREHASHED)
        return True
    except InvalidSignature:
        return False


def _bytes(r, s):
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


@given(scalars, st.binary(max_size=80), st.booleans())
@settings(max_examples=40)
def test_signatures_are_valid_and_so_is_their_high_s(secret, message, high):
    public, r, s = _signed(secret, message)
    assert verdict(_raw(public), hashlib.sha256(message).digest(), _bytes(r, _N - s if high else s))[0] is True


@given(scalars, st.binary(max_size=40), st.integers(0, 159), st.integers(1, 255))
@settings(max_examples=60)
def test_a_changed_byte_anywhere_is_seen(secret, message, at, flip):
    public, r, s = _signed(secret, message)
    whole = bytearray(_raw(public) + hashlib.sha256(message).digest() + _bytes(r, s))
    whole[at] ^= flip
    assert verdict(bytes(whole[:64]), bytes(whole[64:96]), bytes(whole[96:]))[0] is False


@given(scalars, st.binary(min_size=32, max_size=32), st.integers(0, 2**256 - 1), st.integers(0, 2**256 - 1))
@settings(max_examples=40)
def test_any_numbers_are_judged_alike(secret, digest, r, s):
    public = ec.derive_private_key(secret, ec.SECP256R1()).public_key()
    assert verdict(_raw(public), digest, _bytes(r, s))[0] is _judged(public, digest, r, s) is False


def test_the_vectors_are_judged_alike():
    for name, valid, key, digest, signature in vectors():
        x, y, r, s = (int.from_bytes(each, "big") for each in (key[:32], key[32:], signature[:32], signature[32:]))
        try:
            judged = _judged(ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key(), digest, r, s)
        except ValueError:  # no point of the curve
            judged = False
        assert judged is valid, name
