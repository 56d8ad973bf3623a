"""ECHONET Lite controllers written by others, each as a process behind the same few words.

    with Controller("pychonet", own_address, node_address, prefix) as ems:
        ems.discover()                        -> ["02a101", ...], found by multicast
        ems.maps("02a101")                    -> {"get": ["80", ...], "set": [...], "inf": [...]}
        ems.get("02a101", "da")               -> "42", or None where the node said "not possible"
        ems.set("02a101", "eb", "00000e60")   -> True, or False where the node refused
        ems.read("02a101")                    -> {"80": "30", ...} of all its Get map, the controller's own way
        ems.told()                            -> [["02a101", "da", "44"], ...] announced by the node since last asked

The programs are echonet_<name>.py and echonet_<name>.js beside this file: they read one JSON object a line,
`{"op": "get", "eoj": "02a101", "epc": "da"}`, and answer with one, `{"result": ...}` or `{"error": text}`.
"""

import json
import os
import subprocess
import threading

import runtimes

_HERE = os.path.dirname(os.path.abspath(__file__))
PROGRAMS = {
    "pychonet": "echonet_pychonet.py",
    "echonet-lite": "echonet_lite.js",
    "node-echonet-lite": "echonet_node_lite.js",
    "uecho": "echonet_uecho.py",
}


class Controller:
    """The controller `name`, one of PROGRAMS, on the address `own`, talking to the node on the address `node`.

    `prefix` turns a command into the one that runs it elsewhere, as `Network.command` does for a host.
    """

    def __init__(self, name, own, node, prefix=lambda command: command, timeout_s=40):
        program = os.path.join(_HERE, PROGRAMS[name])
        interpreter = runtimes.node() if program.endswith(".js") else runtimes.cpython()
        self._timeout_s = timeout_s
        self._process = subprocess.Popen(prefix(interpreter + [program, own, node]), cwd=_HERE, encoding="utf-8",
                                         stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def discover(self):
        return self._ask(op="discover")

    def maps(self, eoj):
        return self._ask(op="maps", eoj=eoj)

    def get(self, eoj, epc):
        return self._ask(op="get", eoj=eoj, epc=epc)

    def set(self, eoj, epc, edt):
        return self._ask(op="set", eoj=eoj, epc=epc, edt=edt)

    def read(self, eoj):
        return self._ask(op="read", eoj=eoj)

    def told(self):
        return self._ask(op="told")

    def close(self):
        """End the program."""
        self._process.stdin.close()
        try:
            self._process.wait(3)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()

    def _ask(self, **question):
        timer = threading.Timer(self._timeout_s, self._process.kill)
        timer.start()
        try:
            self._process.stdin.write(json.dumps(question) + "\n")
            self._process.stdin.flush()
            while True:
                line = self._process.stdout.readline()
                if not line:
                    raise RuntimeError("no answer to %r" % question)
                if line.startswith("{"):  # the libraries print things of their own
                    break
        finally:
            timer.cancel()
        answer = json.loads(line)
        if "error" in answer:
            raise RuntimeError("%r: %s" % (question, answer["error"]))
        return answer["result"]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
