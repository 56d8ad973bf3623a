"""A charger/discharger 027E on a board that can discharge: pychonet has the firmware's process give power back."""

import runtimes
from host_tests.conftest import missing_peer
from host_tests.interop.namespaces import Network, Unavailable
from host_tests.peers.echonet_box import Box
from host_tests.peers.echonet_controller import Controller
from host_tests.peers.echonet_values import flaw
from host_tests.peers.until import until

V2X = "027e01"
WORDS = ("--heap", "96K", "--ship-port", "0", "--set", "rise_ma_per_5s=80000", "--set", "resume_hold_s=0",
         "--set", "echonet_v2x=true", "--set", "echonet_charger=false", "--set", "ratings.discharge=true",
         "--set", "ratings.ev_data=true")


def hear(ems, *wanted):
    """Wait until all of these were announced."""
    heard = []
    until(lambda: heard.extend(ems.told()) or all([V2X, *each] in heard for each in wanted), lambda: (heard, wanted))


def flows(box, amperes):
    """Wait until so much flows out of the car."""
    ma = round(amperes * 1000)
    return box.wait(lambda state: state["current_ma"] == [-ma] * 3 and state["discharge_ma"] == ma)


def test_pychonet_discharges_a_car():
    try:
        with Network(("dev", "ctl")) as network, Box(*WORDS, network=network) as box, Controller(
                "pychonet", network.address("ctl"), network.address("dev"),
                lambda command: network.command("ctl", command)) as ems:
            story(box, ems)
    except (Unavailable, runtimes.Missing) as why:
        missing_peer("pychonet", str(why))


def reads(ems, epc, edt):
    """Wait until this is read."""
    until(lambda: ems.get(V2X, epc) == edt, lambda: ems.get(V2X, epc))


def story(box, ems):
    box.wait(lambda state: state["session_wh"] is not None)
    assert ems.discover() == [V2X]
    box.plug(ready=True, discharge=True, soc=50)
    hear(ems, ("c7", "43"))
    box.wait(lambda state: state["current_ma"][0] > 30000)
    values = ems.read(V2X)
    own = [epc for epc in values if epc >= "c0"]  # the controller has words for the others
    assert len(own) > 30 and not [epc for epc in own if flaw(epc, values[epc], V2X)]
    assert (values["c6"], values["c9"], values["cb"]) == ("%08x" % 22080, "%016x" % 22080, "%08x" % 320)
    assert values["e4"] == values["c4"] == "32" and values["cc"] == "13" and values["e1"] == values["da"] == "42"

    assert ems.set(V2X, "dd", "03") and ems.set(V2X, "ec", "%08x" % 6900) and ems.set(V2X, "da", "43")
    hear(ems, ("da", "43"), ("dd", "03"), ("ec", "%08x" % 6900), ("e1", "43"))
    flows(box, 10)
    assert ems.set(V2X, "ec", "00005641") is False and ems.set(V2X, "ee", "0141") is False
    assert ems.set(V2X, "dd", "04") and ems.set(V2X, "ee", "0046")
    flows(box, 7)
    reads(ems, "d3", "%08x" % (2**32 - 4830))  # the meter tells five times a second
    assert ems.get(V2X, "e1") == "43"
    box.wait(lambda state: state["exported_wh"] > 2)
    before = ems.get(V2X, "d6")
    assert before > "00000000" and ems.set(V2X, "d7", "00") and ems.get(V2X, "d6") < before
    assert ems.set(V2X, "87", "14")  # 20 % of 32 A, in either direction
    flows(box, 6.4)
    assert ems.set(V2X, "87", "64")

    assert ems.set(V2X, "e0", "%08x" % (2**32 - 4140)) is False, "DD is not 06"
    assert ems.set(V2X, "dd", "06") and ems.set(V2X, "e0", "%08x" % (2**32 - 4140))
    flows(box, 6)
    assert ems.set(V2X, "da", "44")
    hear(ems, ("da", "44"), ("e1", "44"))
    box.settled(0)
    assert ems.set(V2X, "da", "43")
    flows(box, 6)
    box.restart()
    assert ems.get(V2X, "da") == "44", "after a restart nobody is discharged until that is said again"
    box.settled(0)
    reads(ems, "c7", "43")
    box.control.call("unplug")
    hear(ems, ("c7", "30"))
    assert not box.state()["faults"]
