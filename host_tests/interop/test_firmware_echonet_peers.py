"""Four controllers written by others against the firmware process with a charging car: what they say moves the pilot.

Each peer and its wallbox have a network of their own; the stories run at once, the tests look at what happened.
On the loopback interface, where no privileges are needed, two of the peers go through a shorter one.
"""

import threading

import pytest

import runtimes
from host_tests.conftest import missing_peer
from host_tests.interop.namespaces import Network, Unavailable
from host_tests.peers.echonet_box import Box
from host_tests.peers.echonet_controller import PROGRAMS, Controller
from host_tests.peers.echonet_values import flaw
from host_tests.peers.until import until

CHARGER, V2X = "02a101", "027e01"
GET = {
    CHARGER: "80 81 82 83 87 88 89 8a 8c 8d 93 99 9d 9e 9f c5 c7 c8 ca cc d2 d3 d8 da e6 e7 eb ed".split(),
    V2X: "80 81 82 83 87 88 89 8a 8c 8d 93 99 9d 9e 9f c5 c6 c7 c8 c9 ca cb cc d2 d3 d4 d5 d6 d8 da dc dd de df e0"
         " e1 e6 e7 eb ec ed ee".split(),
}
SET = {CHARGER: "80 81 87 93 99 cd d9 da e7 eb ed".split(),
       V2X: "80 81 87 93 99 cd d7 d9 da dc dd e0 e7 eb ec ed ee".split()}
INF = {CHARGER: "80 81 88 99 c7 da eb ed".split(), V2X: "80 81 88 99 c7 da dc dd e0 e1 eb ec ed ee".split()}
QUICK = ("--set", "rise_ma_per_5s=80000", "--set", "resume_hold_s=0")


class Story:
    """One peer and one wallbox: `steps` maps what was tried to what came of it."""

    def __init__(self, name, v2x):
        self.name = name
        self.objects = [CHARGER, V2X] if v2x else [CHARGER]
        self.steps = {}
        self.heard = []
        self.missing = self.failure = None

    def run(self):
        try:
            if self.name == "two":
                two_at_once()
                return
            words = QUICK + (("--set", "echonet_v2x=true") if len(self.objects) > 1 else ())
            with Network(("dev", "ctl")) as network:
                with Box(*words, network=network) as box, Controller(
                        self.name, network.address("ctl"), network.address("dev"),
                        lambda command: network.command("ctl", command)) as ems:
                    self.tell(box, ems)
        except (Unavailable, runtimes.Missing) as why:
            self.missing = why
        except BaseException as error:
            self.failure = error

    def hear(self, ems, *told):
        """Wait until all of these were announced."""
        until(lambda: self.heard.extend(map(tuple, ems.told())) or all(each in self.heard for each in told),
              lambda: "%s was told only %r, not %r" % (self.name, self.heard, told), every_s=0.1)

    def tell(self, box, ems):
        steps = self.steps
        eoj = self.objects[-1]
        box.wait(lambda state: state["session_wh"] is not None)
        steps["found"] = ems.discover()
        steps["maps"] = {each: ems.maps(each) for each in self.objects}
        steps["values"] = {each: ems.read(each) for each in self.objects}
        ems.told()
        box.plug(ready=True)
        self.hear(ems, (CHARGER, "c7", "41"))
        box.wait(lambda state: state["current_ma"][0] > 30000)

        steps["ed"] = ems.set(eoj, "ed", "0064")
        self.hear(ems, (eoj, "ed", "0064"))
        box.settled(10000)
        steps["refused"] = [ems.set(eoj, "da", "43"), ems.set(eoj, "eb", "00005641"), ems.set(eoj, "c7", "41")]
        steps["after"] = box.state()["pilot"]["duty_permille"]
        steps["eb 99 87"] = [ems.set(eoj, "eb", "%08x" % 9000), ems.set(eoj, "99", "%04x" % 7000),
                             ems.set(eoj, "87", "19")]
        self.hear(ems, (eoj, "eb", "%08x" % 9000), (eoj, "99", "%04x" % 7000))
        steps["read back"] = [ems.get(eoj, epc) for epc in ("eb", "99", "87", "ed")]
        steps["bound"] = box.settled(8000)["binding"]
        steps["unknown"] = ems.get(eoj, "e4")

        steps["da"] = ems.set(eoj, "da", "44")
        self.hear(ems, (eoj, "da", "44"))
        steps["paused"] = box.settled(0)["binding"]
        steps["80"] = ems.set(eoj, "80", "31")
        self.hear(ems, (eoj, "80", "31"))
        steps["resume"] = [ems.set(eoj, "da", "42"), ems.set(eoj, "80", "30")]
        box.settled(8000)
        box.control.call("fault", name="pilot_to_pe")
        self.hear(ems, (eoj, "88", "41"), (eoj, "c7", "ff"))
        steps["fault"] = [ems.get(eoj, "88"), ems.get(eoj, "89")]
        state = box.wait(lambda state: not state["contactor"]["closed"])
        steps["pilot"] = state["pilot"]["duty_permille"]
        box.control.call("fault", name="pilot_to_pe", on=False)
        box.control.call("unplug")
        self.hear(ems, (eoj, "c7", "30"))
        steps["end"] = box.state()["echonet"]["failure"], box.state()["loop_gap_ms"]


def two_at_once():
    # Both count their frames from 1, and one of them matches replies by that number alone.
    with Network(("dev", "ctl", "ctl2")) as network, Box(*QUICK, network=network) as box, Controller(
            "pychonet", network.address("ctl"), network.address("dev"),
            lambda command: network.command("ctl", command)) as one, Controller(
            "uecho", network.address("ctl2"), network.address("dev"),
            lambda command: network.command("ctl2", command)) as two:
        assert one.discover() == two.discover() == [CHARGER]
        box.plug(ready=True)
        for turn in range(8):
            assert one.set(CHARGER, "eb", "%08x" % (9000 + turn)) is True
            assert two.set(CHARGER, "ed", "%04x" % (100 + turn)) is True
            assert two.get(CHARGER, "eb") == "%08x" % (9000 + turn)
            assert one.get(CHARGER, "ed") == "%04x" % (100 + turn)
        assert box.settled(10700)["binding"] == "charging current"
        told = ([CHARGER, "eb", "%08x" % 9007], [CHARGER, "ed", "%04x" % 107])
        for ems in (one, two):
            heard = []
            until(lambda: heard.extend(ems.told()) or all(each in heard for each in told), lambda: heard)


@pytest.fixture(scope="module")
def stories():
    told = {name: Story(name, name != "pychonet") for name in tuple(PROGRAMS) + ("two",)}
    threads = [threading.Thread(target=each.run) for each in told.values()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return told


@pytest.fixture(params=list(PROGRAMS))
def story(request, stories):
    return _outcome(stories[request.param])


def _outcome(one):
    if one.missing:
        missing_peer(one.name, str(one.missing))
    if one.failure:
        raise one.failure
    return one


def test_the_box_is_found_and_its_maps_are_read(story):
    assert story.steps["found"] == story.objects
    for eoj in story.objects:
        assert story.steps["maps"][eoj] == {"get": GET[eoj], "set": SET[eoj], "inf": INF[eoj]}


def test_every_property_is_read(story):
    for eoj in story.objects:
        values = story.steps["values"][eoj]
        assert sorted(values) == [epc for epc in GET[eoj] if epc not in ("9d", "9e", "9f")]
        if story.name == "echonet-lite":  # it never asks anybody but a node profile for D6
            values = dict(values)
            assert values.pop("d6", None) is None
        if story.name == "pychonet":  # it turns these into words for people
            values = dict(values)
            assert values.pop("8a") == "Experimental" and values.pop("8c") == "Wallbox     "
            assert len(values.pop("83")) == 32
        for epc, edt in values.items():
            assert edt is not None and flaw(epc, edt, eoj) is None, (epc, edt)


def test_what_is_set_moves_the_pilot_and_reads_back(story):
    steps = story.steps
    assert steps["ed"] is True and steps["eb 99 87"] == [True] * 3
    assert steps["read back"] == ["%08x" % 9000, "%04x" % 7000, "19", "0064"] and steps["bound"] == "current limit"


def test_what_cannot_be_is_refused_and_moves_nothing(story):
    assert story.steps["refused"] == [False] * 3 and story.steps["after"] == 166
    assert story.steps["unknown"] is None


def test_mode_and_service_pause_and_resume(story):
    steps = story.steps
    assert steps["da"] is True and steps["paused"] == "operation mode"
    assert steps["80"] is True and steps["resume"] == [True, True]


def test_connection_changes_and_faults_are_announced(story):
    assert story.steps["fault"] == ["41", "0001"] and story.steps["pilot"] == 1000
    assert (CHARGER, "88", "41") in story.heard and (CHARGER, "c7", "30") in story.heard
    failure, loop_gap_ms = story.steps["end"]
    assert failure is None and loop_gap_ms < 300


def test_two_controllers_at_once_with_equal_numbers(stories):
    _outcome(stories["two"])


@pytest.mark.parametrize("name", ["pychonet", "echonet-lite"])
def test_on_the_loopback_interface(name):
    # The controller holds port 3610 of all addresses of this host: one at a time.
    try:
        with Box(*QUICK, bind="127.0.69.2") as box, Controller(name, "127.0.0.1", box.address) as ems:
            assert ems.discover() == [CHARGER]
            assert ems.maps(CHARGER) == {"get": GET[CHARGER], "set": SET[CHARGER], "inf": INF[CHARGER]}
            values = ems.read(CHARGER)
            assert values["c7"] == "30" and values["da"] == "42" and values["c5"] == "%08x" % 22080
            box.plug(ready=True)
            assert ems.set(CHARGER, "ed", "0064") is True and ems.set(CHARGER, "da", "43") is False
            box.settled(10000)
            heard, told = [], ([CHARGER, "ed", "0064"], [CHARGER, "c7", "41"])
            until(lambda: heard.extend(ems.told()) or all(each in heard for each in told), lambda: heard)
    except runtimes.Missing as why:
        missing_peer(name, str(why))
