"""The bill of a session (EVCS) in the whole firmware under 32-bit MicroPython, written by an EMS on spine-go, which has
the types but no use case: over unplug, restart and power cut."""

import pytest

from host_tests.interop.firmware_spine import CAR, Feature, Wallbox, identities


@pytest.fixture(scope="module")
def known(tmp_path_factory):
    return identities(tmp_path_factory.mktemp("ems-bill"), "one")


@pytest.fixture(scope="module")
def box(known):
    with Wallbox("127.0.14.41", "--profile", "full", "--heap", "260K", trusted=[known["one"].ski], car=None) as box:
        yield box
        box.survived()


@pytest.fixture
def ems(box, known):
    with box.guarded(known["one"]) as ems:
        yield ems


class Bill(Feature):
    """The EMS's side."""

    def __init__(self, ems):
        super().__init__(ems, "Bill", [1], 8)

    def wanted(self):
        return self.read("billDescriptionListData")["updateRequired"]

    def told_wanted(self):
        """As the last notification says it, None before."""
        return ([None] + [each["updateRequired"] for each in self.notified("billDescriptionListData")])[-1]


def bill(lists, cost, partial=False):
    """A bill of 12 Wh with value and cost of a position as lists, as in the XSD, or as objects, as in spine-go."""
    def form(element):
        return [element] if lists else element

    def share(key, kind, energy, money):
        return {"positionId": key, "positionType": kind,
                "value": form({"valuePercentage": {"number": energy, "scale": 0}}),
                "cost": form({"costPercentage": {"number": money, "scale": 0}})}

    entry = {"billId": 1, "billType": "chargingSummary", "total": {
        "timePeriod": {"startTime": "-PT30M", "endTime": "PT0S"},
        "value": form({"unit": "Wh", "value": {"number": 12, "scale": 0}}),
        "cost": form({"costType": "absolutePrice", "currency": "EUR", "cost": {"number": cost, "scale": -2}})},
        "position": [share(1, "gridElectricEnergy", 65, 90), share(2, "selfProducedElectricEnergy", 35, 10)]}
    if not partial:
        return {"billListData": {"billData": [entry]}}
    entry = {"billId": 1, "total": {"cost": form({"cost": {"number": cost, "scale": -2}})}}
    return {"function": "billListData", "filter": [{"cmdControl": {"partial": {}}}],
            "billListData": {"billData": [entry]}}


def session(box, wh=4):
    """A car comes, takes so much and goes."""
    begun(box)
    box.control.wait(lambda state: (state["session_wh"] or 0) >= wh, 40)
    box.control.call("unplug")
    box.control.wait(lambda state: state["pilot_state"] == "A")


def begun(box):
    """A car comes, whose session begins with nothing, and then wants to charge."""
    box.control.call("plug", **dict(CAR, ready=False))
    box.control.wait(lambda state: state["ev"] and state["session_wh"] == 0)
    box.control.call("ready")


def sessions(box, **more):
    return box.control.call("sessions", **more)["sessions"]


def ended(box, number):
    """Wait until so many sessions are listed."""
    box.control.wait(lambda state: len(sessions(box)) == number)
    return sessions(box)


@pytest.mark.parametrize("lists", [False, True], ids=["objects", "lists"])
def test_a_bill_in_both_nestings_after_unplug_and_after_power_cuts(box, ems, lists):
    before = len(sessions(box))
    found = Bill(ems)
    session(box)
    ems.until(found.wanted)
    rows = ended(box, before + 1)
    assert rows[0]["energy_wh"] >= 4 and "cost" not in rows[0] and rows[0]["start"][:2] == "20"
    ems.until(found.told_wanted)
    assert found.write(bill(lists, 456)) == 0
    assert not found.wanted()
    ems.until(lambda: found.told_wanted() is False)
    shown = found.read("billListData")
    assert shown["total"]["cost"][0]["cost"] == {"number": 456, "scale": -2}
    assert shown["position"][1]["value"][0]["valuePercentage"]["number"] == 35
    assert found.write(bill(lists, 499, partial=True)) == 0
    row = dict(rows[0], billed_wh="12", cost="4.99", currency="EUR", grid_per_cent="65", grid_cost_per_cent="90",
               own_per_cent="35", own_cost_per_cent="10")
    box.control.wait(lambda state: sessions(box)[0] == row)
    box.control.call("restart")
    assert sessions(box, count=1) == [row]
    box.control.call("powercut")
    assert sessions(box)[0] == row and len(sessions(box)) == before + 1


def test_a_session_that_the_power_ended_is_found_and_summed_up(box, ems):
    before = len(sessions(box))
    begun(box)
    state = box.control.wait(lambda state: (state["session_wh"] or 0) >= 4, 40)
    box.control.call("powercut")
    box.control.wait(lambda now: (now.get("total_wh") or 0) >= state["total_wh"])  # once the meter has told
    rows = ended(box, before + 1)
    assert rows[0]["ended"] == "power cut" and rows[0]["energy_wh"] >= state["session_wh"]
    box.control.wait(lambda state: state["session_wh"] is not None)
    box.control.call("unplug")
    box.control.wait(lambda state: state["pilot_state"] == "A")
    ems.wait_ready()
    found = Bill(ems)
    ems.until(found.wanted)
    assert found.write(bill(False, 7)) == 0
    box.control.wait(lambda state: sessions(box)[0].get("cost") == "0.07")


def test_the_counter_outlasts_the_meter_and_sessions_the_computer(tmp_path):
    state = str(tmp_path)
    with Wallbox("127.0.14.42", "--profile", "core", car=None, state=state) as box:
        session(box, 10)
        rows = ended(box, 1)
        assert box.control.state()["total_wh"] >= rows[0]["energy_wh"] >= 10
    (tmp_path / "meter.json").unlink()  # a new one is fitted: it begins at zero
    with Wallbox("127.0.14.42", "--profile", "core", car=None, state=state) as box:
        assert box.control.state()["energy_wh"] == 0 and box.control.state()["total_wh"] >= rows[0]["energy_wh"]
        assert sessions(box) == rows
        session(box, 5)
        rows = ended(box, 2)
        assert box.control.state()["total_wh"] >= rows[0]["energy_wh"] + rows[1]["energy_wh"]
