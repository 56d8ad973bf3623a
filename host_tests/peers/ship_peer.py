"""A SHIP peer in Python for tests: certificates made with `cryptography`, a client on `websockets` and `ssl`."""

import contextlib
import datetime
import hashlib
import os
import ssl

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from websockets.exceptions import InvalidMessage  # noqa: F401  (for tests)
from websockets.sync.client import connect

INIT = b"\0\0"
READY = b'\x01{"connectionHello":[{"phase":"ready"},{"waiting":60000}]}'
PENDING = b'\x01{"connectionHello":[{"phase":"pending"},{"waiting":60000}]}'
PROLONG = b'\x01{"connectionHello":[{"phase":"pending"},{"prolongationRequest":true}]}'
ABORTED = b'\x01{"connectionHello":[{"phase":"aborted"}]}'
_PROTOCOL = (
    b'\x01{"messageProtocolHandshake":[{"handshakeType":"%s"},{"version":[{"major":1},{"minor":0}]},'
    b'{"formats":[{"format":["JSON-UTF8"]}]}]}'
)
ANNOUNCE = _PROTOCOL % b"announceMax"
SELECT = _PROTOCOL % b"select"
NO_PIN = b'\x01{"connectionPinState":[{"pinState":"none"}]}'
ASK = b'\x01{"accessMethodsRequest":[]}'
LEAVE = b'\x03{"connectionClose":[{"phase":"announce"},{"maxTime":500},{"reason":"unspecific"}]}'
CONFIRM = b'\x03{"connectionClose":[{"phase":"confirm"}]}'


def access_methods(ship_id):
    return b'\x01{"accessMethods":[{"id":"%s"}]}' % ship_id.encode()


def data(text=""):
    return (
        b'\x02{"data":[{"header":[{"protocolId":"ee1.0"}]},{"payload":{"datagram":[{"text":"%s"}]}}]}'
        % text.encode()
    )


class Identity:
    """A key and a self-signed certificate as SHIP wants them, written into `folder` as DER and PEM.

    ski_extension: "right", "wrong" or None for a certificate without the extension.
    """

    def __init__(self, folder, name, ski_extension="right", key=None):
        self.key = key or ec.generate_private_key(ec.SECP256R1())
        public = self.key.public_key()
        point = public.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)
        digest = hashlib.sha1(point).digest()
        self.ski = digest.hex()
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        now = datetime.datetime(2024, 1, 1)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(subject)
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now)
            .not_valid_after(now + datetime.timedelta(days=3650))
            .add_extension(x509.BasicConstraints(True, None), True)
        )
        if ski_extension:
            stated = digest if ski_extension == "right" else bytes(20)
            builder = builder.add_extension(x509.SubjectKeyIdentifier(stated), False)
        certificate = builder.sign(self.key, hashes.SHA256())
        base = os.path.join(str(folder), name)
        self.cert_der, self.key_der = base + ".crt.der", base + ".key.der"
        self.cert_pem, self.key_pem = base + ".crt.pem", base + ".key.pem"
        for path, encoding in (
            (self.cert_der, serialization.Encoding.DER),
            (self.cert_pem, serialization.Encoding.PEM),
        ):
            with open(path, "wb") as file:
                file.write(certificate.public_bytes(encoding))
        for path, encoding in (
            (self.key_der, serialization.Encoding.DER),
            (self.key_pem, serialization.Encoding.PEM),
        ):
            with open(path, "wb") as file:
                file.write(
                    self.key.private_bytes(
                        encoding, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
                    )
                )


def client_context(identity, tls12=True):
    """TLS as a SHIP client; as a default it mimics peers that speak 1.2, which is what the ESP32 has."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if tls12:
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.set_ciphers("ECDHE-ECDSA-AES128-SHA256:ECDHE-ECDSA-AES128-GCM-SHA256")
    if identity:
        context.load_cert_chain(identity.cert_pem, identity.key_pem)
    return context


@contextlib.contextmanager
def websocket(identity, port, path="/ship/", tls12=True, host="127.0.0.1", **options):
    """An open websocket to a SHIP server."""
    options.setdefault("subprotocols", ["ship"])
    options.setdefault("compression", None)
    options.setdefault("open_timeout", 30)
    options.setdefault("close_timeout", 2)
    with connect(
        "wss://%s:%d%s" % (host, port, path), ssl=client_context(identity, tls12), **options
    ) as socket:
        yield socket


def receive(socket, expected=None, timeout=30):
    """The next message; asserts that it is `expected`."""
    message = socket.recv(timeout)
    if expected is not None:
        assert message == expected, message
    return message


def handshake(socket, ship_id="peer", until="data"):
    """The client's part of the SHIP handshake with a server that trusts it; returns the server's SHIP ID."""
    socket.send(INIT)
    receive(socket, INIT)
    if until == "cmi":
        return None
    socket.send(READY)
    receive(socket, READY)
    if until == "hello":
        return None
    socket.send(ANNOUNCE)
    receive(socket, SELECT)
    socket.send(SELECT)
    receive(socket, NO_PIN)
    if until == "protocol":
        return None
    socket.send(NO_PIN)
    receive(socket, ASK)
    if until == "pin":
        return None
    socket.send(ASK)
    found = receive(socket)
    assert found.startswith(b'\x01{"accessMethods":[{"id":"'), found
    socket.send(access_methods(ship_id))
    return found[26:-4].decode()
