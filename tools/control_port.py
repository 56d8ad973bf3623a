"""The simulator's control port: one JSON object a line in, one a line out, for any number of clients at once.

Words that concern the hardware or the car act on the plant, `restart` and `powercut` on the firmware's process,
and every other word goes to the firmware's console. What cannot be done is answered {"error": sentence}.
"""

import asyncio
import json
import sys
import traceback

from boards.sim.car import Car
from boards.sim.faults import FAULTS
from wallbox.evse import texts

_FACTS = ("offer_ma", "phases", "binding", "limits", "faults", "memory", "loop_gap_ms")  # the firmware's part of state
_CAR = Car.__init__.__code__.co_varnames[1:Car.__init__.__code__.co_argcount]
_LINE = 1 << 16


class Refused(Exception):
    """A request that cannot be done; the text is the answer."""


class ControlPort:
    """Serves `plant`, the firmware behind `ask(request, timeout_s)`, and `restart(off_ms)` of its process."""

    def __init__(self, plant, ask, restart):
        self.port = None
        self._plant = plant
        self._ask = ask
        self._restart = restart
        self._server = None
        self._clients = set()

    async def start(self, port):
        """Listen on a loopback port, 0 for any free one."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", port, limit=_LINE)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self):
        """End listening and every client."""
        self._server.close()
        for writer in list(self._clients):
            writer.close()

    async def _serve(self, reader, writer):
        self._clients.add(writer)
        try:
            while True:
                try:
                    line = await reader.readline()
                except ValueError:  # no end of line within the limit: no telling where the next request starts
                    writer.write(b'{"error": "line too long"}\n')
                    await writer.drain()
                    return
                if not line:
                    return
                answer = await self.answer(line)
                writer.write(json.dumps(answer).encode() + b"\n")
                await writer.drain()
        except OSError:
            pass
        finally:
            self._clients.discard(writer)
            writer.close()

    async def answer(self, line):
        """The answer, a dictionary, to one line."""
        try:
            request = json.loads(line)
        except (ValueError, RecursionError):
            return {"error": "not JSON"}
        if not isinstance(request, dict) or not isinstance(request.get("op"), str):
            return {"error": 'a request is an object like {"op": "state"}'}
        arguments = dict(request)
        act = getattr(self, "_op_" + arguments.pop("op"), None)
        try:
            if act is not None:
                return await act(arguments)
            return await self._firmware(request)
        except (Refused, ValueError) as error:
            return {"error": str(error)}
        except Exception as error:
            traceback.print_exc(file=sys.stderr)
            return {"error": "the simulator failed: %r" % error}

    async def _firmware(self, request):
        answer = await self._ask(request, 10.0)
        if answer is None:
            raise Refused("the firmware is silent")
        return answer

    async def _op_state(self, arguments):
        answer = await self._ask({"op": "state"}, 1.0)
        state = self._plant.truth()
        known = answer if isinstance(answer, dict) and "error" not in answer else {}
        state["firmware"] = "silent" if answer is None else "ok" if known else "error"
        if not known and answer:
            state["firmware_error"] = answer.get("error")
        if known:  # the firmware tells codes; words are for those who have room for them
            known["faults"] = texts.fault_names(known["faults"])
            known["warnings"] = texts.warning_names(known["warnings"])
            known["why"] = texts.WHY[known["why"]]
        for name in _FACTS:
            state[name] = known.get(name)
        for name in known:
            state.setdefault(name, known[name])
        return state

    async def _op_plug(self, arguments):
        for name in arguments:
            if name not in _CAR:
                raise Refused("a car has no %s; it has %s" % (name, " ".join(_CAR)))
        self._plant.plug(Car(**arguments))
        return {"ok": True}

    async def _op_unplug(self, arguments):
        self._plant.unplug()
        return {"ok": True}

    async def _op_ready(self, arguments):
        self._plant.ready(True)
        return {"ok": True}

    async def _op_pause(self, arguments):
        self._plant.ready(False)
        return {"ok": True}

    async def _op_fault(self, arguments):
        unknown = set(arguments) - {"name", "on", "value", "ms"}
        if unknown:
            raise Refused("a fault has name, on, value and ms, but no %s" % ", ".join(sorted(unknown)))
        name, on = arguments.get("name"), arguments.get("on", True)
        if not isinstance(name, str) or not isinstance(on, bool):
            raise Refused("name must be a text and on true or false")
        self._plant.fault(name, on, arguments.get("value"), arguments.get("ms"))
        return {"ok": True}

    async def _op_faults(self, arguments):
        described = {name: FAULTS[name][1] for name in FAULTS}
        defaults = {name: FAULTS[name][0] for name in FAULTS if FAULTS[name][0] is not None}
        return {"faults": described, "values": defaults, "active": dict(self._plant.faults.active)}

    async def _op_button(self, arguments):
        self._plant.press(_whole(arguments, "ms", 200, 1, 600000))
        return {"ok": True}

    async def _op_restart(self, arguments):
        return {"ok": True, "ready": await self._restart(None)}

    async def _op_powercut(self, arguments):
        return {"ok": True, "ready": await self._restart(_whole(arguments, "ms", 500, 0, 600000))}


def _whole(arguments, name, default, low, high):
    value = arguments.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise Refused("%s must be an integer from %d to %d" % (name, low, high))
    return value
