"""What controllers ask for over ECHONET Lite and what pilot, contactor and car then do: the six use case functions.

Raw frames to the firmware process, the truth from the plant. Both objects are served; a write through one shows in
the other. IEC 63380-2 names the operations, reference 4 the properties behind them.
"""

import threading
import time

import pytest

from host_tests.peers.echonet_box import Box, Raw
from host_tests.peers.until import until

CHARGER, V2X = "02a101", "027e01"
QUICK = ("--set", "rise_ma_per_5s=80000", "--set", "resume_hold_s=0", "--set", "echonet_v2x=true")
FALLBACKS = {"drop": 32000, "keep": 10000, "minimum": 6000}  # the offer once the lease of 10 A has run out


@pytest.fixture(scope="module")
def box():
    with Box(*QUICK, bind="127.0.66.2") as running:
        running.charge()
        yield running


@pytest.fixture(scope="module")
def listener(box):
    with Raw("127.0.66.3", box.address) as ems:
        yield ems


@pytest.fixture
def ems(box, listener):
    """A controller; before each test everything is allowed and nothing bounds."""
    for epc, edt in (("dc", "00"), ("80", "30"), ("da", "42"), ("99", "fffd"), ("87", "64"), ("eb", "00005640"),
                     ("ed", "0140"), ("e7", "00000000")):
        assert listener.set(epc, edt, V2X)
    listener.drain()
    return listener


def offers(box, ma, binding):
    return box.wait(lambda state: state["offer_ma"] == ma and state["binding"] == binding)


def both(ems, epc):
    """The value that both objects read."""
    value = ems.get(epc, CHARGER)
    assert ems.get(epc, V2X) == value
    return value


# --- UCF_Load_Control: write, response, read, response, notification


def test_load_control_current_moves_pilot_and_car(box, ems):
    assert ems.set("ed", "0064", CHARGER) and both(ems, "ed") == "0064"
    heard = ems.told((CHARGER, "ed", "0064"))
    assert (V2X, "ed", "0064") in heard or ems.told((V2X, "ed", "0064"))
    state = box.settled(10000)
    assert state["binding"] == "charging current" and state["contactor"]["closed"]


def test_load_control_power_moves_pilot_and_car(box, ems):
    assert ems.set("eb", "%08x" % 11000, V2X) and both(ems, "eb") == "%08x" % 11000
    heard = ems.told((V2X, "eb", "%08x" % 11000))
    assert (CHARGER, "eb", "%08x" % 11000) in heard or ems.told((CHARGER, "eb", "%08x" % 11000))
    state = box.settled(15900)
    assert state["binding"] == "charging power" and 10000 < state["power_w"] <= 11000
    # the meter's telegrams come every 200 ms, later than the truth of the plant
    until(lambda: int(ems.get("d3"), 16) <= 11000 and int(ems.get("d4", V2X), 16) <= 159, lambda: ems.get("d3"))


def test_power_above_the_rated_is_refused_and_moves_nothing(box, ems):
    assert ems.set("ed", "0064")
    box.settled(10000)
    assert not ems.set("eb", "00005641") and not ems.set("eb", "00005641", V2X) and not ems.set("ed", "0141")
    state = box.state()
    assert state["offer_ma"] == 10000 and state["pilot"]["duty_permille"] == 166


@pytest.mark.parametrize("epc, edt, source", [("eb", "00000000", "charging power"), ("ed", "0000", "charging current"),
                                              ("ed", "003b", "charging current"), ("99", "0000", "power limit"),
                                              ("87", "00", "current limit")])
def test_zero_or_below_6_a_is_accepted_and_pauses(box, ems, epc, edt, source):
    assert ems.set(epc, edt) and both(ems, epc) == edt
    state = offers(box, 0, source)
    assert box.settled(0)["binding"] == source and not state["faults"]
    assert both(ems, "da") == "42" and ems.get("e1", V2X) == "44", "the mode is as set, the actual one is standby"


def test_limits_combine_by_minimum(box, ems):
    assert ems.set("99", "%04x" % 14000)
    offers(box, 20200, "power limit")
    assert ems.set("87", "32")
    offers(box, 16000, "current limit")
    assert ems.set("eb", "%08x" % 9000)
    offers(box, 13000, "charging power")
    assert ems.set("ed", "0064")
    offers(box, 10000, "charging current")
    assert ems.set("ed", "0140")
    offers(box, 13000, "charging power")
    assert ems.set("eb", "00005640")
    offers(box, 16000, "current limit")
    assert [both(ems, epc) for epc in ("99", "87", "eb", "ed")] == ["36b0", "32", "00005640", "0140"]


def test_charging_method_chooses_the_set_point(box, ems):
    assert ems.set("eb", "%08x" % 11000) and ems.set("ed", "0064")
    for method, ma, binding in (("03", 15900, "charging power"), ("04", 10000, "charging current")):
        assert ems.set("dc", method, V2X) and ems.get("dc", V2X) == method
        ems.told((V2X, "dc", method))
        offers(box, ma, binding)
    assert not ems.set("dc", "02", V2X) and not ems.set("dd", "01", V2X)
    assert not ems.set("e0", "00001388", V2X), "DC is not 06"
    assert ems.set("da", "44") and ems.set("dc", "06", V2X) and ems.set("e0", "%08x" % 7000, V2X)
    assert both(ems, "da") == "42"
    offers(box, 10100, "charging power")


# --- UCF_Operation_Mode: read, response, notification, write, response


@pytest.mark.parametrize("mode, actual", [("44", "44"), ("47", "47")])
def test_operation_mode_stops_and_resumes(box, ems, mode, actual):
    assert ems.set("da", mode, V2X) and both(ems, "da") == mode
    heard = ems.told((V2X, "da", mode))
    assert (CHARGER, "da", mode) in heard or ems.told((CHARGER, "da", mode))
    offers(box, 0, "operation mode")
    box.settled(0)
    assert ems.get("e1", V2X) == actual
    assert ems.set("da", "42", CHARGER) and both(ems, "da") == "42"
    if mode == "44":
        box.wait(lambda state: state["current_ma"][0] > 30000)
        ems.told((V2X, "e1", "42"))


def test_discharge_is_refused_and_charging_goes_on(box, ems):
    box.wait(lambda state: state["current_ma"][0] > 30000)  # it resumes after the mode above, too
    for eoj in (CHARGER, V2X):
        assert not ems.set("da", "43", eoj) and ems.get("da", eoj) == "42"
    assert box.state()["current_ma"][0] > 30000


# --- UCF_Device_State: read, write, response, notification


def test_out_of_service_keeps_the_mode(box, ems):
    assert ems.set("da", "44")
    ems.told((CHARGER, "da", "44"))
    assert ems.set("80", "31", CHARGER) and both(ems, "80") == "31"
    ems.told((V2X, "80", "31"))
    box.settled(0)
    assert both(ems, "da") == "44"
    assert ems.set("80", "30", V2X) and both(ems, "da") == "44"
    assert box.settled(0)["binding"] == "operation mode"
    assert ems.set("da", "42")
    box.wait(lambda state: state["current_ma"][0] > 30000)


# --- UCF_Power_Limit: read, response, write, response, no expiry


def test_power_limit_bounds_and_stays(box, ems):
    assert ems.set("99", "%04x" % 7000) and both(ems, "99") == "%04x" % 7000
    ems.told((CHARGER, "99", "%04x" % 7000))
    state = box.settled(10100)
    assert state["binding"] == "power limit" and state["power_w"] <= 7000
    assert ems.set("87", "19", V2X) and both(ems, "87") == "19"
    offers(box, 8000, "current limit")


# --- E7 and D9


def test_an_amount_of_energy_stops_and_d9_counts_anew(box, ems):
    box.wait(lambda state: state["current_ma"][0] > 5000)
    until(lambda: int(ems.get("d8"), 16) > 60)
    assert ems.set("d9", "00")
    begun = int(ems.get("d8"), 16)
    assert begun < 30, "some Wh flow every second"
    assert ems.set("e7", "%08x" % 12) and both(ems, "e7") == "%08x" % 12
    state = box.settled(0)
    assert state["binding"] == "charging amount" and both(ems, "da") == "42"
    assert 11 <= int(both(ems, "d8"), 16) - begun <= 40, "nothing flows now"
    assert ems.set("e7", "00000000")
    box.wait(lambda state: state["offer_ma"] >= 31900)


# --- UCF_EV_Connected: notification; Device_State 88 and 89; UCF_Measurement: read, response


def test_connection_faults_and_battery_are_told():
    with Box(*QUICK, "--set", "ratings.ev_data=true", bind="127.0.66.5") as box, Raw("127.0.66.6", box.address) as ems:
        assert ems.get("c7", CHARGER) == ems.get("c7", V2X) == "30"
        for epc in ("e4", "e2"):
            assert ems.get(epc, CHARGER) is None and ems.get(epc, V2X) is None, "no car: not possible"
        box.plug(soc=40, battery_wh=60000)
        heard = ems.told((CHARGER, "c7", "41"))
        assert (V2X, "c7", "41") in heard or ems.told((V2X, "c7", "41"))
        assert ems.get("e4", CHARGER) == ems.get("e4", V2X) == "28"
        assert ems.get("e2") == "%08x" % 24000 and ems.get("d0") == "%08x" % 60000
        assert ems.get("cf") == "%08x" % 36000 and ems.get("c4", V2X) == "28"
        assert ems.set("cd", "10") and ems.get("e6") == "00"
        box.control.call("ready")
        box.wait(lambda state: state["current_ma"][0] > 30000)
        ems.told((V2X, "e1", "42"))
        box.control.call("fault", name="pilot_to_pe")
        heard = ems.told((CHARGER, "88", "41"))
        assert (CHARGER, "c7", "ff") in heard or ems.told((CHARGER, "c7", "ff"))
        assert ems.get("89") == "0001" and ems.get("88", V2X) == "41"
        box.wait(lambda state: not state["contactor"]["closed"])
        box.control.call("fault", name="pilot_to_pe", on=False)
        ems.told((CHARGER, "c7", "40"))
        box.control.call("unplug")
        ems.told((CHARGER, "c7", "30"))
        assert ems.get("e4") is None


# --- the lease and its fallback, as settings: in the background while the other tests run


@pytest.fixture(scope="module", autouse=True)
def lapses():
    seen = {}

    def story(number, fallback):
        words = ("--set", "echonet_lease_s=10", "--set", "echonet_fallback=" + fallback)
        addresses = ["127.0.66.%d" % each for each in (number, number + 1)]
        with Box(*QUICK, *words, bind=addresses[0]) as box, Raw(addresses[1], addresses[0]) as ems:
            ems.set("ed", "0064")
            kept = []
            for _ in range(6):  # 12 s with a sign of life every 2 s
                time.sleep(2)
                ems.get("da")
                kept.append(box.state()["offer_ma"])
            time.sleep(8)
            kept.append(box.state()["offer_ma"])
            time.sleep(4)
            state = box.wait(lambda state: state["offer_ma"] == FALLBACKS[fallback])
            ems.set("ed", "0063")
            again = box.wait(lambda state: state["offer_ma"] == 9900)
            seen[fallback] = kept, state["offer_ma"], state["binding"], again["binding"]

    threads = [threading.Thread(target=story, args=(10 + 2 * at, name)) for at, name in enumerate(FALLBACKS)]
    for thread in threads:
        thread.start()
    yield lambda: [thread.join() for thread in threads] and seen
    for thread in threads:
        thread.join()


@pytest.mark.parametrize("fallback", FALLBACKS)
def test_a_lease_lapses_as_the_settings_say_and_any_request_renews_it(lapses, fallback):
    kept, lapsed_ma, binding, again = lapses()[fallback]
    assert kept == [10000] * 7 and again == "charging current"
    assert lapsed_ma == FALLBACKS[fallback] and (binding == "charging current") == (fallback != "drop")
