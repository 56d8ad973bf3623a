"""A board's manifest.py freezes exactly what a device image of the board carries."""

import os

import image
import pytest
import runtimes

_BOARDS = sorted(name for name in os.listdir(os.path.join(runtimes.ROOT, "boards"))
                 if os.path.exists(os.path.join(runtimes.ROOT, "boards", name, "manifest.py")))


def _frozen(board):
    """What the manifest names, {path when imported: path of the source}."""
    folder = os.path.join(runtimes.ROOT, "boards", board)
    found = {}

    def package(name, files=None, base_path="."):
        base = os.path.normpath(os.path.join(folder, base_path))
        if files is None:
            files = [os.path.relpath(os.path.join(top, each), os.path.join(base, name))
                     for top, _, names in os.walk(os.path.join(base, name)) for each in names if each.endswith(".py")]
        for each in files:
            found[os.path.join(name, each)] = os.path.join(base, name, each)

    def module(name, base_path="."):
        found[name] = os.path.normpath(os.path.join(folder, base_path, name))

    included = []
    with open(os.path.join(folder, "manifest.py"), encoding="utf-8") as file:
        exec(file.read(), {"include": included.append, "package": package, "module": module})
    assert included == ["$(PORT_DIR)/boards/manifest.py"]
    return found


def test_every_board_for_a_device_has_a_manifest():
    assert _BOARDS == ["devkit", "esp32_wallbox", "esp32s3_wallbox"]


@pytest.mark.parametrize("board", _BOARDS)
def test_it_names_what_the_image_carries(board):
    frozen = _frozen(board)
    assert all(os.path.isfile(path) for path in frozen.values())
    carried = {target[4:] if target.startswith("lib/") else target for target in image.sources(board)}
    extra = {"installed_board.py", "bounded/cpython.py"}
    assert set(frozen) - extra == carried - {"boot.py"}
    words = {}
    with open(frozen["installed_board.py"], encoding="utf-8") as file:
        exec(file.read(), words)
    assert words["NAME"] == board
