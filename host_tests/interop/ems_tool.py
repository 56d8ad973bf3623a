"""For tests: tools/ems.py as a process, as a person or a script uses it."""

import json
import queue
import shlex
import subprocess
import sys
import threading

import pytest

_EMS = [sys.executable, "tools/ems.py"]


class Tool:
    """`ems.py` with an identity of its own."""

    def __init__(self, folder):
        self.folder = str(folder)
        self.ski = self.run("own")[0]["ski"]

    def command(self, words, *more):
        return [*_EMS, *shlex.split(words), "--folder", self.folder, "--json", *more]

    def run(self, words, *more, status=0, timeout=40):
        """The lines one command prints; what it says on stderr is in `said`."""
        done = subprocess.run(self.command(words, *more), stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=timeout)
        self.said = done.stderr
        assert done.returncode == status, (done.returncode, done.stdout, done.stderr)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def refused(self, words, *more, status=1):
        """The one sentence of a command that cannot be done."""
        lines = self.run(words, *more, status=status)
        assert self.said.startswith("ems: ") and self.said.count("\n") == 1, self.said
        assert lines[-1]["error"] == self.said[5:-1]
        return self.said


class Talk:
    """`ems.py talk`: one connection, word after word."""

    def __init__(self, tool, *more):
        self.process = subprocess.Popen(tool.command("talk", *more), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True)
        self._lines = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self.process.stdout:
            self._lines.put(json.loads(line))
        self._lines.put({"error": "ended: " + self.process.stderr.read()})

    def say(self, words, timeout=60):
        """What a word prints; Exception with its sentence when it fails."""
        self.process.stdin.write(words + "\n")
        self.process.stdin.flush()
        found = []
        while True:
            line = self._lines.get(timeout=timeout)
            if "error" in line:
                raise Exception(line["error"])
            if "done" in line:
                return found
            found.append(line)

    def refused(self, words):
        with pytest.raises(Exception) as failure:
            self.say(words)
        return str(failure.value)

    def values(self, entity):
        return self.say("show")[0]["entities"][entity]

    def end(self):
        if self.process.poll() is None:
            self.process.stdin.close()
        try:
            return self.process.wait(10)
        finally:
            self.process.kill()
