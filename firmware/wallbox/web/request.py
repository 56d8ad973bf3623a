"""The head of an HTTP/1.1 request (RFC 9112 clause 3, RFC 9110 clause 11), line by line through one buffer.

Whatever a peer sends costs no more than that buffer and what is kept of two lines: a request line that does not fit is
refused, another line that does not fit is passed over, and the head as a whole is bounded.
"""

from binascii import a2b_base64

from bounded.compat import const

_HEAD = const(4096)  # bytes in all; a browser's is some 700

OK = const(200)
BAD = const(400)
UNAUTHORIZED = const(401)
NOT_FOUND = const(404)
METHOD = const(405)
TIMEOUT = const(408)
URI = const(414)
OFTEN = const(429)
LONG = const(431)


class Head:
    """`status` is 0 until the head is whole, then OK, or what the request is to be refused with.

    `body`: False for HEAD. `path` is without query. `password`: bytes, None when none came.
    """

    def __init__(self, line):
        """`line` is the buffer."""
        self._line = line
        self._count = 0  # bytes in it
        self._seen = 0
        self._passing = False  # over the rest of a line
        self.status = 0
        self.body = True
        self.path = self.password = None

    def feed(self, data):
        """Take what arrived; what follows the head is not looked at."""
        at = 0
        while at < len(data) and not self.status:
            room = len(self._line) - self._count
            count = min(room, len(data) - at)
            self._line[self._count : self._count + count] = data[at : at + count]
            self._count += count
            at += count
            self._seen += count
            self._lines()
            if self._seen >= _HEAD and not self.status:
                self.status = LONG

    def _lines(self):
        """Deal with every whole line in the buffer."""
        line = self._line
        start = 0
        while not self.status:
            end = line.find(b"\n", start, self._count)
            if end < 0:
                break
            if not self._passing:
                self._one(bytes(line[start:end]).rstrip(b"\r"))
            self._passing = False
            start = end + 1
        self._count -= start
        line[: self._count] = line[start : start + self._count]
        if self._count == len(line):
            if self.path is None:
                self.status = URI
            self._passing = True
            self._count = 0

    def _one(self, line):
        if self.path is None:
            if line:  # RFC 9112 2.2: an empty line before a request is borne
                self._request(line.split(b" "))
        elif not line:
            self.status = OK
        elif line[:14].lower() == b"authorization:":
            self.password = self._password(line[14:])

    def _request(self, words):
        if len(words) != 3 or words[2][:7] != b"HTTP/1.":
            self.status = BAD
        elif words[0] != b"GET" and words[0] != b"HEAD":
            self.status = METHOD
        else:
            self.body = words[0] == b"GET"
            self.path = words[1].split(b"?")[0]

    def _password(self, credentials):
        """The password of Basic credentials (RFC 7617), whoever the user; None when they are of another kind."""
        words = credentials.split()
        if len(words) != 2 or words[0].lower() != b"basic":
            return None
        try:
            user = a2b_base64(words[1])
        except ValueError:
            return None
        colon = user.find(b":")
        return None if colon < 0 else user[colon + 1 :]
