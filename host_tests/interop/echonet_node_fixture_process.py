"""Starts echonet_node_fixture.py under a runtime and waits until it serves."""

import os
import subprocess

import image
import runtimes


class NodeProcess:
    """The made-up node as a process; `log` is what it printed. A context manager."""

    def __init__(self, runtime, bind, interface="0.0.0.0", spread_ms=1000, repeat_ms=600000, heap_kb=48,
                 prefix=lambda command: command):
        folder = image.build(runtime, "sim")
        path = (folder, folder + "/lib", runtimes.ROOT)
        command = runtimes.command(runtime)
        if runtime != "cpython":
            path = (".frozen",) + path
            command = command + ["-X", "heapsize=%dK" % (heap_kb * (2 if runtime == "mpy64" else 1))]
        path = ":".join(path)
        program = os.path.join(runtimes.ROOT, "host_tests", "interop", "echonet_node_fixture.py")
        self._process = subprocess.Popen(
            prefix(command + [program, bind, interface, str(spread_ms), str(repeat_ms)]), cwd=runtimes.ROOT,
            env=dict(os.environ, MICROPYPATH=path, PYTHONPATH=path, PYTHONUNBUFFERED="1"), stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8")
        line = self._process.stdout.readline()
        if line != "ready\n":
            self._process.kill()
            raise RuntimeError(line + self._process.stdout.read())

    def alive(self):
        return self._process.poll() is None

    def close(self):
        self._process.kill()
        self._process.wait()
        self._process.stdout.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
