"""An energy management system (EMS) as a process, for tests: ems_go, a program on the Go modules eebus-go, spine-go and
ship-go. Its orders and events are in ems_go/*.go; what it sends and gets is in `messages`.

    with Ems(box_ski, "127.0.0.1", box_port, usecases=["eg-lpc", "ma-mpc"]) as ems:
        ems.wait_ready()
        assert ems.call("lpc.write", value=4200, active=True, duration_ms=None)["error"] == 0
        ems.wait_event("lpc.limit", lambda event: event["value"]["active"])
"""

import json
import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time

import runtimes

STATION = ("eg-lpc", "ma-mpc", "cem-evsecc")
CAR = ("cem-evcc", "cem-evcem", "cem-evsoc", "cem-opev", "cem-oscev", "cem-cevc")
_ANSWER_S = 60


class Failed(Exception):
    """The program could not do what it was ordered to; the text says why."""


class Identity:
    """Certificate and key in a folder, made by ship-go when first used. `ski` is what the box must trust."""

    def __init__(self, folder):
        self.folder = str(folder)
        done = subprocess.run(runtimes.go_peer("ems_go") + ["-identity", self.folder, "-ski"],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
        if done.returncode:
            raise Failed(done.stderr)
        self.ski = done.stdout.strip()


class Ems:
    """One EMS, or with box=True eebus-go's own charging station. `ski` of the peer may come later, by `reconnect`.

    host None: find the box by mDNS. heartbeat: the promise, as Go writes durations; it is sent 2 s earlier where
    that is longer than 2 s. retry: between dials; "0" for ship-go's own random delays of up to 20 s."""

    def __init__(self, ski=None, host="127.0.0.1", port=None, usecases=STATION, identity=None, heartbeat="4s",
                 retry="300ms", own_port=0, box=False, serial="1", prefix=(), interfaces=None, log=None):
        self._folder = tempfile.mkdtemp(prefix="ems_go-")
        self.identity = identity or Identity(os.path.join(self._folder, "identity"))
        self.ski = self.identity.ski
        self.log = log or os.path.join(self._folder, "log")
        self.usecases = tuple(usecases)
        command = list(prefix) + runtimes.go_peer("ems_go") + [
            "-identity", self.identity.folder, "-port", str(own_port), "-usecases", ",".join(usecases),
            "-heartbeat", heartbeat, "-retry", retry, "-serial", serial, "-log", self.log]
        if ski:
            command += ["-remote-ski", ski]
        if ski and port and host:
            command += ["-address", "%s:%d" % (host, port)]
        elif host is None:
            command += ["-mdns", "-interfaces", interfaces or ""]
        if box:
            command.append("-box")
        environment = {name: os.environ[name] for name in os.environ if not name.lower().endswith("_proxy")}
        self._errors = open(os.path.join(self._folder, "stderr"), "w+")
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._errors,
                                        env=environment)
        self.events = []  # every one since the start, oldest first
        self._answers = {}
        self._news = threading.Condition()
        self._ended = False
        self._number = 0
        self._mark = 0
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self.wait_event("started", after=0)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """End as SHIP wants it; kills the process when it does not end. Raises when it crashed before."""
        crashed = self.process.poll()
        if crashed is None:
            try:
                self.process.send_signal(signal.SIGCONT)
                self.process.stdin.close()
            except OSError:
                pass
            try:
                self.process.wait(8)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
                crashed = "did not end"
        self._reader.join(5)
        self.process.stdout.close()
        stderr = self._stderr()
        self._errors.close()
        shutil.rmtree(self._folder, ignore_errors=True)
        if crashed not in (None, -signal.SIGKILL):
            raise Failed("the EMS ended with %s: %s" % (crashed, stderr))

    def kill(self):
        """End without a word, as when the power goes."""
        self.process.kill()
        self.process.wait()

    def freeze(self):
        """Silence with open sockets, as when a cable is cut; `thaw` ends it."""
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self):
        self.process.send_signal(signal.SIGCONT)

    def _stderr(self):
        self._errors.seek(0)
        return self._errors.read()[-2000:]

    def _read(self):
        for text in self.process.stdout:
            line = json.loads(text)
            with self._news:
                if "event" in line:
                    self.events.append(line)
                else:
                    self._answers[line["id"]] = line
                self._news.notify_all()
        with self._news:
            self._ended = True
            self._news.notify_all()

    def _until(self, found, timeout, what):
        """What `found` returns as soon as that is not None."""
        end = time.monotonic() + timeout
        with self._news:
            while True:
                value = found()
                if value is not None:
                    return value
                left = end - time.monotonic()
                if self._ended:
                    raise Failed("the EMS ended, waiting for %s: %s" % (what, self._stderr()))
                if left <= 0:
                    raise AssertionError("no %s within %s s; last events:\n%s" % (
                        what, timeout, "\n".join(json.dumps(each)[:300] for each in self.events[-12:])))
                self._news.wait(left)

    # orders

    def send(self, op, **parameters):
        """Give an order without waiting; `answer` takes what this returns."""
        with self._news:
            self._number += 1
            number = self._number
            self._mark = len(self.events)
        line = {"id": number, "op": op, "with": parameters}
        try:
            self.process.stdin.write(json.dumps(line).encode() + b"\n")
            self.process.stdin.flush()
        except OSError:
            raise Failed("the EMS ended: " + self._stderr()) from None
        return number

    def answer(self, number, timeout=_ANSWER_S):
        """What the order returned; Failed when it could not be done. A box's refusal is no failure, but an answer
        with its error number: {"error": 7, "description": "...", "classifier": "result", "counter": 12}."""
        line = self._until(lambda: self._answers.pop(number, None), timeout, "answer to order %d" % number)
        if "failed" in line:
            raise Failed(line["failed"])
        return line["ok"]

    def call(self, op, **parameters):
        """One order and its answer."""
        return self.answer(self.send(op, **parameters))

    def raw(self, to, cmd=None, **more):
        """Send one hand-made command and return the box's response; see raw.go for the parameters."""
        if cmd is not None:
            more["cmd"] = cmd
        return self.call("raw", to=to, **more)

    # what comes

    def wait_event(self, name, match=None, timeout=40, after=None):
        """The first event of that name for which `match(event)` holds; counted from the last order, or from `after`,
        a number that `len(ems.events)` once was."""
        begin = self._mark if after is None else after
        return self._until(lambda: self._find(name, match, begin), timeout, "event %s" % name)

    def _find(self, name, match, begin):
        for event in self.events[begin:]:
            if event["event"] == name and (match is None or match(event)):
                return event
        return None

    def count(self, name, after=0):
        """How many events of that name there were since `after`."""
        with self._news:
            return sum(each["event"] == name for each in self.events[after:])

    def wait_connected(self, timeout=40):
        """SHIP is in its data phase."""
        self.until(lambda: self.call("state")["connected"], timeout, "connection")

    def wait_disconnected(self, timeout=40):
        self.until(lambda: not self.call("state")["connected"], timeout, "disconnection")

    def wait_usecase(self, *names, timeout=40):
        """The box supports these use cases; returns what it supports of all."""
        return self.until(lambda: _all_of(self.call("usecases"), names), timeout, "use cases " + ", ".join(names))

    def wait_ready(self, timeout=40):
        """Connected, every station-level use case found, and the limit read, so that it can be written."""
        self.wait_usecase(*[name for name in self.usecases if name in STATION], timeout=timeout)
        if "eg-lpc" in self.usecases:
            self.call("lpc.limit", wait_ms=int(timeout * 1000))
            self.call("lpc.failsafe_duration", wait_ms=int(timeout * 1000))

    def until(self, condition, timeout=40, what="condition"):
        """Poll until `condition()` is true; returns what it returned. Events count from before."""
        begin = self._mark
        end = time.monotonic() + timeout
        while True:
            value = condition()
            if value:
                self._mark = begin
                return value
            assert time.monotonic() < end, "no %s within %s s; events:\n%s\nstate: %s" % (
                what, timeout, "\n".join(json.dumps(each)[:300] for each in self.events[-12:]), self.call("state"))
            time.sleep(0.1)

    def messages(self, direction=None, function=None, classifier=None):
        """SPINE datagrams of the log as {"t", "dir", "header", "cmd"}; direction is "in" or "out"."""
        found = []
        with open(self.log) as log:
            for text in log:
                line = json.loads(text) if text.endswith("\n") else {}
                if "spine" not in line:
                    continue
                datagram = line["spine"]["datagram"]
                cmd = (datagram["payload"]["cmd"] or [{}])[0]
                if (direction in (None, line["dir"]) and (function is None or function in cmd)
                        and classifier in (None, datagram["header"].get("cmdClassifier"))):
                    found.append({"t": line["t"], "dir": line["dir"], "header": datagram["header"], "cmd": cmd})
        return found


def _all_of(found, names):
    return found if all(found.get(name) for name in names) else None


def limit_cmd(limit_id=0, value=None, active=None, end_time=None, scale=0, delete_period=False, partial=True,
              **unknown):
    """A write of loadControlLimitListData for `Ems.raw("LoadControl", ...)`, with only what is given: value an int,
    end_time an ISO 8601 duration. delete_period adds the filter that deletes the old timePeriod; partial False makes
    it a full write without function and filter. scale None leaves the scale out; unknown elements go last."""
    entry = {"limitId": limit_id}
    if active is not None:
        entry["isLimitActive"] = active
    if end_time is not None:
        entry["timePeriod"] = {"endTime": end_time}
    if value is not None:
        entry["value"] = {"number": value} if scale is None else {"number": value, "scale": scale}
    entry.update(unknown)
    if limit_id is None:
        del entry["limitId"]
    cmd = {}
    if partial:
        filters = [{"cmdControl": {"partial": {}}}]
        if delete_period:
            filters.insert(0, {"cmdControl": {"delete": {}},
                               "loadControlLimitListDataSelectors": {"limitId": limit_id},
                               "loadControlLimitDataElements": {"timePeriod": {}}})
        cmd = {"function": "loadControlLimitListData", "filter": filters}
    cmd["loadControlLimitListData"] = {"loadControlLimitData": [entry]}
    return cmd
