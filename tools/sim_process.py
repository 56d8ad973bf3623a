"""Starts tools/sim.py as a process and talks to it: for tests, the bench and demonstrations.

    with SimProcess("--runtime", "mpy32", "--heap", "64K") as sim:
        sim.control.call("plug", phases=1)
        sim.control.wait(lambda state: state["pilot"]["state"] == "B")
"""

import collections
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading

from control import Control

_SIM = os.path.join(os.path.dirname(os.path.abspath(__file__)), "sim.py")
_LINES = 2000
# Beside other programs the firmware's process may not run for 100 ms, at which a simulated interlock opens.
_PATIENT = ("--set", "plant.contactor.interlock_ms=1000")


class NotServing(Exception):
    """The simulator ended before it served; the text is what it printed."""


class SimProcess:
    """Runs from construction to `end()`.

    ready_line, ready   the ready line, and its KEY=VALUE words as a dictionary
    version, control    of the firmware; a connected Control
    lines               everything printed since, stderr too, the newest last; at most 2000
    printed             how many there were
    state               folder of everything persistent; without one a temporary folder, removed at the end
    """

    def __init__(self, *arguments, state=None, echo=False, timeout_s=300):
        self._temporary = None if state else tempfile.mkdtemp(prefix="wallbox-sim-")
        self.state = state or self._temporary
        self.lines = collections.deque(maxlen=_LINES)
        self.printed = 0
        self._echo = echo
        self._news = threading.Condition()
        self._over = False
        self.process = subprocess.Popen(
            [sys.executable, _SIM, "--state", self.state, *_PATIENT, *arguments], stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        threading.Thread(target=self._read, daemon=True).start()
        self.ready_line = self.line("ready ", timeout_s)
        if self.ready_line is None:
            self.end()
            raise NotServing("\n".join(self.lines))
        words = self.ready_line.split()
        self.version = words[1]
        self.ready = dict(word.split("=", 1) for word in words[2:] if "=" in word)
        host, port = self.ready["control"].rsplit(":", 1)
        self.control = Control(int(port), host)

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        self.end()

    def line(self, beginning, timeout_s=60, after=0):
        """The first line that starts so, waiting for it; None when it does not come. `after`: not among the first so
        many, a number that `printed` once was."""
        with self._news:
            self._news.wait_for(lambda: self._find(beginning, after) is not None or self._over, timeout_s)
            return self._find(beginning, after)

    def connect(self):
        """One more client of the control port; the caller closes it."""
        host, port = self.ready["control"].rsplit(":", 1)
        return Control(int(port), host)

    def end(self):
        """End it (SIGTERM, in need SIGKILL) and return its exit status."""
        if hasattr(self, "control"):
            self.control.close()
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            status = self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            status = self.process.wait()
        if self._temporary:
            shutil.rmtree(self._temporary, ignore_errors=True)
        return status

    def _find(self, beginning, after):
        gone = self.printed - len(self.lines)
        for line in list(self.lines)[max(after - gone, 0):]:
            if line.startswith(beginning):
                return line
        return None

    def _read(self):
        for raw in self.process.stdout:
            line = raw.decode("utf-8", "replace").rstrip("\r\n")
            if self._echo:
                print(line, flush=True)
            with self._news:
                self.lines.append(line)
                self.printed += 1
                self._news.notify_all()
        with self._news:
            self._over = True
            self._news.notify_all()
