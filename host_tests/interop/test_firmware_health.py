"""The firmware as a process: journal over resets and power cuts, watchdog, safe mode, factory reset, console words."""

import json
import os
import re

import pytest
from sim_process import SimProcess

from host_tests.interop.firmware_spine import Story
from host_tests.peers.echonet_box import Raw
from host_tests.peers.until import until

_BIND, _OWN, _BUTTON, _SELF_TEST = ["127.0.78.%d" % number for number in range(1, 5)]


def sim(*arguments, bind=_BIND, **named):
    return SimProcess("--runtime", "mpy32", "--bind", bind, "--multicast-if", "127.0.0.1", "--quiet", *arguments,
                      **named)


@pytest.fixture(scope="module", autouse=True)
def stories():
    """What mostly waits runs beside the others, each with a wallbox of its own."""
    return {"button": Story(stuck_button), "self-test": Story(self_test)}


def log(box, n=20):
    return box.control.call("log", n=n)["log"]


def charge(box):
    box.control.call("plug", ready=True, reaction_ms=100, ramp_ma_s=1000000)
    return box.control.wait(lambda state: state["current_ma"][0] > 5000, 40)


def logged(box, *words):
    """Wait until each of these is in the journal; its rows."""
    until(lambda: all(any(each in row for row in log(box)) for each in words), lambda: log(box))
    return log(box)


def starts(box):
    """What the journal says of the starts, the newest first."""
    return [row.split(" ", 2)[2] for row in log(box, 100) if "start after" in row]


def test_reset_causes_are_kept_over_resets_and_power_cuts():
    with sim() as box:
        box.control.call("restart")
        box.control.call("powercut", ms=100)
        box.control.call("powercut", ms=0)
        assert starts(box) == ["start after power on", "start after power on", "start after reset",
                               "start after power on"]
        assert box.control.call("status")["starts"] == 4


def test_l1_l3_a_loop_that_stands_still_is_reset_by_the_watchdog_with_the_contactor_open():
    with sim("--set", "plant.watchdog.timeout_ms=2000") as box:
        charge(box)
        box.control.call("fault", name="loop_stall", value=20000)
        box.control.wait(lambda state: not state["contactor"]["closed"])
        assert box.line("the watchdog bites")
        state = box.control.wait(lambda state: state["firmware"] == "ok" and state["current_ma"][0] > 5000, 60)
        assert state["contactor"]["interlock_trips"] == 1 and not state["faults"]
        assert starts(box)[0] == "start after watchdog"


def test_a_loop_that_stalls_for_less_is_not_reset():
    with sim("--set", "plant.watchdog.timeout_ms=4000") as box:
        box.control.call("fault", name="loop_stall", value=1500)
        logged(box, "stood still for 1")
        assert starts(box) == ["start after power on"] and box.control.state()["loop_gap_ms"] >= 1500


def test_l2_a_guard_that_fails_is_safe_state_until_a_person_restarts():
    with sim() as box:
        charge(box)
        box.control.call("fault", name="loop_stall", value=-1)
        box.control.wait(lambda state: "FIRMWARE" in (state["faults"] or ()) and not state["contactor"]["commanded"]
                         and state["pilot"]["duty_permille"] == 1000)
        state = box.control.wait(lambda state: not state["contactor"]["closed"])  # it travels for 15 ms
        operations = state["contactor"]["operations"]
        state = box.control.wait(lambda state: state["led"] == 17)
        assert state["contactor"]["operations"] == operations  # it opens once, and stays
        assert "safe state, because guard failed" in box.control.call("why")["why"]
        logged(box, "safe state", "a task failed")
        with Raw(_OWN, _BIND) as ems:
            assert ems.get("88") == "41" and ems.get("89") == "005a"
        assert box.control.ask({"op": "normal"})["error"] == "this is no safe mode"
        box.control.call("restart")
        box.control.wait(lambda state: state["current_ma"] and state["current_ma"][0] > 5000, 40)


@pytest.fixture(scope="module")
def quick():
    """A box that has started too often."""
    with sim("--accept-any") as box:
        for _ in range(9):
            ready = box.control.call("restart")["ready"]
        assert ready.split(" control=")[0].endswith(" safe mode") and "ski=- " in ready
        yield box


def test_l3_safe_mode_does_not_charge_and_says_so(quick):
    box = quick
    box.control.call("plug", ready=True, reaction_ms=100)
    state = box.control.wait(lambda state: state["led"] == 17 and state["pilot"]["state"] == "B"
                             and state["faults"] is not None)
    assert state["faults"] == ["FIRMWARE"] and state["offer_ma"] == 0 and not state["contactor"]["operations"]
    assert "safe mode after 10 quick starts" in box.control.call("why")["why"]
    assert box.control.call("status")["safe_mode"] is True and box.control.call("peers")["ship"] == "off"
    with Raw(_OWN, _BIND) as ems:
        assert ems.get("88") == "41" and ems.get("89") == "005a"
        until(lambda: ems.get("d3"))  # what the meter says, once it was heard
    assert any("safe mode: 10 quick starts" in row for row in log(box))
    assert box.control.call("restart")["ready"].split(" control=")[0].endswith(" safe mode")  # no way out


def test_l3_a_person_ends_safe_mode(quick):
    box = quick
    seen = box.printed
    box.control.call("normal")
    assert "safe mode" not in box.line("ready ", after=seen)
    box.control.wait(lambda state: state["firmware"] == "ok" and not state["faults"] and "ship" in state, 40)
    box.control.wait(lambda state: state["current_ma"] and state["current_ma"][0] > 5000, 60)


def settings_of(box):
    found = {}
    for row in box.control.call("settings")["settings"]:
        found.update(row)
    return found


def test_factory_reset_by_the_button_keeps_who_the_device_is(tmp_path):
    with sim("--set", "supply_ma=10000", "--set", "own_w=50", state=str(tmp_path)) as box:
        ski, before = box.ready["ski"], settings_of(box)
        box.control.call("trust", ski="%040x" % 1)
        box.control.wait(lambda state: state.get("uptime_ms", 0) > 1500)  # it was seen let go
        seen = box.printed
        box.control.call("button", ms=6000)
        assert box.line("factory reset done") and box.line("ready ", after=seen)
        box.control.wait(lambda state: state["firmware"] == "ok", 40)
        after = settings_of(box)
        assert after["own_w"] == 5 and after["bind"] == "" and after["supply_ma"] == 10000
        for name in ("serial", "echonet_unique", "vendor", "model"):
            assert after[name] == before[name]
        state = box.control.state()
        assert state["ship"]["trusted"] == [] and state["ship"]["ski"] == ski
        assert any("factory reset by the button" in row for row in log(box)) and starts(box)[0] == "start after reset"


def stuck_button():
    with sim("--set", "own_w=50", bind=_BUTTON) as box:
        box.control.call("fault", name="button_stuck")
        box.control.call("restart")  # pressed from before the start on
        box.control.wait(lambda state: state.get("uptime_ms", 0) > 13000)
        box.control.call("fault", name="button_stuck", on=False)
        box.control.wait(lambda state: state.get("uptime_ms", 0) > 15000)
        assert settings_of(box)["own_w"] == 50


def test_s1_a_stuck_button_resets_nothing(stories):
    stories["button"].end(120)


def test_wipe_by_word_is_refused_while_charging_and_makes_a_new_device(tmp_path):
    with sim("--set", "own_w=50", state=str(tmp_path)) as box:
        ski, serial = box.ready["ski"], settings_of(box)["serial"]
        charge(box)
        assert "charging" in box.control.ask({"op": "factory_reset", "wipe": True})["error"]
        assert box.control.state()["contactor"]["closed"]
        box.control.call("unplug")
        box.control.wait(lambda state: not state["contactor"]["closed"])
        seen = box.printed
        box.control.call("factory_reset", wipe=True)
        assert box.line("factory reset done") and box.line("ready ", after=seen)
        state = box.control.wait(lambda state: state["firmware"] == "ok", 40)
        assert "ship" not in state and not os.path.exists(str(tmp_path / "identity"))
        assert settings_of(box)["serial"] != serial and starts(box) == ["start after reset"]
        assert "ski=" + ski not in box.control.call("restart")["ready"]  # the simulator gave it a new one
        box.control.wait(lambda state: "ship" in state)


def test_words_for_whoever_looks_for_something():
    """Every word that only looks, in a box with an EMS that might come; each is a piece of JSON, and says it."""
    with sim("--accept-any") as box:
        control = box.control
        for word in control.call("help")["look"]:
            assert "error" not in control.ask({"op": word.split()[0]}), word
        assert re.match(r"\d\d:\d\d:\d\d$", control.call("status")["up"])
        control.wait(lambda state: state["led"] == 5)  # whoever asks is accepted
        features = control.call("functions")
        assert any("LoadControl server" in row and "loadControlLimitListData" in row for row in features["[1] EVSE"])
        assert any("limitationOfPowerConsumption" in row for row in features["[1] use cases of ControllableSystem"])
        properties = control.call("properties")["02A101"]
        assert "80=30" in properties and "88=42" in properties
        with Raw(_OWN, _BIND) as ems:
            for row in properties:
                epc, edt = row.split("=")
                if epc in ("82", "83", "9D", "9E", "9F", "C5"):
                    assert ems.get(epc.lower()) == edt.lower()
        control.wait(lambda state: "first heartbeat" in control.call("why")["why"])
        assert control.call("why")["binding"] == "consumption limit"
        assert control.call("trust") == {"trusted": [], "askers": [], "window": True}
        memory = control.call("memory")
        assert 0 < memory["least_free"] <= memory["free"] + 4096
        assert len(json.dumps(control.call("log", n=300))) < 40000


def _over(result):
    return result if result["over"] else None


def self_test():
    with sim("--set", "page_password=", bind=_SELF_TEST) as box:
        assert box.control.call("test")["ok"]
        box.control.wait(lambda state: state["pilot"]["duty_permille"] == 100)
        box.control.wait(lambda state: state["pilot"]["state"] == "F")
        box.control.wait(lambda state: state["pilot"]["state"] == "A")
        found = until(lambda: _over(box.control.call("test", result=True)))
        assert found["failed"] == 0 and len(found["found"]) == 4
        assert not box.control.state()["contactor"]["operations"]
        charge(box)
        assert "car" in box.control.ask({"op": "test"})["error"]


def test_self_test_in_the_whole_firmware(stories):
    stories["self-test"].end(120)
