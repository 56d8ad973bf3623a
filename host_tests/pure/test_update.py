"""Installing a signed bundle (row F4 of the fault table): the next program or nothing; refusals in one sentence."""

import asyncio
import os

import slots
from host_tests.pure import bundles
from host_tests.pure.support import own_folder
from tools.on_board import make_folders
from wallbox import bundle, update

_ROOT = own_folder("update")
_OLD = (("boards/devkit/__init__.py", b"old board"), ("lib/gone/x.mpy", b"gone"), ("wallbox/app.mpy", b"old app"))
_NEW = (("boards/devkit/__init__.py", b"new board"), ("lib/bounded/cold", bytes(range(256)) * 9),
        ("wallbox/app.mpy", b""), ("wallbox/same.mpy", b"stays" * 300))


def _put(path, content):
    make_folders(path)
    with open(path, "wb") as file:
        file.write(content)


def _tree(path):
    """{path: content} below `path`."""
    found = {}
    try:
        names = os.listdir(path)
    except OSError:
        return found
    for name in names:
        whole = path + "/" + name
        if os.stat(whole)[0] & 0x4000:
            for each, content in _tree(whole).items():
                found[name + "/" + each] = content
            found[name + "/"] = None
        else:
            with open(whole, "rb") as file:
                found[name] = file.read()
    return found


def _clear(path):
    for name in os.listdir(path):
        whole = path + "/" + name
        if os.stat(whole)[0] & 0x4000:
            _clear(whole)
            os.rmdir(whole)
        else:
            os.remove(whole)


def _device(old=_OLD, root=_ROOT):
    """A pointer at folder a, which has a program, as has b."""
    make_folders(root + "/")
    _clear(root)
    for name in "ab":
        for path, content in old:
            _put("%s/%s/%s" % (root, name, path), content)
    pointer = slots.Pointer(slots.Files(root + "/"))
    pointer.switch("a")
    return pointer


def _files(tree):
    return {path: content for path, content in tree.items() if content is not None}


def _at():
    pointer = slots.Pointer(slots.Files(_ROOT + "/"))
    return pointer.folder, pointer.left


async def _install(pointer, source, key, progress):
    found = await update.head(source, key, progress)
    bundle.fits(found, "devkit", 10, (1, 26, 1), (1, 2, 3), False)
    await update.install(source, found, pointer, _ROOT, progress)


def install(data, most=512, key=bundles.KEY, pointer=None):
    """Install it; what went wrong, None when nothing did."""
    try:
        asyncio.run(_install(pointer or slots.Pointer(slots.Files(_ROOT + "/")), bundles.Source(data, most), key,
                             update.Progress()))
    except ValueError as error:
        return str(error)


def test_the_new_program_goes_where_nothing_starts_and_starts_on_trial():
    for most in (512, 7):
        _device()
        assert install(bundles.bundle(_NEW), most) is None
        assert _files(_tree(_ROOT + "/b")) == dict(_NEW)
        assert "lib/gone/" not in _tree(_ROOT + "/b")
        assert _files(_tree(_ROOT + "/a")) == dict(_OLD)
        assert _at() == ("b", 4)


def test_the_next_one_goes_into_the_other_folder():
    _device()
    install(bundles.bundle(_NEW))
    slots.Pointer(slots.Files(_ROOT + "/")).prove()
    assert install(bundles.bundle(_NEW[:2])) is None
    assert _at() == ("a", 4) and _files(_tree(_ROOT + "/a")) == dict(_NEW[:2])


def test_a_first_program_needs_no_folder():
    _device(())
    assert install(bundles.bundle(_NEW)) is None and _files(_tree(_ROOT + "/b")) == dict(_NEW)


def test_what_is_there_already_is_not_written_again():
    _device(_NEW)
    written = []
    usual = update.Folder._made
    update.Folder._made = lambda self, path: written.append(path) or usual(self, path)
    try:
        assert install(bundles.bundle(_NEW[:3] + (("wallbox/same.mpy", b"other" * 300),))) is None
    finally:
        update.Folder._made = usual
    assert written == ["wallbox/same.mpy"] and _at() == ("b", 4)


def test_a_bundle_of_somebody_else_changes_nothing():
    _device()
    before = _tree(_ROOT)
    whole = bundles.bundle(_NEW)
    end = len(bundles.head(bundles.body(_NEW)))
    key = bytearray(bundles.KEY)
    key[63] ^= 1
    assert install(whole, key=bytes(key)) == "the bundle's signature is not by the key that this wallbox trusts"
    for at in (0, 7, 8, 9, 10, 11, 14, 15, 19, 21, 30, 40, 70, end - 65, end - 64, end - 1):  # each part of the head
        for flip in (1, 0x80):
            wrong = bytearray(whole)
            wrong[at] ^= flip
            assert install(bytes(wrong)) is not None, at
    for size in (0, 5, 9, 10, 50, end - 1):
        assert install(whole[:size]) == "the bundle ends within its head"
    assert _tree(_ROOT) == before


def test_damaged_or_cut_files_leave_the_old_program():
    whole = bundles.bundle(_NEW)
    end = len(bundles.head(bundles.body(_NEW)))
    for at in (end, end + 9, end + 100, len(whole) - 1):
        _device()
        wrong = bytearray(whole)
        wrong[at] ^= 4
        assert "in the bundle is damaged" in install(bytes(wrong))
        assert _at() == ("a", 0) and _files(_tree(_ROOT + "/a")) == dict(_OLD)
        assert install(whole[:at]).startswith("the bundle ends within ")
        assert _at() == ("a", 0)
    assert install(whole + b"\0") == "there is more behind the bundle's last file"
    assert _at() == ("a", 0)
    assert install(whole) is None and _at() == ("b", 4)


def test_too_large_for_the_flash_is_seen_before_anything_is_removed():
    _device()
    before = _tree(_ROOT)
    huge = (("wallbox/app.mpy", b"x" * 5000), ("wallbox/huge.mpy", b""))
    text = bytearray(bundles.body(huge))
    at = len(text) - 37 - len("wallbox/huge.mpy")
    text[at : at + 4] = (8 << 20).to_bytes(4, "big")
    try:
        update.os = _Disk()
        said = install(bundles.head(bytes(text)) + b"x" * 5000)
    finally:
        update.os = os
    assert said == "the flash has too little room: 7920 KB are missing", said
    assert _tree(_ROOT) == before


class _Disk:
    """`os` of a flash with 75 blocks of 4 KB to spare."""

    def __init__(self):
        self.listdir, self.stat = os.listdir, os.stat

    def statvfs(self, path):
        assert path == _ROOT
        return (4096, 4096, 512, 75, 75, 0, 0, 0, 0, 255)


def test_flash_that_keeps_something_else_is_noticed():
    _device()
    usual = update.Folder.receive

    async def worn(self, source):
        await usual(self, source)
        _put(_ROOT + "/b/lib/bounded/cold", bytes(range(255, -1, -1)) * 9)

    update.Folder.receive = worn
    try:
        assert install(bundles.bundle(_NEW)) == "lib/bounded/cold does not read back as it was written"
    finally:
        update.Folder.receive = usual
    assert _at() == ("a", 0)


def test_everybody_gets_a_turn_between_pieces():
    _device()
    turns = [0]

    async def other():
        while True:
            turns[0] += 1
            await update.sleep_ms(0)

    async def both():
        task = asyncio.create_task(other())
        await _install(slots.Pointer(slots.Files(_ROOT + "/")), bundles.Source(bundles.bundle(_NEW)), bundles.KEY,
                       update.Progress())
        task.cancel()

    asyncio.run(both())
    assert turns[0] > 256 + 2 * (2304 + 1500) // 512


def test_an_update_that_takes_for_ever_ends():
    _device()
    usual = update.ticks_ms
    progress = update.Progress()
    update.ticks_ms = lambda: usual() + 900001
    try:
        asyncio.run(_install(None, bundles.Source(bundles.bundle(_NEW)), bundles.KEY, progress))
        said = None
    except ValueError as error:
        said = str(error)
    finally:
        update.ticks_ms = usual
    assert said == "the update takes longer than 900 s"


# --- what a bundle is for


def fitting(**facts):
    older = facts.pop("older", False)
    try:
        bundle.fits(bundle.parsed(bundles.body(_NEW, **facts)), "devkit", 10, (1, 26, 1), (1, 2, 3), older)
    except ValueError as error:
        return str(error)


def test_a_bundle_for_something_else_is_refused():
    assert fitting() is None and fitting(version=(1, 2, 4)) is None and fitting(version=(2, 0, 0)) is None
    assert fitting(board="esp32_wallbox") == "the bundle is for the board esp32_wallbox, this is devkit"
    assert fitting(march=11) == "the bundle is for rv32imc, this chip is xtensawin"
    assert fitting(march=99) == "the bundle is for 99, this chip is xtensawin"
    assert fitting(micropython=(1, 27, 0)) == "the bundle needs MicroPython 1.27.0, this is 1.26.1"
    assert fitting(micropython=(1, 26, 1)) is None
    assert fitting(version=(1, 2, 2)) == "the bundle is 1.2.2, older than 1.2.3: say older=true if that is meant"
    assert fitting(version=(0, 9, 9), older=True) is None
    assert fitting(version=(0, 9, 9), older=True, board="sim") is not None


def test_versions():
    assert bundle.numbers("1.26.1") == (1, 26, 1) and bundle.numbers((1, 27, 0, "preview")) == (1, 27, 0)
    assert bundle.numbers("1.27") == (1, 27, 0) and bundle.numbers("x.1.2-rc") == (0, 1, 0)


def parsing(files, **facts):
    try:
        bundle.parsed(bundles.body(files, **facts))
    except ValueError as error:
        return str(error)


def test_evil_names_are_refused():
    for path in ("/a", "../a", "a/../b", "a/./b", "a//b", "a/", ".hidden", "a/.b", "", "a\\b", "a b", "a\0b", "c:d",
                 "x" * 101, "a/b/c/d/e/f/g", "\u00e4"):
        assert parsing([(path, b"")]) is not None, path
        assert parsing([("0", b""), (path, b"")]) is not None, path
    for paths in (("a", "a"), ("b", "a"), ("a", "a/b"), ("B", "A")):
        assert "not in order" in parsing([(path, b"") for path in paths]), paths
    assert parsing([("A", b""), ("a", b""), ("a.b", b""), ("a0/b-c/d_e", b"")]) is None


def test_heads_that_contradict_themselves_are_refused():
    assert parsing([]) == "the bundle holds 0 files"
    assert parsing([("%03d" % i, b"") for i in range(201)]) == "the bundle holds 201 files"
    assert parsing([("a", b""), ("b", b"")], kind=2) == "the bundle holds 2 files"
    assert parsing([("a", b"")], kind=3) == "the bundle is of a kind this program does not know: 3"
    assert "bad name" in parsing([("a", b"")], board="dev kit")
    whole = bundles.body([("a", b"")])
    for text in [whole[:size] for size in range(len(whole))] + [whole + b"\0"]:
        try:
            bundle.parsed(text)
        except ValueError:
            continue
        assert False, text
    text = bundles.MAGIC + b"\x20\x01" + bytes(8193)
    assert install(text) == "the bundle's head is too long: 8193 bytes"
    assert install(b"wallbox\2" + bytes(90)) == "this is no update bundle"
