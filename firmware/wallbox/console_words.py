"""Words of the console for a person who looks for something: what is so, why, and what was set.

Each is loaded when it is said (tools/cold.py), and answers piece by piece. No private names here: Console, in another
file, has its own.
"""

from bounded.compat import const, unload
from wallbox.journal import SELF_TEST

_ROWS = const(20)  # of the log, unless told otherwise
_MOST_ROWS = const(300)


class Words:
    """What console.py adds its own to; `app` is the running App."""

    def op_help(self, request):
        """The words."""
        yield "look", (
            "status", "why", "limits", "peers", "trust", "properties", "functions", "memory", "loop", "log n=20",
            "sessions", "settings", "state")
        yield "do", (
            "set KEY=VALUE", "save", "test", "trust ski=", "untrust ski=", "accept_any s=120", "faults_reset",
            "car", "demand", "restart", "normal", "factory_reset", "factory_reset wipe=true")

    def op_status(self, request):
        """What is so, short."""
        from wallbox.evse import texts
        from wallbox.journal_text import duration

        app = self.app
        station = app.station
        guard = station.guard
        mask = app.device_state.faults()
        yield "version", app.version
        yield "up", duration(station.now_ms // 1000)
        yield "starts", app.journal.start
        yield "pilot", "%s%d" % (guard.state, 2 if guard.x2 else 1)
        yield "contactor", "closed" if guard.out.contactor else "open"
        yield "offer_ma", station.offer.offer_ma
        yield "binding", station.decision.binding if station.decision else None
        yield "power_w", station.readings.power_w
        yield "session_wh", station.energy.session_wh()
        yield "faults", texts.fault_names(mask)
        yield "warnings", texts.warning_names(guard.warnings)
        yield "led", texts.LED[guard.out.led]
        yield "safe_mode", bool(app.health.safe)
        yield "settings", app.health.problem or "good"
        yield "ems", app.spine.connections() if app.ship else "SHIP is off"

    def op_why(self, request):
        """Why it charges or does not, in sentences, and the source that binds."""
        from wallbox import why

        said = " ".join(why.sentences(self.app))
        decision = self.app.station.decision
        return (("why", said), ("binding", decision.binding if decision else None))

    def op_limits(self, request):
        """Every source that was set, its value and age, and what it alone would leave."""
        station = self.app.station
        return (("offer_ma", station.offer.offer_ma), ("limits", self.limits_set(station)))

    def limits_set(self, station):
        for row in self.every_limit(station):
            if row["unit"]:
                yield row

    def op_peers(self, request):
        """Who is connected by SHIP, and how much was heard over ECHONET Lite."""
        app = self.app
        server = app.echonet
        if app.ship:
            for pair in app.ship.report().items():
                if pair[0] in ("dnssd", "window", "sessions", "counts"):
                    yield pair
            yield "limit_state", self.limit_state(app.power_limit)
        else:
            yield "ship", "off"
        yield "echonet", {"multicast": server.multicast, "sent": server.sent, "errors": server.errors,
                          "counts": server.node.counts}

    def limit_state(self, limit):
        from wallbox import journal_text

        return journal_text.text(39, limit.consumption.state) if limit.commissioned else "nobody is trusted"

    def op_properties(self, request):
        """The ECHONET Lite properties of each object, EPC=EDT in hex."""
        for each in self.app.echonet.node.objects:
            yield "%06X" % each.eoj, self.edts(each)

    def edts(self, each):
        from binascii import hexlify

        out = bytearray(64)
        for epc in range(0x80, 0x100):
            size = each.get(epc, out, 0, len(out))
            if size:
                yield "%02X=%s" % (epc, str(hexlify(out[:size]), "ascii").upper())

    def op_functions(self, request):
        """The SPINE entities with their features and functions, and the use cases."""
        if not self.app.ship:
            return (("spine", "SHIP is off"),)
        return self.features(self.app.spine.device)

    def features(self, device):
        for place in device.entities:
            yield "%s %s" % (_numbers(place[0]), device.entity_type(place)), device.told_features(place)
        for place in device.entities:
            for actor, cases in device.told_cases(place):
                yield "%s use cases of %s" % (_numbers(place[0]), actor), cases

    def op_loop(self, request):
        """The longest gap between two ticks of the guard, now and ever, and tasks that failed."""
        app = self.app
        return (("gap_ms", app.loop_gap_ms), ("longest_ms", max(app.health.stall_ms, app.loop_gap_ms)),
                ("failures", app.failures), ("failed", app.failed))

    def op_log(self, request):
        """The newest `n` events (20), newest first, also those of earlier starts."""
        rows = request.get("n", _ROWS)
        if type(rows) is not int or not 1 <= rows <= _MOST_ROWS:
            return (("error", "n must be 1 to %d" % _MOST_ROWS),)
        kept = self.app.journal
        return (("log", self.events(kept, rows)), ("lost", kept.lost), ("failed", kept.failed))

    def events(self, kept, rows):
        from wallbox.journal_text import duration, text

        back = oldest_s = 0
        row = kept.ring.newest()
        while row and rows:
            oldest_s = row[0]
            words = "%d %s %s" % (kept.start, duration(oldest_s), text(row[1], row[2]))
            yield words + (" (%d times)" % (row[3] + 1) if row[3] else "")
            rows -= 1
            back += 1
            row = kept.ring.newest(back)
        for start, code, at_s, wall_s, value in kept.kept():
            if not rows:
                break
            if start != kept.start or at_s < oldest_s:  # the others were in the ring
                yield "%d %s %s" % (start, duration(at_s), text(code, value))
                rows -= 1

    def op_settings(self, request):
        """Every setting but passwords, as it is kept."""
        return (("settings", self.kept_settings()),)

    def kept_settings(self):
        for name, value, kind, _ in self.kept().items():
            if kind != "p":
                yield {name: value}

    def kept(self):
        from wallbox import config

        unload("wallbox.config")
        return config.load(self.app.board.storage)

    def op_set(self, request):
        """Set KEY=VALUE (any number) to be kept by `save`; checked at once. Without any: what waits for it."""
        from wallbox import config

        unload("wallbox.config")
        wanted = [name for name in request if name != "op"]
        settings = config.Settings()
        try:
            for name in wanted:
                settings.set(name, request[name])
        except ValueError as error:
            return (("error", str(error)),)
        for name in wanted:
            self.wanted[name] = request[name]
        return (("waits", sorted(self.wanted)), ("then", "save"))

    def op_save(self, request):
        """Keep what was set; it counts from the next start."""
        settings = self.kept()
        for name in self.wanted:
            settings.set(name, self.wanted[name])
        if not settings.save():
            return (("error", settings.problem),)
        self.wanted.clear()
        return (("ok", True), ("then", "restart"))

    def op_test(self, request):
        """Test pilot, residual current monitor and contactor; refused with a car. Said again it tells the result."""
        app = self.app
        guard = app.station.guard
        test = self.tested
        if test and test.over and not test.told:
            test.told = True
            app.journal.note(app.station.now_ms, SELF_TEST, test.failed)
        if test and (not test.over or request.get("result")):
            return (("over", test.over), ("failed", test.failed), ("found", ["%s: %s" % row for row in test.found]))
        if app.station.car or guard.state != "A":
            return (("error", "not while a car is connected"),)
        if guard.faults or guard.out.contactor:
            return (("error", "not with a fault: see why"),)
        from wallbox.evse.self_test import SelfTest

        guard.self_test = self.tested = SelfTest(app.station.ratings)
        return (("ok", True), ("then", "test result=true"))

    def op_restart(self, request):
        """Start again, as by the reset button."""
        return self.start_again()

    def op_normal(self, request):
        """Leave safe mode, and start as usual."""
        if not self.app.health.safe:
            return (("error", "this is no safe mode"),)
        return self.start_again()

    def start_again(self):
        from wallbox import factory_reset, starts

        app = self.app
        error = factory_reset.refused(app)
        if not error and not hasattr(app.board, "restart"):
            error = "this board cannot: switch it off and on"
        if not error:
            try:
                starts.forget(app.board.storage)
            except OSError:
                error = "flash cannot be written"
            app.health.restart = True
        return (("error", error),) if error else (("ok", True),)

    def op_factory_reset(self, request):
        """Forget what the owner set, with `wipe` also the identity and all records (factory_reset.py)."""
        from wallbox import factory_reset

        app = self.app
        error = factory_reset.refused(app)
        if not error:
            try:
                factory_reset.request(app, 3 if request.get("wipe") is True else 2)
            except OSError as failure:
                error = "flash cannot be written: %s" % failure
        return (("error", error),) if error else (("then", "it is done by the restart that follows"),)


def _numbers(address):
    """An entity address as in SPINE: 1025 is [1]."""
    numbers = []
    while address > 1:
        numbers.insert(0, address & 1023)
        address >>= 10
    return "[%s]" % ",".join([str(each) for each in numbers])
