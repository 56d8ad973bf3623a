"""A headless Chromium, driven over its DevTools protocol.

    with Browser() as browser:
        browser.open("http://127.0.0.3:8080/", "secret")
        browser.wait("document.title.includes('Charging')")

The password is what a person would type into the browser's own dialog.
"""

import base64
import contextlib
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time

import runtimes
from websockets.sync.client import connect

_START_S = 90
_ANSWER_S = 60


class Failed(Exception):
    """The browser did not start, or did not do what it was told; the text says why."""


class Browser:
    """One browser with one tab. `problems`: exceptions and errors of its console, as text; `urls`: all it asked for."""

    def __init__(self, width=1000, height=900):
        self._open = contextlib.ExitStack()  # the connection with the tab
        self._folder = tempfile.mkdtemp(prefix="browser-")
        self.problems = []
        self.urls = []
        self.cut = None  # the answer for this URL ends after its first byte
        self._password = None
        self._asked = 0  # times the password was given for this page
        self._count = 0
        command = runtimes.browser() + [
            "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking",
            "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--no-first-run",
            "--no-proxy-server", "--window-size=%d,%d" % (width, height), "--user-data-dir=" + self._folder,
            "--remote-debugging-port=0", "about:blank"]
        self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                         stderr=subprocess.DEVNULL, start_new_session=True)
        try:
            self._tab = self._connect()
            for domain in ("Page", "Runtime", "Log", "Network"):
                self.call(domain + ".enable")
            self.call("Fetch.enable", handleAuthRequests=True)
        except BaseException:
            self.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        self.close()

    def close(self):
        """End it and all its processes."""
        self._open.close()
        try:
            os.killpg(self._process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self._process.wait()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _connect(self):
        end = time.monotonic() + _START_S
        path = os.path.join(self._folder, "DevToolsActivePort")
        while not os.path.exists(path) or "\n" not in open(path).read():
            if self._process.poll() is not None or time.monotonic() > end:
                raise Failed("the browser does not start (status %s)" % self._process.poll())
            time.sleep(0.05)
        with open(path) as file:
            port, root = file.read().split()[:2]
        with connect("ws://127.0.0.1:%s%s" % (port, root), max_size=None, proxy=None) as link:
            link.send(json.dumps({"id": 1, "method": "Target.getTargets"}))
            answer = json.loads(link.recv(_ANSWER_S))
        tab = [each for each in answer["result"]["targetInfos"] if each["type"] == "page"][0]
        url = "ws://127.0.0.1:%s/devtools/page/%s" % (port, tab["targetId"])
        return self._open.enter_context(connect(url, max_size=None, proxy=None))

    def call(self, method, **parameters):
        """One command of the protocol; its result."""
        self._count += 1
        number = self._count
        self._tab.send(json.dumps({"id": number, "method": method, "params": parameters}))
        end = time.monotonic() + _ANSWER_S
        while True:
            message = self._next(end)
            if message is None:
                raise Failed("no answer to " + method)
            if message.get("id") == number:
                if "error" in message:
                    raise Failed("%s: %s" % (method, message["error"]["message"]))
                return message["result"]

    def _next(self, end):
        """The next message, events dealt with; None at the time `end`."""
        try:
            message = json.loads(self._tab.recv(max(end - time.monotonic(), 0)))
        except TimeoutError:
            return None
        self._event(message.get("method"), message.get("params"))
        return message

    def _tell(self, method, **parameters):
        self._count += 1
        self._tab.send(json.dumps({"id": self._count, "method": method, "params": parameters}))

    def _event(self, method, parameters):
        if method == "Network.requestWillBeSent":
            self.urls.append(parameters["request"]["url"])
        elif method == "Fetch.requestPaused" and parameters["request"]["url"] == self.cut:
            self._tell("Fetch.fulfillRequest", requestId=parameters["requestId"], responseCode=200,
                       body=base64.b64encode(b"{").decode())
        elif method == "Fetch.requestPaused":
            self._tell("Fetch.continueRequest", requestId=parameters["requestId"])
        elif method == "Fetch.authRequired":
            self._asked += 1
            answer = {"response": "CancelAuth"}
            if self._password is not None and self._asked == 1:
                answer = {"response": "ProvideCredentials", "username": "me", "password": self._password}
            self._tell("Fetch.continueWithAuth", requestId=parameters["requestId"], authChallengeResponse=answer)
        elif method == "Runtime.exceptionThrown":
            self.problems.append(json.dumps(parameters["exceptionDetails"]))
        elif method == "Log.entryAdded" and parameters["entry"]["level"] == "error":
            self.problems.append(parameters["entry"]["text"])

    def listen(self, seconds):
        """Deal with events for so long."""
        end = time.monotonic() + seconds
        while self._next(end) is not None:
            pass

    def open(self, url, password=None):
        """Go to `url` and wait until it is loaded; `password` is given once when the page asks for one."""
        self._password, self._asked = password, 0
        self.call("Page.navigate", url=url)
        end = time.monotonic() + _ANSWER_S
        while True:
            message = self._next(end)
            if message is None:
                raise Failed("%s does not load" % url)
            if message.get("method") == "Page.loadEventFired":
                return

    def evaluate(self, expression):
        """The value of JavaScript in the page."""
        result = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in result:
            raise Failed("%s: %s" % (expression, json.dumps(result["exceptionDetails"])))
        return result["result"].get("value")

    def text(self, selector="body"):
        """What a person reads of an element."""
        return self.evaluate("document.querySelector(%s).innerText" % json.dumps(selector))

    def wait(self, expression, timeout_s=40):
        """Wait until JavaScript is true."""
        end = time.monotonic() + timeout_s
        while not self.evaluate(expression):
            if time.monotonic() > end:
                raise Failed("never true: %s; the page says:\n%s" % (expression, self.text()))
            self.listen(0.1)

    def screenshot(self, path):
        """The whole page as PNG."""
        data = self.call("Page.captureScreenshot", captureBeyondViewport=True)["data"]
        with open(path, "wb") as file:
            file.write(base64.b64decode(data))
