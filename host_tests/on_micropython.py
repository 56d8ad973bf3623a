"""pytest collectors for test files that run under MicroPython as well, 64-bit and 32-bit.

The same file is an ordinary test module on CPython. For each MicroPython runtime one process runs the selected
functions of a file in order (run_pure.py), and every function is reported on its own, as `file::test_x[mpy32]`.
The firmware and the libraries come from the compiled image with -O3: that is what ships, and a 32-bit heap is
then spent as on a device instead of on the compiler. Test files are loaded as source: their asserts must stay.
`--optimise 0` runs the same with line numbers in firmware tracebacks.
"""

import ast
import os
import queue
import re
import subprocess
import threading

import image
import pytest
import runtimes

RUNTIMES = ("mpy64", "mpy32")
ROOT = runtimes.ROOT
_HEAP = 192  # KB of the 32-bit run, unless the file says `# heap: 128K`; words of 64 bits need twice that
_SILENCE_S = 240  # a test that takes longer than this has hung
_MARK = "\x01"


class MicroPythonFile(pytest.File):
    """The test functions of one file under one runtime."""

    @classmethod
    def of(cls, parent, path, runtime):
        collector = cls.from_parent(parent, path=path)
        collector.runtime = runtime
        collector.run = None
        return collector

    def collect(self):
        source = self.path.read_text(encoding="utf-8")
        self.heap_kb = _heap_kb(source, self.runtime)
        for node in ast.parse(source, str(self.path)).body:
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test"):
                item = MicroPythonTest.from_parent(self, name="%s[%s]" % (node.name, self.runtime))
                item.function_name, item.line = node.name, node.lineno - 1
                yield item

    def selected(self):
        """Names of this file's functions that the session runs, in its order."""
        return [item.function_name for item in self.session.items if item.parent is self]


class MicroPythonTest(pytest.Item):
    """One test function under one runtime."""

    def runtest(self):
        if self.parent.run is None:
            self.parent.run = _Run(self.parent)
        self.parent.run.result(self.function_name)

    def repr_failure(self, excinfo, style=None):
        if isinstance(excinfo.value, Failure):
            return str(excinfo.value)
        return super().repr_failure(excinfo)

    def reportinfo(self):
        return self.path, self.line, self.name


class Failure(Exception):
    """A test failed under MicroPython; the text is what the runtime printed."""


class _Run:
    """The process that runs one file's tests, and the lines it prints."""

    def __init__(self, collector):
        try:
            command = runtimes.command(collector.runtime)
        except runtimes.Missing as error:
            self._process, self._missing = None, str(error)
            return
        optimise = collector.config.getoption("--optimise")
        folder = image.build(collector.runtime, "all", optimise)
        module = os.path.relpath(collector.path, ROOT)[:-3].replace(os.sep, ".")
        environment = dict(os.environ, MICROPYPATH=":".join((folder, folder + "/lib", ROOT, ".frozen")))
        self._runtime = "%s, heap %d KB" % (collector.runtime, collector.heap_kb)
        self._names = collector.selected()
        self._process = subprocess.Popen(
            command + ["-X", "heapsize=%dK" % collector.heap_kb, os.path.join(ROOT, "host_tests", "run_pure.py"),
                       module] + self._names,
            cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        collector.session.config.add_cleanup(self._end)
        self._lines = queue.Queue()
        threading.Thread(target=self._read, args=(self._process.stdout,), daemon=True).start()
        self._printed = []  # by the test that runs, or before the first
        self._ended_in = None

    def result(self, name):
        """Wait for the outcome of `name`; raises Failure unless it passed."""
        if self._process is None:
            _without_runtime(self._missing)
        while True:
            try:
                line = self._lines.get(timeout=_SILENCE_S)
            except queue.Empty:
                self._end()
                self._fail("printed nothing for %d s and was ended" % _SILENCE_S)
            if line is None:
                self._lines.put(None)
                if self._ended_in:
                    raise Failure("did not run: the process had ended in " + self._ended_in)
                self._ended_in = name
                self._fail("ended with status %d before %s was done" % (self._process.wait(), name))
            elif line == _MARK + "begin " + name:
                self._printed = []
            elif line == _MARK + "pass " + name:
                print("\n".join(self._printed))
                return
            elif line == _MARK + "fail " + name:
                self._fail("failed")
            else:
                self._printed.append(line)

    def _fail(self, what):
        raise Failure("%s: %s\n%s" % (self._runtime, what, "\n".join(self._printed)))

    def _read(self, stream):
        for line in stream:
            self._lines.put(line.decode("utf-8", "replace").rstrip("\r\n"))
        self._lines.put(None)

    def _end(self):
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()


def _without_runtime(why):
    if os.environ.get("CI"):
        raise Failure(why)
    pytest.skip(why)


def _heap_kb(source, runtime):
    found = re.search(r"^# heap: (\d+)K\s*$", "\n".join(source.splitlines()[:3]), re.MULTILINE)
    return (int(found.group(1)) if found else _HEAP) * (2 if runtime == "mpy64" else 1)
