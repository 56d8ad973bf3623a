"""tools/flash.py looks at an image before anything is erased, fetches a version, and tells esptool the right place."""

import http.server
import subprocess
import sys
import threading

import flash
import pytest
import runtimes


def _image(chip=0, text=b"MicroPython v1.26.1 on 2025-09-11", magic=0xE9):
    head = bytearray(24)
    head[0] = magic
    head[12] = chip
    return bytes(head) + bytes(100) + text + bytes(100)


@pytest.mark.parametrize("chip, name, address", [(0, "esp32", 0x1000), (9, "esp32s3", 0), (5, "esp32c3", 0)])
def test_a_good_image(tmp_path, chip, name, address):
    (tmp_path / "image.bin").write_bytes(_image(chip))
    path = str(tmp_path / "image.bin")
    assert flash.looked_at(path) == (name, address, "1.26.1")
    erase, write = flash.commands("/dev/x", name, address, path, False)
    assert erase[-1] == "erase-flash" and write[-3:] == ["write-flash", hex(address), path]
    assert list(flash.commands("/dev/x", name, address, path, True)) == [write]


@pytest.mark.parametrize("data, words", [
    (b"", "no image"), (_image(magic=0x7F), "no image"), (_image(chip=77), "does not know"),
    (_image(text=b"something else"), "does not say"), (_image(text=b"MicroPython v1.25.0 on"), "1.25, 1.26 or newer"),
])
def test_what_is_refused(tmp_path, data, words):
    (tmp_path / "image.bin").write_bytes(data)
    with pytest.raises(flash.Failed, match=words):
        flash.looked_at(str(tmp_path / "image.bin"))
    done = subprocess.run([sys.executable, runtimes.ROOT + "/tools/flash.py", "--port", "/nowhere", "--firmware",
                           str(tmp_path / "image.bin")], stderr=subprocess.PIPE, universal_newlines=True)
    assert done.returncode == 1 and words in done.stderr and done.stderr.count("\n") == 1


def test_esptool_itself_is_asked_and_its_refusal_is_told(tmp_path):
    (tmp_path / "image.bin").write_bytes(_image())
    done = subprocess.run([sys.executable, runtimes.ROOT + "/tools/flash.py", "--port", str(tmp_path / "none"),
                           "--firmware", str(tmp_path / "image.bin")], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          universal_newlines=True)
    assert done.returncode == 1 and "esptool v" in done.stdout and "in its bootloader" in done.stdout


class _Site(http.server.BaseHTTPRequestHandler):
    pages = {
        "/download/ESP32_GENERIC/": b'<a href="/resources/firmware/ESP32_GENERIC-20250911-v1.26.1.bin">v1.26.1</a>',
        "/resources/firmware/ESP32_GENERIC-20250911-v1.26.1.bin": _image(),
    }

    def do_GET(self):
        page = self.pages.get(self.path)
        self.send_response(200 if page else 404)
        self.end_headers()
        self.wfile.write(page or b"")

    def log_message(self, *_):
        pass


def test_a_version_is_fetched(tmp_path, monkeypatch):
    monkeypatch.setattr(flash, "BUILD", str(tmp_path))
    monkeypatch.setenv("no_proxy", "*")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Site) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        site = "http://127.0.0.1:%d" % server.server_port
        path = flash.fetched("1.26.1", "ESP32_GENERIC", site)
        assert flash.looked_at(path)[2] == "1.26.1"
        with pytest.raises(flash.Failed, match="no image of ESP32_GENERIC in version 1.99"):
            flash.fetched("1.99", "ESP32_GENERIC", site)
        with pytest.raises(flash.Failed, match="cannot be fetched"):
            flash.fetched("1.26.1", "NONE", site)
        server.shutdown()
