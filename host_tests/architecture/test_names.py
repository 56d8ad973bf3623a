"""Whoever looks for a pitfall of the field or a rule of LPC by its number finds a test of that name."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PITFALLS = range(1, 37)
# of LPC 1.0.0; what the energy guard alone has to do (005, 031) is not among them
RULES = ("001 002 003 004 006 007 008 009_2 010 021 022 022_5 032 036 037 041 901 902 903 904 905 906 907_1 907_2 908 "
         "909 910 911 912 913 914_1 914_2 916 918 919 920 921 922 923").split()


def names():
    found = []
    for path in (ROOT / "host_tests").rglob("test_*.py"):
        found += re.findall(r"^def (test_\w+)", path.read_text(encoding="utf-8"), re.M)
    return found


def missing(kind, numbers):
    text = " ".join(names())
    return [n for n in numbers if not re.search("%s_%s(?!\\d|_\\d_)" % (kind, n), text)]


def test_every_pitfall_has_a_test():
    assert missing("pitfall", PITFALLS) == []


def test_every_rule_of_lpc_has_a_test():
    assert missing("rule", RULES) == []


def test_every_rule_of_lpc_stands_in_the_code():
    code = "".join((ROOT / "firmware" / "wallbox" / name).read_text(encoding="utf-8") for name in (
        "limits/failsafe.py", "spine_map/power_limit.py", "spine_map/device_configuration.py",
        "spine_map/device_diagnosis.py", "spine_map/electrical_connection.py", "spine_map/node.py"))
    assert [n for n in RULES if not re.search("\\b%s\\b" % n.replace("_", "/"), code)] == []
