"""The smallest heap in which the board `devkit` serves an EMS: firmware, plant and car in one, on the 32-bit runtime.

    python3 tools/heap_devkit.py [KB] [--profile full]

Beside the heap an ESP32 has here: the stand-in for its network module (host_tests/fakes), some 2 KB. What an ESP32
has besides and this runtime does not: TLS, about 25 KB a connection, comes out of the same memory there. The EMS,
eebus-go, pairs over TLS and sets a limit, which the simulated car follows for some seconds.
"""

import argparse
import json
import os
import select
import subprocess
import sys
import tempfile
import time

import heap
import image
import provision
import runtimes
import setup

_LIMIT_W, _LIMIT_MA = 9000, 13000
_CHARGING_S = 3
_PORT = 4779


class _Failed(Exception):
    """This heap is too small."""


class Device:
    """The firmware as a process; its console is stdin and stdout."""

    def __init__(self, folder, kilobytes):
        os.symlink(image.build("mpy32", "devkit", linked=True), os.path.join(folder, "fw"))
        os.symlink(os.path.join(runtimes.ROOT, "host_tests", "fakes"), os.path.join(folder, "hw"))
        environment = dict(os.environ, MICROPYPATH="hw:fw:fw/lib:.frozen")
        self.lines = []
        self._text = b""
        self.process = subprocess.Popen(
            runtimes.mpy32() + ["-X", "heapsize=%dK" % kilobytes, "-c",
                                "import network; network.air['any'] = None; network.address = '127.0.0.1'\n"
                                "import boot, main"],
            cwd=folder, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def line(self, beginning, timeout_s=20):
        """The next line that begins so."""
        end = time.monotonic() + timeout_s
        while time.monotonic() < end:
            while b"\n" in self._text:
                line, self._text = self._text.split(b"\n", 1)
                line = line.decode("utf-8", "replace")
                self.lines.append(line)
                if line.startswith(beginning):
                    return line
            if select.select((self.process.stdout,), (), (), 0.2)[0]:
                data = os.read(self.process.stdout.fileno(), 4096)
                if not data:
                    raise _Failed("it ended: %s" % self.lines[-3:])
                self._text += data
        raise _Failed("silence: %s" % self.lines[-3:])

    def say(self, words):
        """Type a line; its answer."""
        self.process.stdin.write(words.encode() + b"\n")
        self.process.stdin.flush()
        return json.loads(self.line("{"))


def enough(kilobytes, profile="core"):
    """Whether it does all that in so many KB."""
    sys.path.insert(0, runtimes.ROOT)
    from host_tests.peers import ems as peer

    with tempfile.TemporaryDirectory() as folder:
        provision.ensure(folder)
        settings = {"wifi_ssid": "any", "ship_port": _PORT, "accept_any": True, "time_server": "off",
                    "profile": profile, "rise_ma_per_5s": 80000, "resume_hold_s": 0}
        with open(os.path.join(folder, "settings.json"), "w") as file:
            json.dump(settings, file)
        device = Device(folder, kilobytes)
        try:
            _work(device, peer)
            return not any("MemoryError" in line for line in device.lines)
        except (_Failed, peer.Failed, AssertionError, OSError, ValueError, KeyError, TypeError):
            return False
        finally:
            device.process.kill()
            device.process.wait()
            device.process.stdin.close()
            device.process.stdout.close()


def _work(device, peer):
    ski = device.line("ready ").split("ski=")[1].split()[0]
    if ski == "-":
        raise _Failed("SHIP is off")
    device.say("plug phases=3 ready=true")
    with peer.Ems(ski, "127.0.0.1", _PORT, peer.STATION) as ems:
        ems.wait_ready()
        end = time.monotonic() + 15
        while ems.call("lpc.write", value=_LIMIT_W, active=True, duration_ms=None)["error"]:
            if time.monotonic() > end:
                raise _Failed("the limit is refused")
            time.sleep(0.5)
        end = time.monotonic() + 20
        while not _charges(device):
            if time.monotonic() > end:
                raise _Failed("does not charge")
            time.sleep(0.3)
        end = time.monotonic() + _CHARGING_S
        while time.monotonic() < end:
            if not _charges(device):
                raise _Failed("does not charge as it should")
            time.sleep(0.3)
        if any(event["event"] == "disconnected" for event in ems.events):
            raise _Failed("the connection was lost")


def _charges(device):
    state = device.say("state")
    return state["contactor"]["closed"] and state["offer_ma"] == _LIMIT_MA and state["current_ma"][0] > 6000


def main():
    parser = argparse.ArgumentParser(description="Find the smallest heap for the board devkit with an EMS.")
    parser.add_argument("kilobytes", type=int, nargs="?", help="only say whether so many are enough")
    parser.add_argument("--profile", choices=("core", "full"), default="core")
    given = parser.parse_args()
    setup.ensure("run", "mpy32")
    if given.kilobytes:
        sys.exit(0 if enough(given.kilobytes, given.profile) else "not enough")
    print("devkit, profile %s, one EMS over TLS, car charging: %s KB" % (
        given.profile, heap.smallest(lambda kilobytes: enough(kilobytes, given.profile), 256)))


if __name__ == "__main__":
    main()
