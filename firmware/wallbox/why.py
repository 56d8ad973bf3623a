"""Why the station charges or does not, in sentences. Loaded when somebody asks; the status page may ask, too."""

from wallbox.evse.texts import FAULTS, WHY
from wallbox.limits.sources import MA, W

_STATES = ("waits for a first heartbeat and limit of the EMS and holds the failsafe value", None, None,
           "holds the failsafe value, for the EMS is silent", None)  # limits/failsafe.py


def sentences(app):
    """Yield them: what is so, what makes it so, what will change it."""
    station = app.station
    guard = station.guard
    if app.health.safe:
        yield "Not charging: safe mode after %d quick starts; the word `normal` ends it." % app.health.safe
        return
    if not station.well:
        yield "Not charging: safe state, because %s; the word `restart` ends it." % (
            "%s failed" % app.failed if app.failed else "a person asked for it")
        return
    if guard.faults:
        for bit in range(16):
            if guard.faults >> bit & 1:
                yield "Not charging: fault %s, %s." % FAULTS[bit]
        return
    decision = station.decision
    back = station.discharge
    if back and back.on:
        yield _back(guard, back, decision)
        return
    if guard.why == 0 and guard.out.contactor:
        yield "Charging with up to %s A on %d phases." % (_amperes(guard.offered_ma), station.facts.phases)
    else:
        yield "Not charging: %s." % WHY[guard.why]
    if decision:
        yield _bound(app, decision)
    if station.offer.wait_ms:
        yield "It goes on in %d s when nothing changes." % ((station.offer.wait_ms + 999) // 1000)


def _back(guard, back, decision):
    """The sentence about power out of the car."""
    if guard.out.discharge_ma:
        words = "Discharging with up to %s A" % _amperes(guard.out.discharge_ma)
    elif back.ma:
        return "Not discharging yet: %s." % WHY[guard.why]
    elif decision.binding == "setpoint":
        return "Neither charging nor discharging: it is to discharge, but not now, or with a power of 0."
    else:
        words = "Not discharging"
    return words + (", as asked." if decision.binding == "setpoint" else ", bound by `%s`." % decision.binding)


def _bound(app, decision):
    """The sentence about the source that binds."""
    station = app.station
    for source in station.sources:
        if source.name == decision.binding:
            value = source.in_force(station.now_ms)
            break
    else:
        return "Nothing allows less than the rating of the board, %s A." % _amperes(station.ratings.max_ma)
    if not value or not (value[3] == MA or value[3] == W):
        return "It is the source `%s` that does not allow it." % source.name
    much = "%d W" % value[0] if value[3] == W else "%s A" % "/".join([_amperes(ma) for ma in value[:3]])
    words = "The source `%s` allows %s" % (source.name, much)
    limit = app.power_limit.consumption
    if limit and source.name == "consumption limit" and _STATES[limit.state]:
        words += " (it %s)" % _STATES[limit.state]
    if decision.limit_ma < decision.min_ma:
        return words + ", which leaves %s A, less than the minimum of %s A." % (
            _amperes(decision.limit_ma), _amperes(decision.min_ma))
    return words + "."


def _amperes(ma):
    return "%d.%d" % (ma // 1000, ma // 100 % 10)
