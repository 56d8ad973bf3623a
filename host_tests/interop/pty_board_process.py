"""tools/pty_board.py as a process, for tests: a board at a serial port, its console and its power."""

import json
import os
import signal
import subprocess
import sys
import threading
import time

import runtimes
import serial

_TOOLS = os.path.join(runtimes.ROOT, "tools")


class PtyBoard:
    """A board in `folder`; its flash stays there. A context manager."""

    def __init__(self, folder, *arguments):
        self.port = str(folder / "board")
        self._log = folder / "log"
        self._process = subprocess.Popen(
            [sys.executable, os.path.join(_TOOLS, "pty_board.py"), "--port", self.port, "--flash",
             str(folder / "flash.img"), "--log", str(self._log), *arguments], stdout=subprocess.PIPE)
        assert self._process.stdout.readline()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.terminate()
        self._process.wait(10)
        self._process.stdout.close()

    def log(self):
        """Everything it printed so far."""
        try:
            return self._log.read_bytes().decode("utf-8", "replace")
        except FileNotFoundError:
            return ""

    def wait(self, text, after=0, timeout_s=60):
        """Wait until `text` is printed behind `after` characters of the log; the line it is in."""
        end = time.monotonic() + timeout_s
        while True:
            log = self.log()[after:]
            at = log.find(text)
            if at >= 0 and "\n" in log[at:]:
                return log[log.rfind("\n", 0, at) + 1:].split("\n")[0].strip()
            assert time.monotonic() < end, "no %r in %s" % (text, self.log()[-2000:])
            time.sleep(0.02)

    def cut_power(self):
        """Off at this instant and on again; how long the log was before."""
        size = len(self.log())
        self._process.send_signal(signal.SIGUSR1)
        return size

    def tool(self, name, *arguments, status=0, timeout_s=120):
        """Run a tool of ours; what it printed."""
        return self._run([sys.executable, os.path.join(_TOOLS, name)] + list(arguments), status, timeout_s)

    def mpremote(self, *arguments, status=0, timeout_s=60):
        """Run mpremote on the board; what it printed."""
        command = [sys.executable, "-m", "mpremote", "connect", "port:" + self.port]
        return self._run(command + list(arguments), status, timeout_s)

    def make(self, word, *variables, status=0, timeout_s=120):
        """`make word PORT=... variables`; what it printed."""
        return self._run(["make", "-s", "-C", runtimes.ROOT, word, "PORT=" + self.port, "PYTHON=" + sys.executable,
                          *variables], status, timeout_s)

    def _run(self, command, status, timeout_s):
        done = subprocess.run(command, cwd=runtimes.ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, universal_newlines=True, timeout=timeout_s)
        assert done.returncode == status, "%s: %d\n%s\n%s" % (command, done.returncode, done.stdout, self.log()[-2000:])
        return done.stdout


class SerialConsole:
    """What a person types at the serial port while the wallbox runs. A context manager."""

    def __init__(self, board):
        self._serial = serial.Serial(board.port, timeout=0.1)
        self._news = threading.Lock()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._serial.close()

    def say(self, line, timeout_s=20):
        """Type a line; the answer, a dictionary."""
        self._serial.write(line.encode() + b"\n")
        end = time.monotonic() + timeout_s
        text = b""
        while time.monotonic() < end:
            text += self._serial.read(max(self._serial.in_waiting, 1))
            for each in text.split(b"\n")[:-1]:
                if each.startswith(b"{"):
                    return json.loads(each)
        raise AssertionError("no answer to %s: %r" % (line, text))

    def wait(self, predicate, timeout_s=30):
        """Ask for the state until `predicate(state)` holds; that state."""
        end = time.monotonic() + timeout_s
        while True:
            state = self.say("state")
            if predicate(state):
                return state
            assert time.monotonic() < end, state
            time.sleep(0.1)
