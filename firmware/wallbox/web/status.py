"""What the page and /status.json tell, as pieces of JSON text that are made one at a time: it never stands in memory
whole. Names carry their units; null is unknown."""

import gc
import json

from bounded.compat import const

_EVENTS = const(20)
_MOST = const(32768)  # a block larger than this is not looked for: nothing here asks for more at once


class Status:
    """The facts about `app`, for a box called `name`, with or without the `journal`: pairs of name and value. A value
    may itself be a generator of list items. None among the facts is a place to let others run."""

    def __init__(self, app, name, journal):
        self._app = app
        self._name = name
        self._journal = journal

    def fill(self, buffer):
        """Put the text into `buffer`, as often as it takes; yields the count of bytes each time, and 0 where others may
        run."""
        at = 0
        for text in self.text():
            data = text.encode()
            start = 0
            while start < len(data):
                count = min(len(data) - start, len(buffer) - at)
                buffer[at : at + count] = data[start : start + count]
                at += count
                start += count
                if at == len(buffer):
                    yield at
                    at = 0
            yield 0
        yield at

    def text(self):
        """The JSON text, piece by piece."""
        lead = "{"
        for pair in self.facts():
            if pair is None:
                yield ""
                continue
            name, value = pair
            yield '%s"%s":' % (lead, name)
            lead = ","
            if hasattr(value, "close"):  # a generator
                between = "["
                for item in value:
                    yield between + json.dumps(item)
                    between = ","
                yield "[]" if between == "[" else "]"
            else:
                yield json.dumps(value)
        yield "}\n"

    def facts(self):
        """Everything."""
        app = self._app
        yield "name", self._name
        yield "version", app.version
        yield "uptime_s", app.station.now_ms // 1000
        yield "time", app.clock.timestamp()
        yield from self.charging(app)
        yield from self.meter(app)
        yield from self.peers(app)
        yield from self.car(app)
        yield from self.health(app)
        if self._journal:
            yield "start", app.journal.start
            yield "journal", app.console.events(app.journal, _EVENTS)
        yield from self.memory(app)

    def charging(self, app):
        """State of the pilot, charging or why not, what is offered and which source set it."""
        station = app.station
        guard = station.guard
        decision = station.decision
        yield "pilot", guard.state
        yield "charging", guard.why == 0 and guard.out.contactor
        yield "discharging", guard.out.discharge_ma > 0
        yield from self.words(app)
        yield "offer_ma", station.offer.offer_ma
        yield "phases", station.facts.phases
        yield "binding", decision.binding if decision else None
        yield "limits", app.console.every_limit(station)

    def words(self, app):
        """What needs the texts, which are in memory no longer than that."""
        from wallbox.evse import texts

        yield None
        from wallbox import why

        yield None
        guard = app.station.guard
        faults = app.device_state.faults()
        yield "reason", texts.WHY[guard.why]
        yield "why", why.sentences(app)
        yield "faults", [texts.FAULTS[bit][1] for bit in range(len(texts.FAULTS)) if faults >> bit & 1]
        yield "warnings", texts.warning_names(guard.warnings)

    def meter(self, app):
        station = app.station
        readings = station.readings
        fresh = station.meter_fresh
        yield "current_ma", readings.current_ma if fresh else None
        yield "voltage_mv", readings.voltage_mv if fresh else None
        yield "power_w", readings.power_w if fresh else None
        yield "session_wh", station.energy.session_wh()
        yield "energy_wh", station.energy.total_wh
        yield "exported_wh", station.exported and station.exported.total_wh
        yield "temperature_dc", readings.temperature_dc

    def peers(self, app):
        """Who is connected, and the state of the power limit with heartbeat (LPC)."""
        ship = app.ship
        yield "ski", ship and ship.ski
        yield "ems", ship and [{"ski": each.ski, "open": each.open} for each in ship.node.sessions]
        limit = app.power_limit.consumption
        if limit and app.power_limit.commissioned:
            yield "lpc", {
                "state": ("init", "limited", "unlimited/controlled", "failsafe", "unlimited/autonomous")[limit.state],
                "limit_w": limit.limit_w(),
                "remaining_s": limit.end_ms and limit.remaining_ms(app.station.now_ms) // 1000,
                "failsafe_w": limit.failsafe_w,
            }
        yield "echonet_requests", app.echonet.node.counts[0]

    def car(self, app):
        station = app.station
        readings = station.readings
        found = {"soc_per_cent": readings.ev_soc_per_cent, "capacity_wh": readings.ev_capacity_wh}
        known = app.identification
        if known:
            found["standard"] = known.standard
            found["eui48"] = known.eui48
            if known.manufacturer:
                found["model"], found["serial"], found["vendor"] = known.manufacturer
        yield "car", found if station.car else None

    def health(self, app):
        health = app.health
        yield "loop_gap_ms", app.loop_gap_ms
        yield "longest_gap_ms", max(health.stall_ms, app.loop_gap_ms)
        yield "safe_mode", bool(health.safe)
        yield "settings", health.problem
        yield "failures", app.failures
        yield "update", app.update
        yield "page", app.page.report()

    def memory(self, app):
        """Heap in bytes: free, the largest block up to 32 KB, the least free ever seen."""
        free = largest = None
        if hasattr(gc, "mem_free"):
            yield None
            gc.collect()
            free = gc.mem_free()
            largest = min(free, _MOST)
            while largest > 64 and not self.there(largest):
                yield None
                largest = largest * 7 // 8
        yield "memory", {"free": free, "largest": largest, "least": app.health.least_free}

    def there(self, size):
        """Whether the heap has a block of `size` bytes; without a collection such a look takes little time."""
        gc.disable()
        try:
            return bool(bytearray(size))
        except MemoryError:
            return False
        finally:
            gc.enable()
