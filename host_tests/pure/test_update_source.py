"""Where a bundle comes from: addresses, and web servers that answer something else, slowly, or not at all."""

import asyncio
import os

from host_tests.pure.support import own_number
from wallbox import update_source

_PORT = 18473 + own_number()
_URL = "http://127.0.0.1:%d/some/name.bundle?x=1" % _PORT
_BODY = bytes(range(256)) * 8
_OK = b"HTTP/1.1 200 OK\r\nServer: x\r\n"


def fetch(answer, url=_URL, hold=False, most=512):
    """What a server that answers with the pieces `answer` gives; (bytes or a sentence, the request it got)."""
    asked = []

    async def serve(reader, writer):
        asked.append(await reader.read(500))
        for piece in answer:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0)
        if hold:
            await asyncio.sleep(3)
        writer.close()
        await writer.wait_closed()

    async def job():
        server = await asyncio.start_server(serve, "127.0.0.1", _PORT)
        try:
            source = await update_source.opened({"op": "update", "url": url})
            data = b""
            while True:
                piece = await source.read(most)
                assert len(piece) <= most
                if not piece:
                    break
                data += piece
            await source.close()
            return data
        except ValueError as error:
            return str(error)
        finally:
            server.close()
            await server.wait_closed()

    return asyncio.run(job()), asked


def test_a_file_comes_over_the_network():
    for head in (_OK + b"\r\n", _OK + b"Content-Length: 2048\r\n\r\n", b"HTTP/1.0 200\r\n\r\n"):
        for pieces in ([head + _BODY], [head[:20], head[20:], _BODY[:1], _BODY[1:]], [head, _BODY]):
            for most in (512, 100):
                data, asked = fetch(pieces, most=most)
                assert data == _BODY
    assert asked == [b"GET /some/name.bundle?x=1 HTTP/1.0\r\nHost: 127.0.0.1:%d\r\nConnection: close\r\n\r\n" % _PORT]


def test_nothing_beyond_the_length_is_read():
    data, _ = fetch([_OK + b"content-length: 10\r\n\r\n" + _BODY])
    assert data == _BODY[:10]


def test_what_is_no_file_is_refused():
    for answer, words in (
        ([b"HTTP/1.0 404 Not Found\r\n\r\n"], "the server answers 404 Not Found"),
        ([b"HTTP/1.1 302 Found\r\nLocation: x\r\n\r\n"], "the server answers 302 Found"),
        ([_OK + b"Transfer-Encoding: chunked\r\n\r\n"], "the server sends in chunks, though asked by HTTP/1.0"),
        ([b"SSH-2.0-x\r\n\r\n"], "the server answers no HTTP"),
        ([b"\r\n\r\n"], "the server answers no HTTP"),
        ([b"HTTP/1.0 200 OK\r\n"], "the server answers no HTTP"),
        ([], "the server answers no HTTP"),
        ([b"HTTP/1.0 200 OK\r\n" + b"X: y\r\n" * 400], "the server answers no HTTP"),
        ([_OK + b"Content-Length: many\r\n\r\n"], ""),
    ):
        said, _ = fetch(answer)
        assert isinstance(said, str) and words in said, (answer, said)


def test_a_server_that_keeps_silent_is_left():
    usual = update_source.patiently

    async def hastily(answer):
        try:
            return await asyncio.wait_for(answer, 0.2)
        except asyncio.TimeoutError:
            raise ValueError("the server does not answer")

    update_source.patiently = hastily
    try:
        for answer in ([], [b"HTTP/1.0 20"], [_OK + b"\r\n", _BODY[:100]]):
            assert fetch(answer, hold=True)[0] == "the server does not answer"
    finally:
        update_source.patiently = usual


def opened(**request):
    try:
        source = asyncio.run(update_source.opened(request))
        asyncio.run(source.close())
    except ValueError as error:
        return str(error)


def test_nobody_there():
    said = opened(url="http://127.0.0.1:1/x")
    assert said.startswith("the server at 127.0.0.1:1 cannot be reached")


def test_urls():
    for url, found in (("http://1.2.3.4", ("1.2.3.4", 80, "/")), ("http://1.2.3.4:8000/", ("1.2.3.4", 8000, "/")),
                       ("http://192.168.1.250:65535/a/b", ("192.168.1.250", 65535, "/a/b"))):
        assert update_source.address(url) == found
    for url in ("https://1.2.3.4/x", "1.2.3.4/x", "", "http://", "http:///x", "http://name/x", "http://1.2.3/x",
                "http://1.2.3.4.5/x", "http://1.2.3.256/x", "http://1.2.3.-4/x", "http://1.2.3.4:/x:y"[:14] + "0/",
                "http://1.2.3.4:65536/", "http://1.2.3.4:x/", "http://1.2.3.4/a b", "http://1.2.3.4/a\r\nX: y",
                "http://1.2.3.4/\u00e4", "http://1.2.3.4/" + "x" * 201, "http://[::1]/x", "http://u@1.2.3.4/x"):
        said = opened(url=url)
        assert said and "\n" not in said, url


def test_what_is_asked_for():
    assert opened() == opened(url=1) == opened(file=1) == "say file= or url="
    assert opened(file="README.md", url=_URL) == "say file= or url="
    assert opened(file="/nowhere/x") == "there is no file /nowhere/x"
    assert opened(file="README.md") is None


def test_a_file_is_read_in_pieces():
    async def job():
        source = await update_source.opened({"file": "README.md"})
        size = 0
        while True:
            piece = await source.read(100)
            if not piece:
                await source.close()
                return size
            assert len(piece) <= 100
            size += len(piece)

    assert asyncio.run(job()) == os.stat("README.md")[6]
