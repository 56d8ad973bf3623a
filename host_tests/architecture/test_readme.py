"""The README lists every use case function, with code that is there and tests that exist."""

import ast
import os
import re

from runtimes import ROOT

SPINE = (
    "AC_Measurement", "Characteristics", "Charging_Power_Limits", "Consumption_Curve", "Device_Configuration",
    "Device_State", "EV_Connected", "Heartbeat", "Identification", "Incentive_Table", "Load_Control",
    "Manufacturer_Information", "Maximum_Power_Limitation_Curve", "Measurement", "Power_Limit", "Session_Summary",
    "Setpoint",
)  # 5.2.2 to 5.2.18
ECHONET = ("Device_State", "EV_Connected", "Load_Control", "Measurement", "Operation_Mode", "Power_Limit")  # 5.3.2 to 7


def _rows():
    """[(clause, function, cells behind them)] of the README's tables of use case functions."""
    with open(os.path.join(ROOT, "README.md"), encoding="utf-8") as file:
        lines = file.read().splitlines()
    for line in lines:
        found = re.match(r"\| (5\.[23]\.\d+) UCF_(\w+) \| (.*) \|$", line)
        if found:
            yield found.group(1), found.group(2), found.group(3).split(" | ")


def test_all_17_and_6_functions_are_listed_in_order():
    wanted = [("5.2.%d" % (i + 2), name) for i, name in enumerate(SPINE)]
    wanted += [("5.3.%d" % (i + 2), name) for i, name in enumerate(ECHONET)]
    assert len(wanted) == 17 + 6
    assert [(clause, name) for clause, name, _ in _rows()] == wanted


def test_each_has_code_and_what_maps_it_names_the_clause():
    for clause, name, cells in _rows():
        code = re.findall(r"`([^`]+)`", cells[0])
        assert code, name
        texts = []
        for each in code:
            with open(os.path.join(ROOT, "firmware", "wallbox", each + ".py"), encoding="utf-8") as file:
                texts.append(ast.get_docstring(ast.parse(file.read())))
        assert any(clause in text for text in texts), (name, clause)


def test_each_has_tests_that_exist_and_a_peer():
    for _, name, cells in _rows():
        tests = re.findall(r"`([^`]+)`", cells[1])
        assert tests and len(cells) == 3 and cells[2], name
        for each in tests:
            path, function = each.split("::")
            with open(os.path.join(ROOT, "host_tests", path), encoding="utf-8") as file:
                body = ast.parse(file.read()).body
            assert function in [node.name for node in body if isinstance(node, ast.FunctionDef)], each
        assert any(each.startswith("interop/") for each in tests), name
