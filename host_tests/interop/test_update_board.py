"""Updates on the pseudo-terminal board, as a person does them: by the console, from a file and over the network.

Each test leaves the program 0.1.0 behind, proven: they run in any order, and may be shared by processes.
"""

import functools
import http.server
import os
import re
import shutil
import subprocess
import sys
import threading

import bundle
import image
import pytest
import runtimes
import update_key

from host_tests.interop.pty_board_process import PtyBoard, SerialConsole

_TRIAL_S = 10
_HANG_MS = 4000


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A place for images, bundles and the board, and a web server in front of the bundles."""
    return tmp_path_factory.mktemp("update")


@pytest.fixture(scope="module")
def key(folder):
    return update_key.private(str(folder / "keys"))


@pytest.fixture(scope="module")
def images(folder):
    """Folders of images: the real program as it is, as 0.2.0, and some that are broken."""
    real = image.build("x86", "devkit", linked=True)

    def variant(name, change):
        shutil.copytree(real, folder / name)
        change(folder / name)
        return str(folder / name)

    def version(text):
        def change(place):
            app = place / "wallbox" / "app.mpy"
            raw = app.read_bytes()
            assert raw.count(b"0.1.0") == 1
            app.write_bytes(raw.replace(b"0.1.0", text))
        return change

    def app(source):
        def change(place):
            (place / "wallbox" / "app.mpy").unlink()
            (place / "wallbox" / "app.py").write_text(source)
        return change

    def quick(place):  # a program that hangs at its start is noticed sooner
        boot = place / "boot.py"
        text = boot.read_text()
        assert "timeout=60000" in text
        boot.write_text(text.replace("timeout=60000", "timeout=%d" % _HANG_MS))

    return {
        "first": variant("first", quick),
        "second": variant("second", version(b"0.2.0")),
        "older": variant("older", version(b"0.0.9")),
        "crashes": variant("crashes", app("print('crashing')\nraise ValueError('made up')\n")),
        "hangs": variant("hangs", app("print('hanging')\nwhile True:\n    pass\n")),
    }


@pytest.fixture(scope="module")
def bundles(folder, key, images):
    """Paths of bundles of them, and the address of a server that has them."""
    place = folder / "bundles"
    place.mkdir()
    for name, version in (("second", "0.2.0"), ("older", "0.0.9"), ("crashes", "0.3.0"), ("hangs", "0.3.0")):
        data, _ = bundle.of_program(key, "devkit", "x86", images[name], version)
        (place / name).write_bytes(data)
    second = (place / "second").read_bytes()
    (place / "tampered").write_bytes(second[:40] + bytes((second[40] ^ 1,)) + second[41:])
    (place / "cut").write_bytes(second[:-1000])
    (place / "other").write_bytes(bundle.of_program(key, "esp32_wallbox", "x86", images["second"], "0.2.0")[0])
    handler = functools.partial(_Quiet, directory=str(place))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield place, "http://127.0.0.1:%d/" % server.server_port
        server.shutdown()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def board(folder, key, images):
    """A board with the first program on it."""
    place = folder / "board"
    place.mkdir()
    (place / "settings.json").write_text(
        '{"wifi_ssid": "any", "time_server": "off", "update_trial_s": %d}' % _TRIAL_S)
    with PtyBoard(place) as made:
        printed = made.tool("deploy.py", "--port", made.port, "--image", images["first"], "--keys",
                            str(folder / "keys"), "--config", str(place / "settings.json"))
        assert "it takes updates that are signed with your key" in printed and "ready 0.1.0" in printed
        yield made


def _refused(board, line, words):
    """The console, or what the update prints, says no with `words`, and the program stays."""
    after = len(board.log())
    with SerialConsole(board) as console:
        answer = console.say(line)
        if "error" in answer:
            assert words in answer["error"], answer
        else:
            assert words in board.wait("update failed", after)
            console.wait(lambda state: state["binding"] != "firmware")  # power is allowed again
        assert console.say("update")["update"] != "done"


def test_what_must_not_be_installed_is_refused(board, bundles):
    place, url = bundles
    _refused(board, "update url=%stampered" % url, "signature is not by the key")
    _refused(board, "update url=%scut" % url, "the bundle ends within")
    _refused(board, "update url=%sother" % url, "for the board esp32_wallbox, this is devkit")
    _refused(board, "update url=%solder" % url, "older than 0.1.0: say older=true")
    _refused(board, "update url=%snothing" % url, "the server answers 404")
    _refused(board, "update url=http://127.0.0.1:1/x", "cannot be reached")
    _refused(board, "update url=http://localhost/x", "needs the address of the server in numbers")
    _refused(board, "update file=/nothing", "there is no file /nothing")
    _refused(board, "update older=true", "say file= or url=")


def test_it_is_cancelled(board, bundles):
    after = len(board.log())
    with SerialConsole(board) as console:
        assert "error" not in console.say("update url=%ssecond" % bundles[1])
        assert console.say("update cancel=true") == {"update": "being cancelled"}
        board.wait("update failed: it was cancelled", after)
        console.wait(lambda state: state["binding"] != "firmware")
        assert "no update is under way" in console.say("update cancel=true")["error"]


def test_refused_while_a_car_charges(board, bundles):
    with SerialConsole(board) as console:
        assert console.say("plug phases=3 ready=true reaction_ms=100 ramp_ma_s=1000000") == {"ok": True}
        console.wait(lambda state: state["current_ma"][0] > 5000)
        assert "a car charges" in console.say("update url=%ssecond" % bundles[1])["error"]
        assert console.say("unplug") == {"ok": True}
        console.wait(lambda state: state["pilot_state"] == "A")


def test_a_program_that_crashes_or_hangs_is_taken_back(board, bundles):
    for name, starts in (("crashes", "crashing"), ("hangs", "hanging")):
        after = len(board.log())
        if name == "crashes":
            printed = board.tool("update.py", "--port", board.port, "--bundle", str(bundles[0] / name), status=1,
                                 timeout_s=300)
            assert printed.splitlines()[-1] == "update: the new program did not prove itself: the one before it starts"
        else:
            with SerialConsole(board) as console:
                assert "error" not in console.say("update url=%s%s" % (bundles[1], name))
        board.wait("did not prove itself", after)
        board.wait("ready 0.1.0", board.log().find("did not prove itself", after))
        log = board.log()[after:]
        assert "update done" in log and "ready 0.3.0" not in log and "did not prove itself" in log
        assert log.count(starts) == 3  # boots 1..3
        assert [re.findall(r"on trial, (\d) more", log)] == [["2", "1", "0"]]


def test_from_an_update_to_the_next_and_back(board, bundles, folder, key, images):
    _a_car_that_comes_during_an_update_waits(board, bundles)
    board.wait("ready 0.2.0", board.cut_power())  # mpremote has stopped it
    _power_cuts_in_the_trial_use_up_its_starts(board, bundles)
    data, _ = bundle.of_program(key, "devkit", "x86", images["first"], "0.1.0")
    (folder / "back").write_bytes(data)
    printed = board.make("update", "ARGS=--bundle %s --older" % (folder / "back"), timeout_s=300)
    assert printed.splitlines()[-1].strip() == "this program has proven itself and stays"
    assert "ready 0.2.0" in printed and "ready 0.1.0" in printed


def _a_car_that_comes_during_an_update_waits(board, bundles):
    board.mpremote("resume", "fs", "cp", str(bundles[0] / "second"), ":update.bundle")
    board.wait("ready 0.1.0", board.cut_power())
    after = len(board.log())
    with SerialConsole(board) as console:
        assert console.say("update file=update.bundle") == {"update": None}
        console.say("plug phases=3 ready=true reaction_ms=100")
        seen = 0
        while True:
            try:
                state = console.say("state")
            except AssertionError:  # it starts anew by now
                assert "update done" in board.log()[after:]
            if "update done" in board.log()[after:]:
                break
            assert not state["contactor"]["closed"] and state["offer_ma"] == 0
            seen += 1
            if seen == 2:
                assert "error" in console.say("update url=%ssecond" % bundles[1])
        assert seen > 2
    board.wait("ready 0.2.0", after)
    board.wait("this program has proven itself and stays", after)
    listed = board.mpremote("resume", "exec", "import os; print(os.listdir('/'))")
    assert "update.bundle" not in listed and "'b'" in listed


def _power_cuts_in_the_trial_use_up_its_starts(board, bundles):
    """An older one is taken by word; it is fine, but does not get the time to prove it."""
    after = len(board.log())
    with SerialConsole(board) as console:
        assert "error" not in console.say("update url=%solder older=true" % bundles[1])
    board.wait("ready 0.0.9", after)
    for version in ("0.0.9", "0.0.9", "0.2.0"):
        board.wait("ready " + version, board.cut_power())


def test_bundles_are_shown(bundles):
    shown = subprocess.run([sys.executable, os.path.join(runtimes.ROOT, "tools/bundle.py"), "--show",
                            str(bundles[0] / "second")], stdout=subprocess.PIPE, universal_newlines=True)
    assert shown.returncode == 0 and shown.stdout.startswith("program 0.2.0 for devkit, x86\n")
    assert "DAMAGED" not in shown.stdout and "lib/bounded/cold" in shown.stdout
