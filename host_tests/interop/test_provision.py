"""tools/provision.py as a person runs it, openssl as the judge of what it makes, and the device that reads it."""

import datetime
import os
import stat
import subprocess
import sys

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

import provision
import runtimes
from host_tests.conftest import missing_peer

TOOL = os.path.join(runtimes.ROOT, "tools", "provision.py")
PEM, DER = serialization.Encoding.PEM, serialization.Encoding.DER
SEC1, PKCS8 = serialization.PrivateFormat.TraditionalOpenSSL, serialization.PrivateFormat.PKCS8
OPEN = serialization.NoEncryption()


def run(*arguments):
    """(status, printed, complaint) of one call."""
    done = subprocess.run([sys.executable, TOOL, *map(str, arguments)], capture_output=True, text=True, timeout=120)
    return done.returncode, done.stdout, done.stderr


def refused(*arguments):
    """The one sentence of a call that has to be refused."""
    status, printed, complaint = run(*arguments)
    assert status == 1 and printed == ""
    assert complaint.startswith("provision: ") and complaint.count("\n") == 1
    return complaint


def openssl(*arguments):
    try:
        done = subprocess.run(["openssl", *map(str, arguments)], capture_output=True, text=True, timeout=60)
    except FileNotFoundError:
        missing_peer("openssl", "not installed")
    assert done.returncode == 0, done.stderr
    return done.stdout


def key_file(path, key, encoding=PEM, form=PKCS8, cipher=OPEN):
    path.write_bytes(key.private_bytes(encoding, form, cipher))
    return path


def cert_file(path, key, encoding=PEM, ski=True, signer=None):
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "made elsewhere")])
    begin = datetime.datetime(2020, 1, 1)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(begin).not_valid_after(begin + datetime.timedelta(days=1))
    if ski:
        stated = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
        builder = builder.add_extension(stated if ski is True else x509.SubjectKeyIdentifier(ski), critical=False)
    path.write_bytes(builder.sign(signer or key, hashes.SHA256()).public_bytes(encoding))
    return path


def test_a_new_identity_is_what_ship_wants(tmp_path):
    status, printed, complaint = run(tmp_path, "--serial", "4711", "--brand", "Demo", "--model", "Box 11")
    assert status == 0 and complaint == ""
    place = tmp_path / "identity"
    text = openssl("x509", "-inform", "der", "-in", place / "cert.der", "-noout", "-text")
    for wanted in ("CA:TRUE", "Digital Signature", "prime256v1", "ecdsa-with-SHA256", "O = Demo", "CN = Box 11-4711"):
        assert wanted in text.replace("O=Demo", "O = Demo").replace("CN=Box", "CN = Box")
    ski = text.split("Subject Key Identifier:")[1].split()[0].replace(":", "").lower()
    lines = printed.splitlines()
    assert lines[0].split()[1:] == [ski[at : at + 4] for at in range(0, 40, 4)]
    assert lines[1].split() == ["ID", "Demo-Box-11-4711"]
    assert lines[2].split(None, 1)[1] == (
        "SHIP;SKI:%s;ID:Demo-Box-11-4711;BRAND:Demo;TYPE:Wallbox;MODEL:Box 11;SERIAL:4711;CAT:3;ENDSHIP;" % ski
    )
    cert = x509.load_der_x509_certificate((place / "cert.der").read_bytes())
    assert (cert.not_valid_after_utc - cert.not_valid_before_utc).days == 3650
    assert cert.not_valid_before_utc < datetime.datetime.now(datetime.timezone.utc)
    assert cert.issuer == cert.subject
    public = openssl("ec", "-inform", "der", "-in", place / "key.der", "-pubout")
    assert public == openssl("x509", "-inform", "der", "-in", place / "cert.der", "-noout", "-pubkey")


def test_the_private_key_is_neither_printed_nor_readable_by_others(tmp_path):
    status, printed, complaint = run(tmp_path)
    secret = (tmp_path / "identity" / "key.der").read_bytes()
    number = serialization.load_der_private_key(secret, None).private_numbers().private_value
    for form in ("%064x" % number, str(number), "PRIVATE"):
        assert form not in printed and form not in complaint
    for name in ("", "key.der", "cert.der", "ship.json"):
        assert stat.S_IMODE(os.stat(tmp_path / "identity" / name).st_mode) & 0o077 == 0
    assert sorted(os.listdir(tmp_path)) == ["identity"]


def test_an_identity_stays_unless_forced(tmp_path):
    first = run(tmp_path)[1]
    assert "--force" in refused(tmp_path)
    assert run(tmp_path, "--show")[1] == first
    second = run(tmp_path, "--force")[1]
    assert second.splitlines()[0] != first.splitlines()[0]
    assert run(tmp_path, "--show")[1] == second
    assert sorted(os.listdir(tmp_path)) == ["identity"]


def test_two_boxes_never_share_an_id(tmp_path):
    assert run(tmp_path / "a")[1].splitlines()[1] != run(tmp_path / "b")[1].splitlines()[1]


@pytest.mark.parametrize("encoding, form", [(PEM, PKCS8), (PEM, SEC1), (DER, PKCS8), (DER, SEC1)])
def test_a_key_made_elsewhere_is_brought_in(tmp_path, encoding, form):
    key = ec.generate_private_key(ec.SECP256R1())
    status, printed, _ = run(tmp_path / "box", "--key", key_file(tmp_path / "key", key, encoding, form))
    assert status == 0
    ski = x509.SubjectKeyIdentifier.from_public_key(key.public_key()).digest.hex()
    assert printed.splitlines()[0].replace(" ", "") == "SKI" + ski
    cert = cert_file(tmp_path / "cert", key, encoding)
    assert run(tmp_path / "again", "--key", tmp_path / "key", "--cert", cert)[0] == 0
    kept = (tmp_path / "again" / "identity" / "cert.der").read_bytes()
    assert x509.load_der_x509_certificate(kept).subject.rfc4514_string() == "CN=made elsewhere"


def test_what_openssl_makes_in_one_file_is_brought_in(tmp_path):
    both = tmp_path / "both.pem"
    openssl("ecparam", "-name", "prime256v1", "-genkey", "-out", both)  # parameters stand before the key
    openssl("req", "-new", "-x509", "-key", both, "-subj", "/CN=box", "-days", "9", "-out", tmp_path / "cert.pem")
    both.write_bytes(both.read_bytes() + (tmp_path / "cert.pem").read_bytes())
    assert run(tmp_path / "box", "--key", both, "--cert", both)[0] == 0


def test_what_does_not_fit_is_refused_with_the_reason(tmp_path):
    box, key = tmp_path / "box", ec.generate_private_key(ec.SECP256R1())
    mine, other = key_file(tmp_path / "mine", key), ec.generate_private_key(ec.SECP256R1())
    assert "another key" in refused(box, "--key", mine, "--cert", cert_file(tmp_path / "c", other))
    for ski in (None, bytes(20)):
        assert "SubjectKeyIdentifier" in refused(box, "--key", mine, "--cert", cert_file(tmp_path / "c", key, ski=ski))
    assert "P-256" in refused(box, "--key", key_file(tmp_path / "k", ec.generate_private_key(ec.SECP384R1())))
    assert "P-256" in refused(box, "--key", key_file(tmp_path / "k", rsa.generate_private_key(65537, 2048)))
    locked = key_file(tmp_path / "k", key, cipher=serialization.BestAvailableEncryption(b"secret"))
    assert "encrypted" in refused(box, "--key", locked)
    (tmp_path / "junk").write_bytes(b"\x30\x82junk")
    assert "no private key" in refused(box, "--key", tmp_path / "junk")
    assert "no certificate" in refused(box, "--key", mine, "--cert", tmp_path / "junk")
    assert "cannot be read" in refused(box, "--key", tmp_path / "nowhere")
    assert "--key" in refused(box, "--cert", cert_file(tmp_path / "c", key))
    assert "32 bytes" in refused(box, "--brand", "\u00e4" * 17)
    assert "63 bytes" in refused(box, "--id", "x" * 64)
    assert "semicolon" in refused(box, "--model", "a;b")
    assert "country" in refused(box, "--country", "Narnia")
    assert "no readable identity" in refused(box, "--show")
    (tmp_path / "file").write_text("")
    assert "cannot be written" in refused(tmp_path / "file")
    assert not box.exists()
    assert run()[0] == 2


def test_a_refused_import_leaves_the_identity_that_is_there(tmp_path):
    before = run(tmp_path)[1]
    (tmp_path / "junk").write_bytes(b"junk")
    refused(tmp_path, "--force", "--key", tmp_path / "junk")
    assert run(tmp_path, "--show")[1] == before


def test_the_simulator_makes_one_once(tmp_path):
    first = provision.ensure(str(tmp_path), serial="1")
    assert first["id"] == "Wallbox-Open-1" and first["qr"].startswith("SHIP;SKI:" + first["ski"])
    assert provision.ensure(str(tmp_path), serial="2") == first


@pytest.mark.parametrize("runtime", runtimes.NAMES)
def test_the_device_reads_it(tmp_path, runtime):
    identity = provision.ensure(str(tmp_path), brand="M\u00fcller", serial="4711")
    program = """
import sys
sys.path[:0] = ["firmware", "lib"]
from wallbox.identity import load
it = load(sys.argv[1])
print(it.ski, it.ship_id, len(it.cert), len(it.key))
for key, value in it.fields:
    print(key, value)
try:
    import tls
    tls.SSLContext(tls.PROTOCOL_TLS_SERVER).load_cert_chain(it.cert, it.key)
except ImportError:
    pass
print(load(sys.argv[1] + "/nowhere"))
with open(sys.argv[1] + "/identity/ship.json", "w") as file:
    file.write("[]")
try:
    load(sys.argv[1])
except ValueError as error:
    print(error)
"""
    (tmp_path / "program.py").write_text(program)
    try:
        command = runtimes.command(runtime)
    except runtimes.Missing as error:
        missing_peer(runtime, str(error))
    environment = dict(os.environ, PYTHONIOENCODING="utf-8", PYTHONUTF8="1")
    done = subprocess.run([*command, str(tmp_path / "program.py"), str(tmp_path)], cwd=runtimes.ROOT, text=True,
                          env=environment, capture_output=True, timeout=120, encoding="utf-8")  # fmt: skip
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    place = tmp_path / "identity"
    sizes = [str((place / name).stat().st_size) for name in ("cert.der", "key.der")]
    assert lines[0].split() == [identity["ski"], "M-ller-Open-4711", *sizes]
    assert lines[1:-2] == ["id M-ller-Open-4711", "path /ship/", "ski " + identity["ski"], "brand M\u00fcller",
                           "type Wallbox", "model Open", "serial 4711", "cat 3"]  # fmt: skip
    assert lines[-2:] == ["None", "the SHIP identity is damaged: provision it again"]
