"""The fault bits and codes that several files repeat as private constants, compared with texts.py."""

from wallbox.evse import texts

FOLDER = "firmware/wallbox/evse"  # tests run at the top of the repository
_NAMES = [row[0] for row in texts.FAULTS]
_GROUPS = {
    "_LATCHED": "WELD RCM_TRIP",
    "_COUNTED": "NOT_CLOSED DROPPED_OUT FEEDBACK RCM_TEST OVERDRAW LOCK",
    "_RCM": "RCM_TRIP RCM_TEST",
    "_OF_RCM": "RCM_TRIP RCM_TEST",
    "_OF_CONTACTOR": "WELD NOT_CLOSED DROPPED_OUT FEEDBACK",
    "_OF_PILOT": "DIODE GENERATOR PILOT_STALE PILOT_SHORT VENTILATION",
    "_OWN": "GENERATOR PILOT_STALE WELD NOT_CLOSED DROPPED_OUT FEEDBACK RCM_TRIP RCM_TEST OVER_TEMPERATURE LOCK",
}
_WHY = (
    "charging", "no car", "self-test", "fault", "no permission", "paused by limit", "cable unknown", "too hot",
    "lock-out", "waiting for the car", "locking", "checking", "pause for a stall",
    "self-test of the residual current monitor", "the direction of power",
)
_WHY_NAMES = (
    "_CHARGING", "_NO_CAR", "_SELF_TEST", "_FAULT", "_NO_PERMISSION", "_LIMIT", "_CABLE", "_HOT", "_LOCK_OUT",
    "_WAITING", "_LOCKING", "_CHECKING", "_STALL_AHEAD", "_RCM_DUE", "_TURNING",
)


def constants(file_name):
    """All `_NAME = const(...)` of a source file as [(name, value)]."""
    found = []
    with open(FOLDER + "/" + file_name) as source:
        for line in source:
            if line.startswith("_") and " = const(" in line:
                name, value = line.split("#")[0].split(" = const(")
                found.append((name, eval(value.strip()[:-1])))
    return found


def mask(words):
    return sum([1 << _NAMES.index(word) for word in words.split()])


def test_fault_bits_are_the_same_everywhere():
    seen = []
    for file_name in ("pilot.py", "contactor.py", "rcm.py", "bounds.py", "proximity.py", "faults.py", "guard.py",
                      "self_test.py", "../functions/device_state.py"):
        for name, value in constants(file_name):
            if name in _GROUPS:
                assert value == mask(_GROUPS[name]), (file_name, name)
                seen.append(name)
            elif name[1:] in _NAMES:
                assert value == 1 << _NAMES.index(name[1:]), (file_name, name)
                seen.append(name)
    for name in _NAMES:
        assert "_" + name in seen, name
    for name in _GROUPS:
        assert name in seen, name


def test_why_codes():
    found = dict(constants("guard.py"))
    for code in range(len(_WHY)):
        assert found[_WHY_NAMES[code]] == code
        assert texts.WHY[code].startswith(_WHY[code])
    assert len(texts.WHY) == len(_WHY)


def test_event_codes():
    found = dict(constants("guard.py"))
    for name, code in (("_STATE", 3), ("_CLOSED", 4), ("_OPENED", 5), ("_UNDER_LOAD", 6), ("_DUTY", 7),
                       ("_WAKE_UP", 8), ("_WARNING", 9)):
        assert found[name] == code
    assert texts.event_text((1, 0, 0, 0)) == "fault DIODE"
    assert texts.event_text((3, 66, 0, 0)) == "state B"
    assert texts.event_text((5, 0, 0, 0)) == "opened by the car"
    assert texts.event_text((6, 4, 0, 0)) == "opened under load no permission"
    assert texts.event_text((7, 266, 0, 0)) == "duty 266"
    assert texts.event_text((9, 3, 0, 0)) == "warnings TEMPERATURE_SENSOR METER"
