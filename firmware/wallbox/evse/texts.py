"""Words for the guard's codes. Only a console needs them; the guard does not import this."""

# by bit number
FAULTS = (
    ("DIODE", "no diode in the car, or it leaks"),
    ("GENERATOR", "own pilot generator wrong: frequency, duty cycle or a stuck level"),
    ("PILOT_STALE", "the pilot is not being measured"),
    ("PILOT_SHORT", "pilot shorted to earth (state E)"),
    ("VENTILATION", "the car asks for ventilation (state D), which is not there"),
    ("STALL", "the firmware stood still while charging"),
    ("PROXIMITY", "cable unknown, or changed while connected"),
    ("WELD", "contactor welded: repair, then power cycle"),
    ("NOT_CLOSED", "contactor did not close, or not all poles did"),
    ("DROPPED_OUT", "contactor opened by itself"),
    ("FEEDBACK", "contactor feedback contradicts itself or flickers"),
    ("RCM_TRIP", "residual current"),
    ("RCM_TEST", "residual current monitor failed its self-test"),
    ("OVER_TEMPERATURE", "too hot"),
    ("OVERDRAW", "the car took more than it was offered"),
    ("LOCK", "plug not locked"),
)
WARNINGS = ("TEMPERATURE_SENSOR", "METER", "UNLOCK")

# by code
WHY = (
    "charging",
    "no car",
    "self-test",
    "fault",
    "no permission",
    "paused by limit",
    "cable unknown",
    "too hot",
    "lock-out after the last charge or opening",
    "waiting for the car",
    "locking the plug",
    "checking before closing",
    "pause for a stall of the firmware",
    "self-test of the residual current monitor due",
    "the direction of power changes",
)
EVENTS = (
    "", "fault", "healed", "state", "closed", "opened", "opened under load", "duty", "wake-up", "warnings",
)


def fault_names(mask):
    """Names of the fault bits in `mask`, lowest first."""
    return [FAULTS[bit][0] for bit in range(len(FAULTS)) if mask >> bit & 1]


def warning_names(mask):
    """Names of the warning bits in `mask`, lowest first."""
    return [WARNINGS[bit] for bit in range(len(WARNINGS)) if mask >> bit & 1]


def event_text(event):
    """One event of the guard's ring (code, value, 0, 0) in words."""
    code = event[0]
    value = event[1]
    if code <= 2:
        value = FAULTS[value][0]
    elif code == 3:
        value = chr(value)
    elif code in (5, 6):
        value = WHY[value] if value else "by the car"
    elif code == 9:
        value = " ".join(warning_names(value)) or "none"
    elif code != 7:
        return EVENTS[code]
    return "%s %s" % (EVENTS[code], value)
