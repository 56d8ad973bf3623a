"""From a fresh clone to a wallbox that serves an EMS: the board behind a pseudo-terminal, by the real mpremote."""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time

import pytest
import runtimes
import serial

from host_tests.interop import firmware_spine
from host_tests.interop.pty_board_process import PtyBoard, SerialConsole

_PARTS = 6
_ME, _BOX = "127.0.0.9", "127.0.0.1"


@pytest.fixture(scope="module")
def deployed(tmp_path_factory):
    """A board with the firmware on it by one command, an EMS that it trusts, and what the command printed."""
    folder = tmp_path_factory.mktemp("board")
    ems = firmware_spine.identities(folder, "ems")["ems"]
    (folder / "settings.json").write_text(json.dumps({
        "wifi_ssid": "any", "trust": [ems.ski], "rise_ma_per_5s": 80000, "resume_hold_s": 0, "time_server": "off"}))
    with PtyBoard(folder) as board:
        printed = board.make("deploy", "BOARD=devkit", "CONFIG=%s" % (folder / "settings.json"))
        yield board, ems, printed


def test_one_command_makes_a_wallbox_that_serves_an_ems(deployed):
    board, identity, printed = deployed
    ski = re.search(r"ready \S+ ski=([0-9a-f]{40})", printed)[1]
    assert "all verified" in printed and "made an identity: SKI " + ski in printed
    with SerialConsole(board) as console:
        assert console.say("plug phases=3 ready=true reaction_ms=100 ramp_ma_s=1000000") == {"ok": True}
        with firmware_spine.Ems(ski, _BOX, 4712, identity=identity) as ems:
            ems.wait_ready()
            firmware_spine.limited(ems, 6900)
            state = console.wait(lambda state: state["offer_ma"] == 9900 and state["current_ma"][0] > 9000)
            assert state["binding"] == "consumption limit" and state["contactor"]["closed"]
            assert state["ship"]["trusted"] == [identity.ski]
            assert state["ship"]["dnssd"] in ("announced", "probing", "port taken")
        assert console.say("unplug") == {"ok": True}
    assert "MemoryError" not in board.log() and "failed:" not in board.log()


def test_an_echonet_controller_reads_it(deployed):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        peer.bind((_ME, 3610))
        peer.settimeout(2)
        for _ in range(10):
            peer.sendto(bytes.fromhex("10810001 05ff01 02a101 62 01 8000".replace(" ", "")), (_BOX, 3610))
            try:
                answer = peer.recv(100)
            except socket.timeout:
                continue
            if answer[:4] == b"\x10\x81\0\1":
                break
    assert answer[4:12] == bytes.fromhex("02a10105ff017201") and answer[12] == 0x80


def test_deploying_again_sends_nothing_and_keeps_the_identity(deployed):
    board, _, printed = deployed
    again = board.tool("deploy.py", "--port", board.port)
    assert "has this program already" in again
    assert again.splitlines()[-1] == printed.splitlines()[-1]


def test_mpremote_runs_an_acceptance(deployed):
    board = deployed[0]
    printed = board.mpremote("exec", "from boards.devkit import script; script.run('plug phases=1; ready; "
                             "until pilot=C charging=true; fault name=pilot_open; until closed=false; "
                             "fault name=pilot_open on=false; pause; unplug; faults; nonsense'); import main")
    assert "script done" in printed and "unmet" not in printed
    assert '"charging": "true"' in printed and '"error":' in printed.splitlines()[-2]


def test_words_of_the_console_over_mpremote(deployed):
    board = deployed[0]
    words = ("status", "why", "limits", "peers", "trust", "properties", "functions", "memory", "loop", "log n=5",
             "settings", "set own_w=7 nonsense=1", "set own_w=7", "save", "test", "until pilot=F s=60", "wait 4",
             "test result=true",
             "normal")
    printed = board.mpremote("exec", "from boards.devkit import script; script.run('%s'); import main" % (
        "; ".join(words)), timeout_s=90)
    answers = dict(zip([each for each in words if each[:5] != "wait "],
                       [json.loads(line) for line in printed.splitlines() if line.startswith("{")]))
    assert "script done" in printed
    assert answers["set own_w=7 nonsense=1"] == {"error": "there is no setting nonsense"}
    assert answers["normal"] == {"error": "this is no safe mode"} and answers["save"]["ok"]
    for word in words[:11]:
        assert "error" not in answers[word], word
    assert answers["status"]["pilot"] == "A1" and "start after" in " ".join(answers["log n=5"]["log"])
    assert "[1] EVSE" in answers["functions"] and "80=30" in answers["properties"]["02A101"]
    assert answers["test result=true"]["over"] and answers["test result=true"]["failed"] == 0
    assert "MemoryError" not in printed


def test_the_watchdog_of_a_board_whose_loop_stands_still(deployed):
    """Ctrl-C lets a person work for an hour; a program that stands still is reset, and the log says so."""
    board = deployed[0]
    before = len(board.log())
    board.mpremote("exec", "--no-follow", "import main")
    board.wait("ready ", before)
    with SerialConsole(board) as console:
        console.say("status")  # its tasks run
    assert "3600000" in board.mpremote("resume", "exec", "import machine; print(machine._last.timeout)")
    before = len(board.log())
    board.mpremote("exec", "--no-follow",
                   "import asyncio, time\nold = asyncio.sleep_ms\nleft = [500]\ndef hang(ms):\n left[0] -= 1\n"
                   " if not left[0]: time.sleep(60)\n return old(ms)\nasyncio.sleep_ms = hang\nimport main")
    board.wait("ready ", before)
    after = len(board.log())
    board.wait("ready ", after, timeout_s=60)  # the program that was deployed, once more
    with SerialConsole(board) as console:
        assert any("start after watchdog" in row for row in console.say("log")["log"])


def test_make_words(deployed, tmp_path):
    board, _, printed = deployed
    ski = re.search(r"ski=([0-9a-f]{40})", printed)[1]
    shown = board.make("provision", "ARGS=--show")
    assert "SKI:" + ski in shown.replace(" ", "") and "key" not in shown
    (tmp_path / "hello.py").write_text("import sys, wallbox\nprint('on board', sys.path[0])\n")
    assert board.make("run-on-board", "FILE=%s" % (tmp_path / "hello.py")).strip() in ("on board /a", "on board /b")
    assert "say PORT=" in subprocess.run(["make", "-s", "-C", runtimes.ROOT, "deploy"], stderr=subprocess.PIPE,
                                         universal_newlines=True).stderr


def test_a_heap_that_ctrl_c_left_locked_is_not_the_end_of_the_board(tmp_path):
    """The unix port's signal may hit it while it collects; here the heap is locked by hand."""
    with PtyBoard(tmp_path) as board, serial.Serial(board.port, timeout=1) as port:
        board.mpremote("exec", "print(1)")
        size = len(board.log())
        port.write(b"import micropython; micropython.heap_lock()\r")
        board.wait("raw REPL", size)
        assert board.mpremote("exec", "print(6 * 7)").strip() == "42"


def test_a_library_installs_by_mip(deployed):
    board = deployed[0]
    board.mpremote("mip", "install", "--target", "/lib", os.path.join(runtimes.ROOT, "lib/echonet/package.json"))
    board.mpremote("exec", "import sys; sys.path[:] = ['/lib', '.frozen']; from echonet.frame import *; print(1)")
    board.mpremote("exec", "import os\nfor d in ('/lib/echonet', '/lib/bounded'):\n for f in os.listdir(d):\n"
                           "  os.remove(d + '/' + f)\n os.rmdir(d)")


@pytest.mark.parametrize("settings, words", [
    ('{"wifi_ssid": 5}', "wifi_ssid must be text"),
    ('{"supply_ma": 6000,', "not a whole object"),
    ('{"sully_ma": 6000}', "there is no setting sully_ma"),
])
def test_wrong_settings_are_refused_before_anything_is_touched(tmp_path, settings, words):
    (tmp_path / "wrong.json").write_text(settings)
    done = subprocess.run([sys.executable, os.path.join(runtimes.ROOT, "tools/deploy.py"), "--port", "/nowhere",
                           "--config", str(tmp_path / "wrong.json")], stderr=subprocess.PIPE, universal_newlines=True)
    assert done.returncode == 1 and words in done.stderr and done.stderr.count("\n") == 1


def test_a_board_that_is_not_there(tmp_path):
    done = subprocess.run([sys.executable, os.path.join(runtimes.ROOT, "tools/deploy.py"), "--port",
                           str(tmp_path / "none")], stderr=subprocess.PIPE, universal_newlines=True)
    assert done.returncode == 1 and "no board at" in done.stderr and "Traceback" not in done.stderr


# --- interruptions, with a program whose parts say which version they are of


def _program(folder, version):
    """A small program for the two folders: what starts prints the version of each of its parts."""
    for name in ("boot.py", "main.py", "slots.py"):
        folder.mkdir(exist_ok=True)
        shutil.copy(os.path.join(runtimes.ROOT, "firmware", name), folder / name)
    (folder / "wallbox").mkdir()
    (folder / "wallbox" / "__init__.py").write_text("")
    (folder / "wallbox" / "config.py").write_text("def read(folder):\n    pass\n")
    names = ["part%d" % i for i in range(_PARTS)]
    (folder / "wallbox" / "app.py").write_text("def run():\n    from wallbox import %s\n    print('ready', %s)\n" % (
        ", ".join(names), ", ".join(name + ".VERSION" for name in names)))
    for i, name in enumerate(names):
        (folder / "wallbox" / (name + ".py")).write_text("VERSION = %r\n#%s\n" % (
            version if i != 2 else "same", "x" * 3000))
    return str(folder)


def _starts(board):
    """The version that starts after a power cut."""
    found = set(board.wait("ready", board.cut_power()).split()[1:]) - {"same"}
    assert len(found) == 1, "a mix: %s" % found
    return found.pop()


# Runs argv[3:] as a program in the folder argv[1], that is killed as it prints the end of its line argv[2].
_STOPPING = """
import os, runpy, sys
sys.path[0] = sys.argv[1]
left = int(sys.argv[2])
write = sys.stdout.write
def stopping(text):
    global left
    write(text)
    left -= text.count("\\n")
    if left == 0 and "\\n" in text:
        os.kill(os.getpid(), 9)
    return len(text)
sys.stdout.write = stopping
sys.argv[:3] = []
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def _deploy(board, program, stop_after):
    """A deployment that is killed once it has printed so many lines; its exit status."""
    tools = os.path.join(runtimes.ROOT, "tools")
    return subprocess.run(
        [sys.executable, "-c", _STOPPING, tools, str(stop_after), os.path.join(tools, "deploy.py"), "--port",
         board.port, "--image", program], stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT, timeout=300).returncode


def test_an_interrupted_deployment_leaves_the_old_or_the_new(tmp_path):
    programs = [_program(tmp_path / name, name) for name in ("one", "two")]
    with PtyBoard(tmp_path, "--runtime", "mpy64") as board:
        assert _deploy(board, programs[0], 0) == 0 and _starts(board) == "one"
        found = []
        while _deploy(board, programs[1], len(found) + 1) != 0:  # 1: it has found the board; then a line a file
            found.append(_starts(board))
        assert found.count("one") > 2 and found == sorted(found), found
        assert _starts(board) == "two"


def test_a_power_cut_in_a_deployment_leaves_the_old_or_the_new(tmp_path):
    programs = [_program(tmp_path / name, name) for name in ("one", "two")]
    with PtyBoard(tmp_path, "--runtime", "mpy64") as board:
        assert _deploy(board, programs[0], 0) == 0
        now = "one"
        for delay_ms in (150, 300, 450, 600):
            wanted = programs[now == "one"]
            process = subprocess.Popen([sys.executable, os.path.join(runtimes.ROOT, "tools/deploy.py"), "--port",
                                        board.port, "--image", wanted, "--no-wait"], stdout=subprocess.PIPE,
                                       stderr=subprocess.STDOUT)
            process.stdout.readline()
            time.sleep(delay_ms / 1000)
            board.cut_power()
            process.kill()
            process.communicate()
            now = _starts(board)
            assert now in ("one", "two")
        assert _deploy(board, programs[now == "one"], 0) == 0
        assert _starts(board) != now


def test_nothing_starts_after_a_first_deployment_that_was_cut(tmp_path):
    with PtyBoard(tmp_path, "--runtime", "mpy64") as board:
        assert _deploy(board, _program(tmp_path / "one", "one"), 4) != 0
        board.wait("no program here yet", board.cut_power())
