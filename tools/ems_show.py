"""What `ems.py show` prints: device tree, use cases, and what each entity offers, in lines for people."""

from ems_readings import billed
from spine_client import listed
from spine_values import duration, number


def lines(spine, found):
    """All lines, of a SpineClient and what ems_readings.whole() found."""
    yield "device %s, %s" % (spine.device, spine.kind)
    for entity in sorted(spine.entities):
        features = ["%s%s" % (each.kind, "" if each.role == "server" else " (%s)" % each.role)
                    for each in spine.features if each.entity == entity]
        yield "  [%s] %s: %s" % (_address(entity), spine.entities[entity], ", ".join(features))
    yield "use cases"
    for entity, actor, name, version, available, scenarios in spine.use_cases:
        yield "  [%s] %s as %s, %s, scenarios %s%s" % (
            _address(entity), name, actor, version, " ".join(map(str, scenarios)), "" if available else ", not now")
    for entity, facts in found.items():
        rest = list(_entity(facts))
        if rest:
            yield "[%s] %s" % (entity, facts["type"])
            yield from ("  " + line for line in rest)


def _address(entity):
    return ",".join(map(str, entity))


def _entity(facts):
    maker = facts.get("manufacturer") or {}
    if maker:
        yield "made by       " + ", ".join("%s %s" % (name, value) for name, value in maker.items())
    state = facts.get("state") or {}
    if state.get("operatingState"):
        yield "state         %s%s" % (state["operatingState"],
                                      ", error %s" % state["lastErrorCode"] if state.get("lastErrorCode") else "")
    if state.get("heartbeat"):
        beat = state["heartbeat"]
        yield "heartbeat     %s, promises the next within %s" % (beat.get("heartbeatCounter"),
                                                                 beat.get("heartbeatTimeout"))
    for name, value in (facts.get("configuration") or {}).items():
        yield "configured    %s = %s" % (name, value)
    for each in facts.get("identification") or ():
        yield "identified    %s %s" % (each.get("identificationType"), each.get("identificationValue"))
    for name, value in (facts.get("characteristics") or {}).items():
        yield "characteristic %s = %s" % (name, value)
    for each in facts.get("limits") or ():
        yield "limit         %s%s %s %s, %s" % (
            each["what"], _phases(each), _value(each["value"]), each["unit"], _active(each))
    for each in facts.get("power_limits") or ():
        ranges = " or ".join("%s to %s" % (_value(one["min"]), _value(one["max"])) for one in each["ranges"])
        yield "may be set    %s%s %s%s" % (each["what"], _phases(each), ranges,
                                           ", or %s" % ", ".join(map(_value, each["values"])) if each["values"] else "")
    for each in facts.get("measurements") or ():
        yield "measured      %s%s %s %s%s" % (each["what"], _phases(each), _value(each["value"]), each["unit"],
                                              "" if each["state"] == "normal" else " (%s)" % each["state"])
    for each in facts.get("curves") or ():
        yield "curve         %s%s: %s" % (each["what"], " (wanted)" if each["wanted"] else "",
                                          "; ".join(_slot(one, each["unit"]) for one in each["slots"]) or "none")
    for each in facts.get("prices") or ():
        slots = "; ".join("from %s %s" % (duration(one["start_s"] or 0), one["value"]) for one in each["slots"])
        yield "prices        %s%s: %s" % (each["currency"] or "-", " (wanted)" if each["wanted"] else "",
                                          slots or "none")
    for each in facts.get("setpoints") or ():
        yield "setpoint      %s %s %s, %s, %s to %s" % (
            each["what"], _value(each["value"]), each["unit"], _active(each), _value(each["min"]), _value(each["max"]))
    for each in facts.get("bills") or ():
        yield "bill          %s%s: %s" % (each["bill"], " (wanted)" if each["wanted"] else "", _bill(each["content"]))


def _active(each):
    return ("active" if each["active"] else "not active") + (
        "" if each["ends_in_s"] is None else ", ends in %d s" % each["ends_in_s"])


def _bill(content):
    energy_wh, duration_s = billed(content)
    if energy_wh is None:
        return "none"
    words = "%s Wh in %s" % (energy_wh, "?" if duration_s is None else duration(duration_s))
    for cost in listed((content.get("total") or {}).get("cost")):
        words += ", %s %s" % (number(cost.get("cost")), cost.get("currency"))
    for each in listed(content.get("position")):
        for share in listed(each.get("value")):
            words += ", %s %s %%" % (each.get("positionType"), number(share.get("valuePercentage")))
    return words


def _phases(each):
    return " " + each["phases"] if each.get("phases") else ""


def _value(value):
    return "-" if value is None else str(value)


def _slot(slot, unit):
    values = "/".join(str(slot[name]) for name in ("minValue", "value", "maxValue") if name in slot)
    return "%s %s%s" % (values, unit, " for %s" % duration(slot["s"]) if slot.get("s") else "")
