"""Dynamic bidirectional charging (DBEVC) in the whole firmware under 32-bit MicroPython: an EMS on spine-go, which has
the types but no use case, writes setpoints; a controller looks at the charger/discharger 027E; the plant shows what
flows. No public EMS speaks DBEVC."""

import pytest

from host_tests.interop.firmware_spine import CAR, Feature, Wallbox, identities, limited
from host_tests.peers.echonet_box import Raw

BOX, OWN, V2X = "127.0.14.51", "127.0.14.52", "027e01"


@pytest.fixture(scope="module")
def known(tmp_path_factory):
    return identities(tmp_path_factory.mktemp("ems-setpoint"), "one")


@pytest.fixture(scope="module")
def shared(known):
    with Wallbox(BOX, "--multicast-if", "127.0.0.1", "--profile", "full", "--heap", "260K",
                 "--set", "ratings.discharge=true", "--set", "echonet_v2x=true",
                 trusted=[known["one"].ski], car=None) as box:
        yield box
        box.survived()


@pytest.fixture
def box(shared):
    yield shared
    shared.control.call("unplug")
    shared.control.wait(lambda state: state["pilot_state"] == "A")


@pytest.fixture
def ems(box, known):
    with box.guarded(known["one"]) as ems:
        yield ems


@pytest.fixture
def echonet():
    with Raw(OWN, BOX, V2X) as controller:
        yield controller


class Setpoint(Feature):
    """The EMS's side, as soon as the car is there."""

    def __init__(self, ems):
        super().__init__(ems, "Setpoint", [1, 1], 10)

    def put(self, watts=None, active=True, **more):
        """A partial write; the error number."""
        entry = dict({"setpointId": 1}, **more)
        if watts is not None:
            entry["value"] = {"number": watts, "scale": 0}
        entry["isSetpointActive"] = active
        return self.write({"function": "setpointListData", "filter": [{"cmdControl": {"partial": {}}}],
                           "setpointListData": {"setpointData": [entry]}})

    def taken(self, *arguments):
        """Written until it is taken: the first heartbeat may still be on its way."""
        self._ems.until(lambda: self.put(*arguments) == 0, what="setpoint taken")

    def shown(self):
        row = self.read("setpointListData")
        return row["value"]["number"], row["isSetpointActive"], row["isSetpointChangeable"]

    def told(self):
        """(W, active) of every notify, oldest first."""
        return [(row["value"]["number"], row["isSetpointActive"]) for row in self.notified("setpointListData")]


def plug(box, **car):
    box.control.call("plug", **dict(CAR, discharge=True, **car))


def back(box, amperes, timeout_s=40):
    """Wait until so much flows out of the car, and the modem was told so; the state then."""
    ma = round(amperes * 1000)
    return box.control.wait(lambda state: state["discharge_ma"] == ma and state["current_ma"] == [-ma] * 3
                            and state["contactor"]["closed"] and state["pilot"]["duty_permille"] == 50, timeout_s)


def test_a_setpoint_of_both_signs_reaches_the_car_and_027e(box, ems, echonet):
    plug(box)
    setpoint = Setpoint(ems)
    box.amperes(31.9)
    assert setpoint.read("setpointDescriptionListData")["scopeType"] == "acPowerTotal"
    low_high = setpoint.read("setpointConstraintsListData")
    assert [low_high[name]["number"] for name in ("setpointRangeMin", "setpointRangeMax")] == [-22080, 22080]
    assert "dynamicBidirectionalEvCharging" in str(ems.call("state")["peer_use_cases"])
    setpoint.taken(6900)
    box.amperes(10)
    assert box.control.state()["binding"] == "setpoint"
    assert echonet.get("e0") == "00001af4" and echonet.get("da") == "42"
    assert setpoint.put(22081) == 7 and setpoint.put(7000, isSetpointChangeable=False) == 7
    assert setpoint.shown() == (6900, True, True)

    echonet.drain()
    assert setpoint.put(-6900) == 0
    state = back(box, 10)
    assert state["offer_ma"] == 0 and state["power_w"] == -6900 and not state["faults"]
    echonet.told((V2X, "da", "43"))
    echonet.told((V2X, "e1", "43"))
    assert echonet.get("e0") == "%08x" % (2**32 - 6900) and echonet.get("c7") == "43"
    ems.until(lambda: echonet.get("d3") == "%08x" % (2**32 - 6900), what="D3")  # the meter tells five times a second
    assert echonet.get("d4") == "%04x" % (2**16 - 100)
    limited(ems, 0)  # of consumption: what flows back is none
    assert setpoint.put(-4140) == 0
    back(box, 6)
    limited(ems, 22075)
    box.control.wait(lambda state: state["exported_wh"] > 0)
    exported_wh = ems.until(lambda: int(echonet.get("d6"), 16), what="D6")
    assert exported_wh <= box.control.state()["exported_wh"] and int(echonet.get("d8"), 16) > 0

    ems.call("heartbeat.stop")
    box.control.wait(lambda state: state["discharge_ma"] == 0 and state["current_ma"] == [0] * 3)
    ems.until(lambda: setpoint.told()[-1] == (-4140, False), what="told")
    assert echonet.get("da") == "42" and setpoint.put(-4140) == 7, "an EMS that is silent"
    box.amperes(31.9)  # nobody asks for anything
    ems.call("heartbeat.start")
    setpoint.taken(6900)
    box.amperes(10)


def test_what_echonet_lite_sets_is_the_same_setpoint(box, ems, echonet):
    plug(box)
    setpoint = Setpoint(ems)
    box.amperes(31.9)
    assert echonet.set("dc", "06") and echonet.set("dd", "06") and echonet.set("e0", "%08x" % (2**32 - 4140))
    back(box, 6)
    ems.until(lambda: setpoint.told() and setpoint.told()[-1] == (-4140, True), what="told")
    assert echonet.set("da", "44")
    box.amperes(0)
    ems.until(lambda: setpoint.shown() == (-4140, True, False), what="not changeable")
    assert setpoint.put(6900) == 7, "who paused it lets it go on, nobody else"
    assert echonet.set("dd", "03") and echonet.set("ec", "%08x" % 6900) and echonet.set("da", "43")
    back(box, 10)
    assert setpoint.shown() == (-6900, True, True)
    assert echonet.set("dc", "00") and echonet.set("dd", "00") and echonet.set("da", "42")
    assert setpoint.shown()[1] is False
    box.control.wait(lambda state: state["offer_ma"] > 30000 and not state["discharge_ma"])


def test_a_car_that_cannot_is_never_asked_and_a_fault_ends_it(box, ems):
    box.control.call("plug", **CAR)
    setpoint = Setpoint(ems)
    assert setpoint.read("setpointConstraintsListData")["setpointRangeMin"]["number"] == 0
    setpoint.taken(6900)
    assert setpoint.put(-6900) == 7 and setpoint.shown() == (6900, True, True)
    box.amperes(10)
    box.control.call("unplug")
    ems.until(lambda: not [each for each in ems.call("state")["entities"] if each["type"] == "EV"], what="no EV")
    plug(box)
    setpoint = Setpoint(ems)
    setpoint.taken(-6900)
    back(box, 10)
    box.control.call("fault", name="rcm_trip", ms=200)
    box.control.wait(lambda state: not state["contactor"]["closed"] and state["discharge_ma"] == 0
                     and state["faults"] == ["RCM_TRIP"])
    box.control.call("faults_reset")
