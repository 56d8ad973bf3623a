"""A client of the simulator's control port, to import and to type.

    python3 tools/control.py PORT '{"op":"state"}' ['{"op":"plug","phases":1}' ...]
"""

import json
import socket
import sys
import time


class ControlError(Exception):
    """The control port answered with an error; the text is that answer."""


class Control:
    """One connection; a context manager."""

    def __init__(self, port, host="127.0.0.1", timeout_s=60):
        self._socket = socket.create_connection((host, port), timeout_s)
        self._file = self._socket.makefile("rwb")

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        self.close()

    def close(self):
        self._file.close()
        self._socket.close()

    def ask(self, request):
        """Send one request as it is and return the answer as it is."""
        self._file.write(json.dumps(request).encode() + b"\n")
        self._file.flush()
        line = self._file.readline()
        if not line:
            raise ControlError("the simulator has ended")
        return json.loads(line)

    def call(self, op, **arguments):
        """Do `op`; the answer. Raises ControlError when it could not be done."""
        answer = self.ask(dict(arguments, op=op))
        if "error" in answer:
            raise ControlError(answer["error"])
        return answer

    def state(self):
        """Everything the simulator and the firmware know, see DESIGN of the control port: pilot, offer_ma, ..."""
        return self.call("state")

    def wait(self, predicate, timeout_s=40, every_s=0.1):
        """Poll until `predicate(state)` holds and return that state; TimeoutError with the last state else."""
        end = time.monotonic() + timeout_s
        while True:
            state = self.state()
            if predicate(state):
                return state
            if time.monotonic() > end:
                raise TimeoutError("not within %s s; the last state was %s" % (timeout_s, json.dumps(state)))
            time.sleep(every_s)


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__.strip())
    try:
        with Control(int(sys.argv[1])) as control:
            for text in sys.argv[2:]:
                print(json.dumps(control.ask(json.loads(text))))
    except (OSError, ValueError, ControlError) as error:
        sys.exit("control: %s" % error)


if __name__ == "__main__":
    main()
