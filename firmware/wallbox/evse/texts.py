"""Words for the guard's codes. Only a console needs them; the guard does not import this."""

from bounded.lines import Lines

# by bit number: name, what it means; the last is the station's, not the guard's
FAULTS = Lines(b"""DIODE|no diode in the car, or it leaks
GENERATOR|own pilot generator wrong: frequency, duty cycle or a stuck level
PILOT_STALE|the pilot is not being measured
PILOT_SHORT|pilot shorted to earth (state E)
VENTILATION|the car asks for ventilation (state D), which is not there
STALL|the firmware stood still while charging
PROXIMITY|cable unknown, or changed while connected
WELD|contactor welded: repair, then power cycle
NOT_CLOSED|contactor did not close, or not all poles did
DROPPED_OUT|contactor opened by itself
FEEDBACK|contactor feedback contradicts itself or flickers
RCM_TRIP|residual current
RCM_TEST|residual current monitor failed its self-test
OVER_TEMPERATURE|too hot
OVERDRAW|the car took more than it was offered
LOCK|plug not locked
FIRMWARE|the firmware stopped by itself: safe state or safe mode""", "|")
WARNINGS = Lines(b"""TEMPERATURE_SENSOR
METER
UNLOCK""")

# by code
WHY = Lines(b"""charging
no car
self-test
fault
no permission
paused by limit
cable unknown
too hot
lock-out after the last charge or opening
waiting for the car
locking the plug
checking before closing
pause for a stall of the firmware
self-test of the residual current monitor due
the direction of power changes""")
EVENTS = Lines(b"""
fault
healed
state
closed
opened
opened under load
duty
wake-up
warnings""")
# by pattern of led.py
LED = Lines(b"""ready: breathing slowly
connected: on
charging: breathing
paused: slow double blink
starting: fast
pairing: alternating
EMS lost: on with two gaps
EMS lost, charging: breathing with gaps




settings: 2 blinks
residual current: 3 blinks
contactor: 4 blinks
pilot: 5 blinks
fault: 6 blinks
firmware: 7 blinks""")


def _names(lines, mask):
    bit = 0
    found = []
    while mask:
        if mask & 1:
            found.append(lines[bit])
        mask >>= 1
        bit += 1
    return found


def fault_names(mask):
    """Names of the fault bits in `mask`, lowest first."""
    return [row[0] for row in _names(FAULTS, mask)]


def warning_names(mask):
    """Names of the warning bits in `mask`, lowest first."""
    return _names(WARNINGS, mask)


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
