"""Where an update's bundle comes from: a file on the device, or a web server by plain HTTP.

A source has `read(count)`, a coroutine giving at least one byte and at most `count`, none at the end, and
`close()`, one too.
"""

import asyncio

from bounded.compat import const

_PATIENCE_S = const(10)  # for each answer of the server
_HEAD = const(1024)  # bytes of its answer's head
_PATH = const(200)


class FileSource:
    """The file at `path`."""

    def __init__(self, path):
        self._file = open(path, "rb")

    async def read(self, count):
        return self._file.read(count)

    async def close(self):
        self._file.close()


class HttpSource:
    """What a web server answers on GET; `_begun` is what came with the head of its answer."""

    def __init__(self, reader, writer):
        self._reader = reader
        self._writer = writer
        self._begun = b""
        self._left = None  # bytes to come, where the server says so

    async def ask(self, host, path):
        """Send the request and read the head of the answer; ValueError when it is no file."""
        self._writer.write(b"GET %s HTTP/1.0\r\nHost: %s\r\nConnection: close\r\n\r\n" % (path.encode(), host.encode()))
        await self._writer.drain()
        raw = b""
        while b"\r\n\r\n" not in raw:
            piece = await patiently(self._reader.read(256))
            if not piece or len(raw) > _HEAD:
                raise ValueError("the server answers no HTTP")
            raw += piece
        head, _, self._begun = raw.partition(b"\r\n\r\n")
        lines = head.split(b"\r\n")
        words = lines[0].split(b" ", 2)
        if len(words) < 2 or words[0][:5] != b"HTTP/":
            raise ValueError("the server answers no HTTP")
        if words[1] != b"200":
            raise ValueError("the server answers %s" % b" ".join(words[1:]).decode())
        for line in lines[1:]:
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                self._left = int(value)
            elif name.lower() == b"transfer-encoding":
                raise ValueError("the server sends in chunks, though asked by HTTP/1.0")

    async def read(self, count):
        if self._left is not None:
            count = min(count, self._left)
        if not count:
            return b""
        data = self._begun[:count]
        if data:
            self._begun = self._begun[count:]
        else:
            data = await patiently(self._reader.read(count))
        if self._left is not None:
            self._left -= len(data)
        return data

    async def close(self):
        try:
            self._writer.close()
            await self._writer.wait_closed()
        except OSError:
            pass


async def patiently(answer):
    """What the coroutine gives, ValueError when it takes too long."""
    try:
        return await asyncio.wait_for(answer, _PATIENCE_S)
    except asyncio.TimeoutError:
        raise ValueError("the server does not answer")


def address(url):
    """(address, port, path) of "http://192.168.1.2:8000/path". Only a numeric address: looking up a name would stop
    the guard."""
    if url[:7] != "http://":
        raise ValueError("url is like http://192.168.1.2:8000/name.bundle")
    host, _, path = url[7:].partition("/")
    host, _, port = host.partition(":")
    parts = host.split(".")
    if len(parts) != 4 or not all(part.isdigit() and len(part) < 4 and int(part) < 256 for part in parts):
        raise ValueError("url needs the address of the server in numbers, not %s" % host)
    port = port or "80"
    if not port.isdigit() or not 0 < int(port) < 65536:
        raise ValueError("there is no port %s" % port)
    for letter in path:
        if not " " < letter < "\x7f":
            path = None
            break
    if path is None or len(path) > _PATH:
        raise ValueError("url has a path of at most %d plain letters" % _PATH)
    return host, int(port), "/" + path


async def opened(request):
    """The source that `request` names by `file` or `url`."""
    path = request.get("file")
    url = request.get("url")
    if isinstance(path, str) and url is None:
        try:
            return FileSource(path)
        except OSError:
            raise ValueError("there is no file %s" % path)
    if not isinstance(url, str) or path is not None:
        raise ValueError("say file= or url=")
    host, port, path = address(url)
    source = None
    try:
        source = HttpSource(*await patiently(asyncio.open_connection(host, port)))
        await source.ask("%s:%d" % (host, port), path)
    except (OSError, ValueError) as error:
        if source:
            await source.close()
        if isinstance(error, ValueError):
            raise
        raise ValueError("the server at %s:%d cannot be reached: %s" % (host, port, error))
    return source
