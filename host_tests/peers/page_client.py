"""A client of the status page that writes exactly the bytes it is told to, from an address of its own."""

import base64
import json
import socket
import time

PORT = 8080


class Answer:
    """`status` (None: the connection ended without one), `fields` in lower case, `body`."""

    def __init__(self, raw):
        head, _, self.body = raw.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        self.status = int(lines[0].split()[1]) if lines[0].startswith("HTTP/1.1 ") else None
        self.fields = dict(line.lower().split(": ", 1) for line in lines[1:])

    def json(self):
        assert self.status == 200, self.status
        return json.loads(self.body)


class Client:
    """Asks the box at `address` from the address `own`."""

    def __init__(self, address, own, password=None):
        self.address, self.own, self.password = address, own, password

    def connect(self, timeout_s=30):
        """A socket to the page; ConnectionError or TimeoutError where the box takes nobody."""
        end = time.monotonic() + timeout_s
        while True:
            sock = socket.socket()
            # A packet that the full queue of the box dropped would be sent again after 1, 2, 4, 8 s: rather dial anew.
            sock.settimeout(min(timeout_s, 1))
            try:
                sock.bind((self.own, 0))
                sock.connect((self.address, PORT))
            except TimeoutError:
                sock.close()
                if time.monotonic() > end:
                    raise
                continue
            except OSError:
                sock.close()
                raise
            sock.settimeout(timeout_s)
            return sock

    def head(self, path="/status.json", method="GET", more=""):
        """The bytes of a request."""
        text = "%s %s HTTP/1.1\r\nHost: %s:%d\r\n%s" % (method, path, self.address, PORT, more)
        if self.password is not None:
            text += "Authorization: Basic %s\r\n" % base64.b64encode(b"me:" + self.password.encode()).decode()
        return (text + "\r\n").encode()

    def raw(self, data, timeout_s=30):
        """Send `data`; what came back until the end."""
        with self.connect(timeout_s) as sock:
            try:
                sock.sendall(data)
            except ConnectionError:
                pass  # refused before it was read; the answer may be there nevertheless
            return Answer(received(sock))

    def ask(self, path="/status.json", method="GET", more=""):
        """One request; its answer, whatever it is."""
        return self.raw(self.head(path, method, more))

    def sure(self, data, timeout_s=40):
        """As raw, again and again while the box says that it is asked too often, or takes nobody."""
        end = time.monotonic() + timeout_s
        while True:
            try:
                answer = self.raw(data)
                if answer.status not in (None, 429) or time.monotonic() > end:
                    return answer
            except OSError:
                if time.monotonic() > end:
                    raise
            time.sleep(0.2)

    def get(self, path="/status.json", method="GET", more=""):
        """One request, as `sure`."""
        return self.sure(self.head(path, method, more))


def received(sock):
    """All that comes until the end."""
    data = b""
    try:
        while True:
            more = sock.recv(65536)
            if not more:
                return data
            data += more
    except ConnectionError:
        return data
