"""The SKI walk against the `cryptography` package, and against random damage."""

import datetime
import hashlib

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import NameOID
from hypothesis import given, settings
from hypothesis import strategies as st

from ship.ski import extension_ski, proven_ski, ski_of_certificate

CURVES = (ec.SECP256R1(), ec.SECP384R1(), ec.BrainpoolP256R1())
RSA_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
FIXED_KEY = ec.derive_private_key(1234567890123456789, ec.SECP256R1())


def certificate(key, name="test", serial=1, digest=None, before=(), after=(), algorithm=None):
    """DER of a certificate; `digest` is the stated SKI, other extensions stand before or after it."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    start = datetime.datetime(2026, 1, 1)
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(subject)
    builder = builder.public_key(key.public_key()).serial_number(serial)
    builder = builder.not_valid_before(start).not_valid_after(start + datetime.timedelta(days=3650))
    for extension in before:
        builder = builder.add_extension(extension, critical=True)
    if digest is not None:
        builder = builder.add_extension(x509.SubjectKeyIdentifier(digest), critical=False)
    for extension in after:
        builder = builder.add_extension(extension, critical=False)
    return builder.sign(key, algorithm).public_bytes(serialization.Encoding.DER)


EXTENSIONS = st.lists(
    st.sampled_from(
        [
            x509.BasicConstraints(ca=True, path_length=None),
            x509.KeyUsage(True, False, False, False, False, False, False, False, False),
            x509.SubjectAlternativeName([x509.DNSName("x" * 60 + ".example") for _ in range(5)]),
        ]
    ),
    unique_by=type,
)


@settings(deadline=None, max_examples=60)
@given(
    curve=st.sampled_from(CURVES),
    secret=st.integers(1, 2**255),
    name=st.text("abc-äöü 日本", min_size=1, max_size=60),
    serial=st.integers(1, 2**158),
    extensions=EXTENSIONS,
    split=st.integers(0, 3),
    stated=st.one_of(st.none(), st.just(True), st.binary(min_size=20, max_size=20)),
)
def test_both_skis_are_those_that_cryptography_finds(curve, secret, name, serial, extensions, split, stated):
    key = ec.derive_private_key(secret, curve)
    computed = x509.SubjectKeyIdentifier.from_public_key(key.public_key()).digest
    digest = computed if stated is True else stated
    der = certificate(key, name, serial, digest, extensions[:split], extensions[split:], hashes.SHA256())
    assert ski_of_certificate(der) == computed.hex()
    assert extension_ski(der) == (None if digest is None else digest.hex())
    try:
        assert proven_ski(der) == digest.hex() == computed.hex()
    except ValueError:
        assert digest != computed


def test_other_kinds_of_key_are_hashed_the_same_way():
    for key, algorithm in ((RSA_KEY, hashes.SHA256()), (ed25519.Ed25519PrivateKey.generate(), None)):
        computed = x509.SubjectKeyIdentifier.from_public_key(key.public_key()).digest
        der = certificate(key, digest=computed, algorithm=algorithm)
        assert proven_ski(der) == computed.hex()
    point = FIXED_KEY.public_key().public_bytes(
        serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
    )
    der = certificate(FIXED_KEY, algorithm=hashes.SHA256())
    assert ski_of_certificate(der) == hashlib.sha1(point).hexdigest()


FIXED = certificate(FIXED_KEY, digest=bytes(20), algorithm=hashes.SHA256())


def value_or_value_error(der):
    for walk in (ski_of_certificate, extension_ski, proven_ski):
        try:
            found = walk(der)
        except ValueError:
            continue
        assert found is None or isinstance(found, str)


@settings(deadline=None, max_examples=400)
@given(st.lists(st.tuples(st.integers(0, len(FIXED) - 1), st.integers(0, 255)), min_size=1, max_size=6))
def test_random_damage_gives_a_value_or_a_value_error(changes):
    der = bytearray(FIXED)
    for at, value in changes:
        der[at] = value
    value_or_value_error(bytes(der))


@settings(deadline=None, max_examples=400)
@given(
    st.binary(max_size=80),
    st.lists(st.tuples(st.integers(0, len(FIXED)), st.binary(max_size=4)), max_size=4),
)
def test_random_bytes_and_insertions_give_a_value_or_a_value_error(junk, insertions):
    value_or_value_error(junk)
    value_or_value_error(b"\x30\x82" + junk)
    der = FIXED
    for at, extra in insertions:
        der = der[:at] + extra + der[at:]
    value_or_value_error(der)
