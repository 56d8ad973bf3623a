"""tools/ems.py against the firmware under 32-bit MicroPython, as a person or a script uses it: one wallbox, one EMS
that `talk`s over one connection, and commands of their own where it is about connecting. About 80 s."""

import json
import subprocess
import threading
import time

import pytest

from host_tests.interop.ems_tool import Talk, Tool
from host_tests.interop.firmware_spine import CAR, PORT, Wallbox, identities
from host_tests.interop.test_ems_peer import free_port
from host_tests.peers.ems import Ems
from host_tests.peers.until import until

ADDRESS, OWN, OPEN = "127.0.14.41", "127.0.14.42", "127.0.14.43"


@pytest.fixture(scope="module")
def tool(tmp_path_factory):
    return Tool(tmp_path_factory.mktemp("ems"))


@pytest.fixture(scope="module")
def box(tool):
    ratings = ("--set", "ratings.ev_data=true", "--set", "ratings.discharge=true")
    with Wallbox(ADDRESS, "--profile", "full", "--heap", "260K", "--multicast-if", "127.0.0.1", *ratings,
                 car=None) as box:
        yield box
        box.survived()


@pytest.fixture(scope="module")
def paired(box, tool):
    at = "--at %s:%d" % (box.address, PORT)
    said = tool.refused("pair " + at)  # no SKI: says which is there, and does nothing
    assert box.ski in said
    said = tool.refused("pair %s %s" % ("5" * 40, at))
    assert "has the SKI %s, not %s" % (box.ski, "5" * 40) in said
    assert "the box does not trust us" in tool.refused("pair %s %s --seconds 1" % (box.ski, at))
    assert box.control.state()["ship"]["askers"] == [tool.ski]
    asks = subprocess.Popen(tool.command("pair '%s' %s" % (" ".join(box.ski), at)), stdout=subprocess.PIPE, text=True)
    box.control.wait(lambda state: state["ship"]["sessions"])  # it waits
    box.control.call("trust", ski=tool.ski)
    lines = [json.loads(line) for line in asks.communicate(timeout=60)[0].splitlines()]
    assert asks.returncode == 0 and lines[-1]["paired"] == box.ski and lines[-1]["type"] == "ChargingStation"
    return tool


@pytest.fixture(scope="module")
def session(box, paired):
    talk = Talk(paired)
    talk.say("limit --off")  # ends the time in which the failsafe power counts
    yield talk
    assert talk.end() in (0, 1)  # 1: some words were refused, as they had to be


@pytest.fixture
def car(box, session):
    if not box.control.state()["ev"]:
        box.control.call("plug", **dict(CAR, soc=40))
    there(session, True)
    yield session
    box.survived()


def there(session, car):
    """Wait until the EMS sees the EV entity, or sees it no more."""
    until(lambda: ("1,1" in session.say("show")[0]["entities"]) == car, lambda: session.say("show"))


def offers(box, amperes):
    """Wait until so much is offered; the pilot follows within the guard's 5 s, which the tests of the firmware show."""
    return box.control.wait(lambda state: state["offer_ma"] == round(amperes * 1000), 40)


def test_it_is_found_by_mdns(box, tool):
    found = {each["ski"]: each for each in tool.run("find --seconds 2 --interface 127.0.0.1")}
    assert found[box.ski]["host"] == ADDRESS and found[box.ski]["port"] == PORT and not found[box.ski]["register"]


def test_wrong_words_and_nobody_there(tmp_path, box):
    other = Tool(tmp_path)
    assert "no box is paired yet" in other.refused("show")
    assert "an SKI has 40 digits, not 2" in other.refused("pair 12")
    assert "no SHIP node answers at %s:9" % ADDRESS in other.refused("pair %s --at %s:9" % (box.ski, ADDRESS))
    assert "no SHIP node answers" in other.refused("show --box %s --at %s:9" % (box.ski, ADDRESS))
    assert other.run("limit what", status=2) == [] and "invalid" in other.said


def test_a_box_that_moved_is_found_again(box, paired):
    path = paired.folder + "/boxes.json"
    with open(path) as file:
        text = file.read()
    with open(path, "w") as file:
        file.write(text.replace(ADDRESS, OPEN))
    (shown,) = paired.run("show --interface 127.0.0.1")
    assert shown["type"] == "ChargingStation"
    with open(path) as file:
        assert json.load(file) == json.loads(text)


def test_show_and_read_say_what_the_box_says(box, car):
    (shown,) = car.say("show")
    cases = {each["name"]: each["scenarios"] for each in shown["use_cases"]}
    assert cases["limitationOfPowerConsumption"] == [1, 2, 3, 4]
    station, ev = shown["entities"]["1"], shown["entities"]["1,1"]
    assert station["configuration"] == {"failsafeConsumptionActivePowerLimit": 4200, "failsafeDurationMinimum": 7200}
    assert station["characteristics"] == {"powerConsumptionNominalMax": 22080}
    assert station["state"]["operatingState"] == "normalOperation"
    assert station["state"]["heartbeat"]["heartbeatTimeout"] == "PT60S"
    assert ev["configuration"] == {"communicationsStandard": "iec61851", "asymmetricChargingSupported": False,
                                   "dischargingBelowTargetEnergyRequestPermitted": False}
    assert {each["what"]: each["value"] for each in ev["measurements"]}["stateOfCharge"] == 40
    (read,) = car.say("read measurementListData --entity 1")
    assert len(read["data"]["measurementData"]) == len(station["measurements"])
    assert {tuple(each["entity"]) for each in car.say("read deviceDiagnosisStateData")} == {(1,), (1, 1)}
    assert "no function measurementList; there is " in car.refused("read measurementList")
    assert "1 or 1,1" in car.refused("read measurementListData --entity x")


def test_the_pilot_follows_limits_for_a_time_and_off(box, car):
    car.say("limit 4200")
    assert box.amperes(6)["binding"] == "consumption limit"
    assert car.say("limit 9000 --duration 9") == [{"limit_w": 9000, "active": True, "duration_s": 9}]
    box.amperes(13)  # after the guard's 5 s
    offers(box, 32)
    (limit,) = car.values("1")["limits"]
    assert (limit["value"], limit["active"]) == (9000, False)
    car.say("limit 6000")
    offers(box, 8.6)
    car.say("limit --off")
    assert "error 7, command rejected" in car.refused("limit -5")
    assert "say the limit" in car.refused("limit")
    assert "argument W: invalid" in car.refused("limit x")


def test_failsafe_values(box, car):
    car.say("limit 9000")
    car.say("failsafe 5000 --duration 10800")
    assert car.values("1")["configuration"] == {
        "failsafeConsumptionActivePowerLimit": 5000, "failsafeDurationMinimum": 10800}
    assert "error 7" in car.refused("failsafe --duration 60")
    car.say("failsafe 4200 --duration 7200")


def test_any_function_can_be_written(car):
    key = '{"keyId":0,"value":{"scaledNumber":{"number":60,"scale":2}}}'
    car.say("limit 9000")
    words = "write deviceConfigurationKeyValueListData '{\"deviceConfigurationKeyValueData\":[%s]}' --entity 1" % key
    assert car.say(words + " --partial") == [{"written": "deviceConfigurationKeyValueListData"}]
    assert car.values("1")["configuration"]["failsafeConsumptionActivePowerLimit"] == 6000
    assert "error 6" in car.refused("write measurementListData '{}' --entity 1")
    assert "no JSON" in car.refused("write measurementListData {")


def test_phases_follow_and_fall_back_when_the_heartbeat_or_the_ems_fails(box, car):
    car.say("limit --off")
    car.say("phases 16 10 13")
    assert offers(box, 10)["binding"] == "overload protection"
    car.say("phases 8 9 9 --self-consumption")
    assert offers(box, 8)["binding"] == "self-consumption"
    car.say("phases --self-consumption --off")
    car.say("phases 6.5")
    offers(box, 6.5)
    car.say("heartbeat off")
    offers(box, 6)  # after 4 s, OPEV 2
    car.say("heartbeat on")
    offers(box, 6.5)
    car.say("state failure")
    offers(box, 6)  # OPEV 3
    car.say("state normalOperation")
    offers(box, 6.5)
    car.say("phases --off")


def test_a_setpoint_charges_and_discharges(box, car):
    car.say("setpoint 5005")
    assert offers(box, 7.2)["binding"] == "setpoint"
    (shown,) = car.values("1,1")["setpoints"]
    assert (shown["value"], shown["active"], shown["min"], shown["max"]) == (5005, True, 0, 22080)
    assert "error 7" in car.refused("setpoint -3000")  # this car cannot
    assert car.say("setpoint 6905 --duration 9") == [{"setpoint_w": 6905, "active": True, "duration_s": 9}]
    (shown,) = car.values("1,1")["setpoints"]
    assert shown["active"] and 0 < shown["ends_in_s"] <= 9
    offers(box, 10)
    offers(box, 32)
    (shown,) = car.values("1,1")["setpoints"]
    assert (shown["value"], shown["active"], shown["ends_in_s"]) == (6905, False, None)
    car.say("setpoint 6905 --duration 60")
    car.say("setpoint 6000")
    assert car.values("1,1")["setpoints"][0]["ends_in_s"] is None  # the old end is gone
    car.say("setpoint --off")
    box.control.call("unplug")
    there(car, False)
    box.control.call("plug", **dict(CAR, soc=60, discharge=True))
    there(car, True)
    box.control.wait(lambda state: state["current_ma"][0] > 5000)
    car.say("setpoint -3000")
    state = box.control.wait(lambda state: state["current_ma"][0] < -4000)
    assert -3100 < state["power_w"] < -2500
    assert {each["what"]: each for each in car.values("1,1")["setpoints"]}["acPowerTotal"]["min"] == -22080
    car.say("setpoint 0 --off")
    box.control.wait(lambda state: state["current_ma"][0] >= 0)


def test_curve_and_prices_from_csv_change_the_plan(box, car, tmp_path):
    now_cheap, later_cheap, curve = (tmp_path / name for name in ("now.csv", "later.csv", "curve.csv"))
    now_cheap.write_text("duration,EUR/kWh\nPT1H,0.12\nPT1H,0.31\n")
    later_cheap.write_text("duration_min;ct/kWh\n60;31,0\n60;12,0\n")
    curve.write_text("duration,kW\n1:00,6.905\n1:00,11\n")
    assert box.control.call("demand", energy_wh=10000, departure_s=7200)["missing_wh"] == 0
    demand, constraints = car.values("1,1")["curves"][:2]
    assert 9900 < demand["slots"][0]["value"] <= 10000 and constraints["wanted"]
    assert car.say("prices %s" % later_cheap) == [{"slots": 2, "currency": "EUR", "ends_in_s": 7200}]
    assert offers(box, 0)["binding"] == "charge plan"  # of a broker alone
    car.say("curve %s" % curve)
    car.say("prices %s" % now_cheap)
    offers(box, 10)
    facts = car.values("1,1")
    constraints, plan = facts["curves"][1:3]
    assert [(each["s"], each["maxValue"]) for each in constraints["slots"]] == [(3600, 6905), (3600, 11000)]
    assert not constraints["wanted"] and plan["slots"][0]["value"] == 6905
    assert [each["value"] for each in facts["prices"][0]["slots"]] == [0.12, 0.31]
    many = tmp_path / "many.csv"
    many.write_text("duration,EUR/kWh\n" + "0:15,0.2\n" * 96)
    assert "24 slots at most, not 96; --first 24" in car.refused("prices %s" % many)
    assert car.say("prices %s --first 24" % many)[0]["slots"] == 24
    assert "cannot be read" in car.refused("prices /nowhere.csv")


def test_follow_tells_what_is_notified(box, car):
    over = threading.Event()

    def change():  # again and again: it has to ask for the news of one feature after the other first
        energy_wh = 7000
        while not over.wait(0.5):
            energy_wh += 100
            box.control.call("demand", energy_wh=energy_wh, departure_s=7200)

    changes = threading.Thread(target=change)
    changes.start()
    news = car.say("follow --seconds 3")
    over.set()
    changes.join()
    (told,) = [each for each in news if each["function"] == "timeSeriesListData"][-1:]
    assert told["entity"] == [1, 1]
    assert told["data"]["timeSeriesData"][0]["timeSeriesSlot"][0]["value"]["number"] in range(6900, 8001)


def test_a_car_leaves_gets_its_bill_and_another_comes(box, car):
    box.control.wait(lambda state: state["session_wh"])
    assert "say --wh" in car.refused("bill")
    assert "error 7" in car.refused("bill --wh 1 --seconds 1")  # not while the car is there
    box.control.call("unplug")
    there(car, False)
    assert "no car is plugged in" in car.refused("phases 10")
    (bill,) = car.values("1")["bills"]
    assert bill["wanted"]
    (done,) = car.say("bill --wh 12345 --seconds 3600 --grid 80 --price 0.31")
    assert done["cost"] == 3.0616
    (bill,) = car.values("1")["bills"]
    assert not bill["wanted"]
    total = bill["content"]["total"]
    assert total["timePeriod"] == {"startTime": "-PT1H", "endTime": "PT0S"}
    assert total["value"] == [{"unit": "Wh", "value": {"number": 12345, "scale": 0}}]
    assert total["cost"][0]["cost"] == {"number": 30616, "scale": -4}
    assert [each["positionType"] for each in bill["content"]["position"]] == [
        "gridElectricEnergy", "selfProducedElectricEnergy"]
    box.control.call("plug", **dict(CAR, phases=1, soc=40))
    there(car, True)
    car.say("phases 10")
    offers(box, 10)


def test_a_bill_is_written_when_a_session_that_was_watched_is_over(box, car):
    car.say("phases --off")

    def leave():
        box.control.wait(lambda state: state["session_wh"])
        box.control.call("unplug")

    leaves = threading.Timer(3, leave)  # once the EMS watches
    leaves.start()
    (done,) = car.say("bill --wait --price 0.3")
    leaves.join()
    assert done["energy_wh"] > 0 and done["cost"] > 0
    kept = until(lambda: _billed(box, done["energy_wh"]))  # the record is written soon after
    assert (kept["energy_wh"], kept["duration_s"]) == (done["energy_wh"], done["duration_s"]), kept
    assert kept["billed_wh"] == str(done["energy_wh"])


def _billed(box, energy_wh):
    (kept,) = box.control.call("sessions")["sessions"][:1]
    return kept if "billed_wh" in kept and kept["energy_wh"] == energy_wh else None


def test_a_second_ems_is_told_that_it_may_not_write(box, car, tmp_path):
    second = Tool(tmp_path)
    box.control.call("trust", ski=second.ski)
    said = second.refused("limit 5000 --box %s --at %s:%d" % (box.ski, ADDRESS, PORT))
    assert "another EMS may have bound it" in said
    box.control.call("untrust", ski=second.ski)


def test_echonet_lite_reads_and_sets(box, car, tool):
    (found,) = tool.run("echonet %s 99=1770 C7 DA 80 --own %s" % (ADDRESS, OWN))
    assert found["values"] == {"99": 6000, "C7": "connected, can charge", "DA": "charge", "80": "on"}
    assert found["raw"]["99"] == "1770"
    assert len(tool.run("echonet %s D3 --own %s --every 0.3 --seconds 2" % (ADDRESS, OWN))) >= 3
    assert "refused" in tool.refused("echonet %s C7=41 --own %s" % (ADDRESS, OWN))
    assert "no ECHONET Lite node answers" in tool.refused("echonet %s --own %s" % (OPEN, OWN))
    tool.run("echonet %s 99=5A00 --own %s" % (ADDRESS, OWN))


def test_hold_keeps_the_limit_and_the_end_of_the_box_is_told(box, session, paired):
    assert session.end() in (0, 1)
    begun = time.monotonic()
    holds = subprocess.Popen(paired.command("limit 0 --hold 3"))
    box.control.wait(lambda state: state["offer_ma"] == 0 and state["binding"] == "consumption limit")
    assert holds.wait(60) == 0 and time.monotonic() - begun > 3
    talk = Talk(paired)
    talk.say("limit 8000")
    box.control.call("untrust", ski=paired.ski)
    assert "connection ended" in talk.refused("wait 20")
    assert talk.end() == 1
    assert paired.run("unpair") == [{"forgotten": box.ski}]
    assert "no box is paired yet" in paired.refused("show")


def test_a_charging_station_of_others_is_paired_and_limited(tmp_path):
    tool, port = Tool(tmp_path / "ems"), free_port()
    known = identities(tmp_path, "box")
    with Ems(tool.ski, identity=known["box"], own_port=port, box=True, heartbeat="4s") as box:
        tool.run("pair %s --at 127.0.0.1:%d --seconds 20" % (known["box"].ski, port))
        (shown,) = tool.run("show")
        assert shown["entities"]["1"]["configuration"]["failsafeConsumptionActivePowerLimit"] == 4140
        assert {"acPowerTotal", "acCurrent", "acVoltage"} <= {
            each["what"] for each in shown["entities"]["1"]["measurements"]}
        talk = Talk(tool)
        talk.say("limit 4200 --duration 900")
        told = box.wait_event("limit", lambda event: event["active"], after=0)
        assert (told["value"], told["active"], told["duration_ms"]) == (4200, True, 900000)
        talk.say("limit 6000")
        told = box.wait_event("limit", lambda event: event["value"] == 6000, after=0)
        assert told["duration_ms"] == 0  # the old end is gone
        assert "error" in talk.refused("limit -1")
        talk.say("failsafe 5000 --duration 7200")
        box.wait_event("failsafe_limit", lambda event: event["value"] == 5000, after=0)
        box.wait_event("heartbeat", after=0)
        talk.end()
