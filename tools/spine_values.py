"""Values as SPINE writes them: scaled numbers and ISO 8601 durations, to Python's and back."""

import re
from decimal import Decimal

_DURATION = re.compile(r"(-?)P(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)W)?(?:(\d+)D)?"
                       r"(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?$")
_SECONDS = (31536000, 2592000, 604800, 86400, 3600, 60)


def number(scaled):
    """The value of {"number", "scale"}, an int where it is whole; None when there is none."""
    if not isinstance(scaled, dict) or scaled.get("number") is None:
        return None
    value = Decimal(scaled["number"]).scaleb(scaled.get("scale") or 0)
    return int(value) if value == value.to_integral_value() else float(value)


def scaled(value):
    """{"number", "scale"} of a number or of its text, exactly; at most 5 decimals."""
    value = Decimal(str(value)).quantize(Decimal("0.00001")).normalize()
    exponent = min(value.as_tuple().exponent, 0)
    return {"number": int(value.scaleb(-exponent)), "scale": exponent}


def seconds(text):
    """Seconds of an ISO 8601 duration, an int where it is whole; None for what is none."""
    found = _DURATION.match(text or "")
    if not found or text in ("P", "-P") or text.endswith("T"):
        return None
    total = float(found.group(8) or 0)
    for part, factor in zip(found.groups()[1:7], _SECONDS):
        total += int(part or 0) * factor
    total = -total if found.group(1) else total
    return int(total) if total == int(total) else total


def duration(total_s):
    """ISO 8601 duration of seconds >= 0, in hours, minutes and seconds: PT0S, PT15M, PT26H30M."""
    total_s = round(total_s)
    hours, minutes, rest = total_s // 3600, total_s // 60 % 60, total_s % 60
    parts = [(hours, "H"), (minutes, "M"), (rest, "S")]
    return "PT" + ("".join("%d%s" % each for each in parts if each[0]) or "0S")
