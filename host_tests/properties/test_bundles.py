"""Bundles: tools/bundle.py against the device's reader, and whatever else may arrive as one."""

import asyncio
import os
import re
import subprocess
import sys

import bundle as tool
import pytest
import runtimes
import update_key
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given, settings
from hypothesis import strategies as st

import slots
from host_tests.pure import bundles
from wallbox import bundle, update

_SECRET = ec.derive_private_key(12345, ec.SECP256R1())
_KEY = update_key.public(_SECRET)
_FILES = {"boards/x/__init__.mpy": b"board", "lib/cold": bytes(range(256)), "wallbox/app.mpy": b"new"}
_WHOLE = tool.made(_SECRET, _FILES, "devkit", "xtensawin", (1, 2, 3))
_HEAD = len(_WHOLE) - sum(len(each) for each in _FILES.values())

names = st.text("abcXYZ019_-", min_size=1, max_size=8)
paths = st.lists(names, min_size=1, max_size=5).map("/".join)
versions = st.tuples(*[st.integers(0, 255)] * 3)


def install(data, root, key=_KEY):
    """Install it into `root`; what was wrong with it, None when nothing was."""
    async def job():
        progress = update.Progress()
        source = bundles.Source(data)
        found = await update.head(source, key, progress)
        bundle.fits(found, "devkit", 10, (1, 26, 1), (1, 2, 3), False)
        await update.install(source, found, slots.Pointer(slots.Files(root + "/")), root, progress)

    try:
        asyncio.run(job())
    except ValueError as error:
        return str(error)


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    folder = tmp_path_factory.mktemp("flash")
    (folder / "a").mkdir()
    (folder / "a" / "old").write_bytes(b"old")
    slots.Pointer(slots.Files(str(folder) + "/")).switch("a")
    return str(folder)


def starts(root):
    pointer = slots.Pointer(slots.Files(root + "/"))
    return pointer.folder, pointer.left


@given(st.dictionaries(paths, st.binary(max_size=20), min_size=1, max_size=6), versions, versions, names)
def test_the_device_reads_what_the_tool_makes(files, version, micropython, board):
    try:
        data = tool.made(_SECRET, files, board, "rv32imc", version, micropython)
    except tool.Failed as error:
        assert "not in order" in str(error)  # one is a folder of another
        assert any(path.startswith(other + "/") for path in files for other in files)
        return
    found = asyncio.run(update.head(bundles.Source(data, 100), _KEY, update.Progress()))
    assert (found.kind, found.version, found.micropython, found.board) == (1, version, micropython, board)
    assert bundle.ARCHITECTURES.split()[found.march] == "rv32imc"
    assert [path for _, _, path in found.files] == sorted(files)
    assert found.size() == sum(len(each) for each in files.values())
    assert data.endswith(b"".join(files[path] for path in sorted(files)))


def test_both_encoders_agree():
    files = sorted(_FILES.items())
    assert _WHOLE[10 : _HEAD - 64] == bundles.body(files, march=10)


@given(st.binary(max_size=300))
def test_any_body_is_a_bundle_or_one_sentence(body):
    try:
        found = bundle.parsed(body)
    except ValueError as error:
        assert "\n" not in str(error)
    else:
        assert found.files


@given(st.binary(min_size=12, max_size=12), st.lists(st.tuples(st.binary(max_size=12), st.booleans()), max_size=4))
def test_any_list_of_files_is_harmless_or_refused(start, entries):
    body = b"\1" + start[:7] + len(entries).to_bytes(2, "big") + b"\1x"
    for path, sorts in entries:
        body += bytes(36) + bytes((len(path),)) + path
    try:
        found = bundle.parsed(body)
    except ValueError:
        return
    for _, _, path in found.files:
        assert os.path.normpath("b/" + path) == "b/" + path and re.fullmatch(r"[\w.-]+(/[\w.-]+)*", path, re.ASCII)


def test_a_flip_of_any_byte_changes_nothing(root):
    for at in range(len(_WHOLE)):
        wrong = bytearray(_WHOLE)
        wrong[at] ^= 1 << at % 8
        assert install(bytes(wrong), root), at
        assert starts(root) == ("a", 0)
        assert at >= _HEAD or not os.path.exists(root + "/b")


@given(st.integers(0, len(_WHOLE) - 1))
@settings(max_examples=60)
def test_a_cut_anywhere_changes_nothing(root, size):
    assert install(_WHOLE[:size], root)
    assert starts(root) == ("a", 0)


@given(st.binary(max_size=400))
@settings(max_examples=100)
def test_anything_else_changes_nothing(root, data):
    assert install(data, root) and install(_WHOLE[:10] + data, root) and install(bundles.MAGIC + data, root)
    assert starts(root) == ("a", 0)


def test_the_whole_one_is_installed(root):
    assert install(_WHOLE, root) is None and starts(root) == ("b", 4)


def _tool(*arguments):
    done = subprocess.run([sys.executable, os.path.join(runtimes.ROOT, "tools/bundle.py"), *arguments],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True)
    assert "Traceback" not in done.stderr
    return done


def test_the_tool_makes_a_key_once_for_its_owner_alone(tmp_path):
    first = update_key.private(str(tmp_path / "keys"))
    path = tmp_path / "keys" / "update.pem"
    assert path.stat().st_mode & 0o777 == 0o600
    assert update_key.public(update_key.private(str(tmp_path / "keys"))) == update_key.public(first)
    path.write_text("nonsense")
    with pytest.raises(update_key.Failed, match="no private key"):
        update_key.private(str(tmp_path / "keys"))
    done = _tool("--keys", str(tmp_path / "keys"), "--image", str(tmp_path))
    assert done.returncode == 1 and done.stderr.count("\n") == 1


def test_wrong_boards_and_files_are_one_sentence(tmp_path):
    (tmp_path / "no.bundle").write_bytes(b"no")
    (tmp_path / "empty").mkdir()
    for arguments in (("--board", "nothing"), ("--show", str(tmp_path / "no.bundle")), ("--show", "/nowhere"),
                      ("--image", str(tmp_path / "empty")), ("--micropython", str(tmp_path / "no.bundle"))):
        done = _tool("--keys", str(tmp_path / "keys"), "--out", str(tmp_path / "out"), *arguments)
        assert done.returncode == 1 and done.stderr.startswith("bundle: ") and done.stderr.count("\n") == 1
        assert not (tmp_path / "out").exists()


def test_the_application_is_taken_out_of_an_image_for_the_whole_flash():
    def entry(kind, subtype, offset, size):
        place = offset.to_bytes(4, "little") + size.to_bytes(4, "little")
        return b"\xaa\x50" + bytes((kind, subtype)) + place + bytes(20)

    application = b"\xe9 application"
    table = entry(1, 2, 0x9000, 0x6000) + entry(0, 16, 0x10000, 0x180000) + entry(0, 17, 0x190000, 0x180000)
    for address in (0, 0x1000):
        flash = b"\xe9 bootloader".ljust(0x8000 - address, b"\xff") + table
        flash = flash.ljust(0x10000 - address, b"\xff") + application
        assert tool.application(flash, address) == application
    assert tool.application(application, 0) == application
