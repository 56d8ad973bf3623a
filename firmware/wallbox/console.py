"""What a person at the REPL, or the board's console line, can ask and tell.

`call(request)` takes one request `{"op": ..., ...}` and gives the answer as pairs of name and value, so that it never
stands in memory whole; a value may itself be a generator of list items.
"""

import gc

from bounded.compat import const, unload
from bounded.on_demand import release, room
from wallbox.console_words import Words
from wallbox.limits.sources import rows

_ROOM = const(10240)  # bytes of heap that a word may need
_KINDS = ("interlock", "permission", "ceiling", "obligation", "request")
_UNITS = ("", "mA", "W", "allowed")
_OK = (("ok", True),)


def _largest_block(free):
    """The largest block the heap gives at once, within an eighth and up to 32 KB; found by asking for it.

    For more, the heap of an ESP32 would take memory that TLS needs."""
    size = min(free, 32768)
    while size > 64:
        try:
            bytearray(size)
            return size
        except MemoryError:
            size = size * 7 // 8
    return size


def memory():
    """Heap in bytes: free, used, and the largest block to be had at once; None where Python does not tell."""
    if not hasattr(gc, "mem_free"):
        return {"free": None, "used": None, "largest": None}
    gc.collect()
    free = gc.mem_free()
    return {"free": free, "used": gc.mem_alloc(), "largest": _largest_block(free)}


class Console(Words):
    """The words; `app` is the running App."""

    def __init__(self, app):
        self.app = app
        self.wanted = {}  # settings that wait for `save`
        self.tested = None  # the last self-test

    def call(self, request):
        """Answer one request by pairs; what cannot be done is answered by the pair "error" and a sentence."""
        word = request.get("op")
        act = getattr(self, "op_" + word, None) if isinstance(word, str) else None
        if act is None:
            return (("error", "unknown op %s; help lists them" % word),)
        room(_ROOM)
        return act(request)

    def op_state(self, request):
        """Everything the firmware knows of itself: offer, binding source, all sources, faults, memory, loop."""
        app = self.app
        station = app.station
        guard = station.guard
        yield "memory", memory()
        yield "offer_ma", station.offer.offer_ma
        yield "phases", station.facts.phases
        yield "binding", station.decision.binding if station.decision else None
        yield "limits", self.every_limit(station)
        yield "pilot_state", guard.state
        yield "faults", app.device_state.faults()  # these three are codes: evse/texts.py has their words
        yield "warnings", guard.warnings
        yield "why", guard.why
        yield "discharge_ma", guard.out.discharge_ma
        yield "session_wh", station.energy.session_wh()
        yield "total_wh", station.energy.total_wh
        yield "loop_gap_ms", app.loop_gap_ms
        yield "uptime_ms", station.now_ms
        server = app.echonet
        yield "echonet", {
            "multicast": server.multicast,
            "sent": server.sent,
            "errors": server.errors,
            "counts": server.node.counts,
            "failure": server.failure and repr(server.failure),
        }

        if app.ship:
            yield "ship", app.ship.report()
        if app.page:
            yield "page", app.page.report()

    def every_limit(self, station):
        """Every source of limits, one dictionary each."""
        if station.decision:
            for name, kind, value, unit, age_ms, active, binding, share_ma in rows(
                station.sources, station.now_ms, station.decision
            ):
                yield {
                    "name": name,
                    "kind": _KINDS[kind],
                    "value": value,
                    "unit": _UNITS[unit],
                    "age_ms": age_ms,
                    "active": active,
                    "binding": binding,
                    "share_ma": None if share_ma < 0 else share_ma,
                }

    def op_memory(self, request):
        """Heap in bytes: free, used, the largest block, and the least that ever was free; with `release` after what was
        loaded from flash on demand is dropped (bounded/on_demand.py)."""
        if request.get("release"):
            release()
        found = memory()
        found["least_free"] = self.app.health.least_free
        return found.items()

    def op_network(self, request):
        """Tell the firmware that its network went down or came back (`up`)."""
        self.app.network_changed(bool(request.get("up")))
        return _OK

    def op_faults_reset(self, request):
        """A person saw to it: clear latched faults whose cause is gone."""
        self.app.station.guard.reset_faults(True)
        return _OK

    def op_update(self, request):
        """Install the signed bundle at `file` or `url`, one of an older version only with `older`, or `cancel` that;
        without these words, how it goes (update.py)."""
        problem = None
        if len(request) > 1:
            from wallbox import update

            problem = update.begin(self.app, request)
            if not self.app.updating:
                unload("wallbox.update")
                unload("wallbox.bundle")
        return (("error", problem),) if problem else (("update", self.app.update),)

    def op_trust(self, request):
        """Trust the EMS with this `ski`, as a person compared it; a connection that waits for it goes on. Without
        `ski`: who is trusted, and who asked."""
        if "ski" not in request and self.app.ship:
            return [pair for pair in self.app.ship.report().items() if pair[0] in ("trusted", "askers", "window")]
        return self._person(lambda trust: trust.add(str(request.get("ski"))))

    def op_untrust(self, request):
        """Trust the EMS with this `ski` no longer."""
        return self._person(lambda trust: trust.remove(str(request.get("ski"))))

    def op_accept_any(self, request):
        """Trust whoever asks within the next `s` seconds (120), up to a day; 0 ends that."""
        s = request.get("s", 120)
        if type(s) is not int or not 0 <= s <= 86400:
            return (("error", "s must be 0 to 86400"),)
        return self._person(lambda trust: trust.open_window(self.app.station.now_ms, s * 1000))

    def op_car(self, request):
        """What a modem or a back end knows of the car that is plugged in: standard, asymmetric, below_target, eui48,
        vendor, model, serial, soh, range_m (functions/identification.py)."""
        if not self.app.identification:
            return (("error", "the profile core does not show the car"),)
        problem = self.app.identification.learn(request)
        return (("error", problem),) if problem else _OK

    def op_demand(self, request):
        """What the car that is plugged in needs: `energy_wh` within `departure_s` seconds, at least `min_wh`, at most
        `max_wh`. The answer is what of it finds no place in the plan so far, null while that is being made."""
        plan = self.app.charge_plan
        if not plan or not self.app.station.car:
            return (("error", "no car to plan for"),)
        numbers = [request.get(name, usual) for name, usual in (
            ("energy_wh", None), ("departure_s", None), ("min_wh", 0), ("max_wh", request.get("energy_wh")))]
        if [each for each in numbers if type(each) is not int] or not plan.demand(*numbers):
            return (("error", "energy_wh up to 500000 between min_wh and max_wh, departure_s 1 to 604800"),)
        plan.step()
        return (("missing_wh", None if plan.planning() else plan.missing_wh),)

    def op_sessions(self, request):
        """The newest charging sessions, `count` of them (10), up to 100, with the bill of the EMS where it sent one."""
        count = request.get("count", 10)
        if type(count) is not int or not 1 <= count <= 100:
            return (("error", "count must be 1 to 100"),)
        from wallbox import session_text

        return (("sessions", session_text.newest(self.app.board.storage, count)),)

    def _person(self, act):
        if not self.app.ship:
            return (("error", "SHIP is off"),)
        try:
            act(self.app.ship.trust)
        except (ValueError, OSError) as error:
            return (("error", str(error)),)
        return _OK
