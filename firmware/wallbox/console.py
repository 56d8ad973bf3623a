"""What a person at the REPL, or the board's console line, can ask and tell.

`call(request)` takes and gives dictionaries, one per line of the control port.
"""

import gc

from wallbox.evse import faults
from wallbox.limits.sources import rows

_KINDS = ("interlock", "permission", "ceiling", "obligation", "request")
_UNITS = ("", "mA", "W", "allowed")


def _largest_block(free):
    """The largest block the heap gives at once, within an eighth; found by asking for it."""
    size = free
    while size > 64:
        try:
            bytearray(size)
            return size
        except MemoryError:
            size = size * 7 // 8
    return size


class Console:
    """The words; `app` is the running App."""

    def __init__(self, app):
        self._app = app

    def call(self, request):
        """Answer one request `{"op": ..., ...}`; what cannot be done is answered {"error": sentence}."""
        word = request.get("op")
        act = getattr(self, "op_" + word, None) if isinstance(word, str) else None
        if act is None:
            return {"error": "unknown op %s" % word}
        return act(request)

    def op_state(self, request):
        """Everything the firmware knows of itself: offer, binding source, all sources, faults, memory, loop."""
        app = self._app
        station = app.station
        guard = station.guard
        decision = station.decision
        limits = []
        if decision:
            for name, kind, value, unit, age_ms, active, binding, share_ma in rows(
                station.sources, station.now_ms, decision
            ):
                limits.append(
                    {
                        "name": name,
                        "kind": _KINDS[kind],
                        "value": value,
                        "unit": _UNITS[unit],
                        "age_ms": age_ms,
                        "active": active,
                        "binding": binding,
                        "share_ma": None if share_ma < 0 else share_ma,
                    }
                )
        return {
            "offer_ma": station.offer.offer_ma,
            "phases": station.facts.phases,
            "binding": decision.binding if decision else None,
            "limits": limits,
            "pilot_state": guard.state,
            "faults": faults.names(guard.faults),
            "session_wh": station.energy.session_wh(),
            "memory": self.memory(),
            "loop_gap_ms": app.loop_gap_ms,
            "uptime_ms": station.now_ms,
            "echonet": self.echonet(),
        }

    def echonet(self):
        """Datagrams of the ECHONET Lite node: by multicast, sent, and what became of those received (lib/echonet/node)."""
        server = self._app.echonet.server
        return {
            "multicast": server.multicast,
            "sent": server.sent,
            "errors": server.errors,
            "counts": server.node.counts,
            "failure": repr(server.failure) if server.failure else None,
        }

    def memory(self):
        """Heap in bytes: free, used, and the largest block to be had at once; None where Python does not tell."""
        if not hasattr(gc, "mem_free"):
            return {"free": None, "used": None, "largest": None}
        gc.collect()
        free = gc.mem_free()
        return {"free": free, "used": gc.mem_alloc(), "largest": _largest_block(free)}

    def op_network(self, request):
        """Tell the firmware that its network went down or came back (`up`)."""
        self._app.network_changed(bool(request.get("up")))
        return {"ok": True}

    def op_faults_reset(self, request):
        """A person saw to it: clear latched faults whose cause is gone."""
        self._app.station.guard.reset_faults()
        return {"ok": True}
