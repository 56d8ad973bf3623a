"""The console line of a board: what is typed on its serial port while the wallbox runs.

A line is a JSON object as at the simulator's control port, or its short form: `plug phases=1`, `state`,
`trust ski=...`. The answer is one JSON object a line. Ctrl-C ends the wallbox and leads to the REPL.
"""

import json
import select
import sys

from bounded.compat import const
from bounded.wait import readable

_LONGEST = const(300)


def parsed(line):
    """The request in a line, ValueError when there is none."""
    line = line.strip()
    if line[:1] == "{":
        request = json.loads(line)
        if not isinstance(request, dict):
            raise ValueError("not an object")
        return request
    words = line.split()
    request = {"op": words[0]}
    for word in words[1:]:
        name, equals, value = word.partition("=")
        if not equals:
            raise ValueError("%s has no =" % word)
        try:
            request[name] = json.loads(value)
        except ValueError:
            request[name] = value
    return request


def answer(call, line, put):
    """Answer one line by pieces given to `put`; `call(request)` gives pairs."""
    put("{")
    mark = ""
    try:
        for key, value in call(parsed(line)):  # piece by piece: never the whole answer in memory
            put(mark + json.dumps(key) + ":")
            mark = ","
            if hasattr(value, "close"):  # a generator: a list, item by item
                between = "["
                for item in value:
                    put(between + json.dumps(item))
                    between = ","
                put("[]" if between == "[" else "]")
            else:
                put(json.dumps(value))
    except Exception as error:  # noqa: BLE001 - a person mistyped
        put(mark + '"error":' + json.dumps(str(error) or repr(error)))
    put("}\n")


async def serve(call):
    """Answer lines for ever, or until there is no console any more."""
    line = ""
    poll = select.poll()
    poll.register(sys.stdin, 1)
    while True:
        await readable(sys.stdin)
        while True:
            mark = sys.stdin.read(1)
            if not mark:
                return
            if mark in "\r\n":
                if line.strip():
                    answer(call, line, sys.stdout.write)
                line = ""
                break
            if mark >= " " and len(line) < _LONGEST:  # mpremote leaves control codes behind
                line += mark
            if not poll.poll(0):
                break
