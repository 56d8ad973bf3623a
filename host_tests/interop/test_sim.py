"""tools/sim.py as people and tests use it: start, control port, faults, restart, power cut, end."""

import json
import os
import signal
import socket
import subprocess
import sys
import time

import pytest
import runtimes
from control import Control, ControlError
from sim_process import NotServing, SimProcess

BIND = "127.0.11.1"
OTHER_BIND = "127.0.11.2"


def sim(*arguments, bind=BIND, **named):
    return SimProcess("--bind", bind, *arguments, **named)


def firmware_of(box):
    """Process id of the firmware: the only child of the simulator."""
    with open("/proc/%d/task/%d/children" % (box.process.pid, box.process.pid)) as file:
        return int(file.read())


def gone(pid, timeout_s=30):
    """Whether the process ends in time."""
    end = time.monotonic() + timeout_s
    while os.path.exists("/proc/%d" % pid):
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True


@pytest.fixture(scope="module")
def box():
    with sim("--runtime", "mpy32", "--set", "rise_ma_per_5s=80000", "--set", "resume_hold_s=0") as running:
        yield running


@pytest.fixture
def control(box):
    """A client; afterwards no car and no fault is left."""
    yield box.control
    for name in box.control.call("faults")["active"]:
        box.control.call("fault", name=name, on=False)
    if box.control.state()["ev"]:
        box.control.call("unplug")


def test_ready_line(box):
    assert box.ready["runtime"] == "mpy32" and box.ready["heap"] == "208K"
    assert box.ready["echonet"] == BIND + ":3610"
    assert box.ready["control"].startswith("127.0.0.1:")
    assert {"ski", "ship_port"} <= set(box.ready)


def test_state_has_what_is_promised(control):
    state = control.state()
    assert state["firmware"] == "ok"
    assert {"state", "duty_permille", "high_mv", "low_mv"} <= set(state["pilot"])
    assert {"commanded", "closed"} <= set(state["contactor"])
    assert {"offer_ma", "phases", "current_ma", "power_w", "energy_wh", "binding", "limits", "faults", "ev", "memory",
            "loop_gap_ms"} <= set(state)
    assert {"free", "used", "largest"} <= set(state["memory"]) and len(state["current_ma"]) == 3


def test_a_car_charges_and_leaves(control):
    control.call("plug", phases=3, max_ma=16000, reaction_ms=200, ramp_ma_s=100000)
    control.wait(lambda state: state["pilot"]["state"] == "B")
    control.call("ready")
    state = control.wait(lambda state: state["current_ma"] == [16000] * 3)
    assert state["contactor"]["closed"] and state["pilot"]["state"] == "C" and state["power_w"] == 11040
    control.call("pause")
    control.wait(lambda state: not state["contactor"]["closed"] and state["pilot"]["state"] == "B")
    control.call("unplug")
    assert control.wait(lambda state: state["pilot"]["state"] == "A")["ev"] is None


def test_faults_reach_the_firmware(control):
    faults = control.call("faults")
    assert "P1" in faults["faults"]["diode_missing"] and faults["active"] == {}
    control.call("fault", name="mains_mv", on=True, value=205000, ms=300000)
    assert control.state()["injected"] == {"mains_mv": 205000}
    control.call("fault", name="mains_mv", on=False)
    assert control.state()["injected"] == {}


def test_button(control):
    assert control.call("button", ms=300) == {"ok": True}


def test_firmware_words_pass_through(control):
    assert control.call("network", up=True) == {"ok": True}
    assert "unknown op" in control.ask({"op": "no_such_word"})["error"]


@pytest.mark.parametrize("line", [
    b"", b"{", b"null", b"[]", b"7", b'"state"', b"{}", b'{"op": 7}', b'{"op": null}', b"\xff\xfe\x00", b"[" * 5000,
    b'{"op": "plug", "phases": 4}', b'{"op": "plug", "wheels": 4}', b'{"op": "plug", "soc": 1e999}',
    b'{"op": "unplug"}', b'{"op": "ready"}', b'{"op": "fault"}', b'{"op": "fault", "name": "weld", "on": 1}',
    b'{"op": "fault", "name": "weld", "value": "all"}', b'{"op": "fault", "name": ["weld"]}',
    b'{"op": "fault", "name": "weld", "of": true}', b'{"op": "button", "ms": -1}', b'{"op": "powercut", "ms": "x"}',
    b'{"op": "_op_state"}', b'{"op": "__class__"}',
])
def test_bad_requests_are_answered(box, line):
    with socket.create_connection(box.ready["control"].rsplit(":", 1), 10) as raw:
        file = raw.makefile("rwb")
        file.write(line + b"\n")
        file.flush()
        assert "error" in json.loads(file.readline())
        file.write(b'{"op": "state"}\n')
        file.flush()
        assert json.loads(file.readline())["firmware"] == "ok", "the connection goes on"


def test_a_line_without_end_harms_nobody(box, control):
    with socket.create_connection(box.ready["control"].rsplit(":", 1), 10) as raw:
        try:
            raw.sendall(b"x" * 300000)
            assert "error" in json.loads(raw.makefile("rb").readline())
        except OSError:
            pass  # closed while we wrote
    assert control.state()["firmware"] == "ok"


def test_several_clients_at_once_and_one_that_leaves(box):
    clients = [box.connect() for _ in range(8)]
    for client in clients:
        client._file.write(b'{"op": "state"}\n')
        client._file.flush()
    clients.pop().close()
    for client in clients:
        assert json.loads(client._file.readline())["firmware"] == "ok"
        client.close()
    assert box.control.state()["firmware"] == "ok"


def test_restart_and_power_cut_with_a_charging_car(box, control):
    control.call("plug", reaction_ms=200, ramp_ma_s=100000, ready=True)
    energy_wh = control.wait(lambda state: state["current_ma"][0] > 30000)["energy_wh"]
    assert control.call("restart")["ready"] == box.ready_line
    control.wait(lambda state: state["current_ma"][0] > 30000)
    assert control.call("powercut", ms=300)["ready"] == box.ready_line
    state = control.wait(lambda state: state["current_ma"][0] > 30000)
    assert state["energy_wh"] >= energy_wh and state["powered"] and state["faults"] == []


def test_command_line_client(box):
    tool = os.path.join(runtimes.ROOT, "tools", "control.py")
    port = box.ready["control"].rsplit(":", 1)[1]
    done = subprocess.run([sys.executable, tool, port, '{"op":"faults"}', '{"op":"x"}'], capture_output=True)
    first, second = done.stdout.splitlines()
    assert done.returncode == 0 and "weld" in json.loads(first)["faults"] and "error" in json.loads(second)


@pytest.mark.parametrize("runtime", ["mpy64", "cpython"])
def test_other_runtimes_serve(runtime):
    with sim("--runtime", runtime, bind=OTHER_BIND) as box:
        box.control.call("plug", ready=True, reaction_ms=200)
        assert box.control.wait(lambda state: state["power_w"] > 1000)["firmware"] == "ok"
        assert box.line("ready ") and box.ready["runtime"] == runtime


def test_ratings_and_settings_reach_both_sides():
    with sim("--runtime", "mpy64", "--set", "ratings.phases=1", "--set", "supply_ma=10000", "--set",
             "plant.contactor.close_ms=60", bind=OTHER_BIND) as box:
        box.control.call("plug", ready=True, reaction_ms=200)
        state = box.control.wait(lambda state: state["current_ma"] == [9960, 0, 0] or state["current_ma"][0] > 10000)
        assert state["current_ma"] == [9960, 0, 0]
        assert state["offer_ma"] == 10000 and state["contactor"]["poles"] == 1 and state["voltage_mv"][1] == 0


def test_the_meter_counts_on_over_the_end(tmp_path):
    for _ in range(2):
        with sim("--runtime", "mpy64", bind=OTHER_BIND, state=str(tmp_path)) as box:
            before = box.control.state()["energy_wh"]
            box.control.call("plug", ready=True, reaction_ms=0, ramp_ma_s=1000000)
            box.control.wait(lambda state: state["energy_wh"] > before)
    assert before > 0


def test_one_simulator_for_a_state_folder(tmp_path):
    with sim("--runtime", "mpy64", bind=OTHER_BIND, state=str(tmp_path)):
        with pytest.raises(NotServing, match="another simulator uses the state folder"):
            sim(state=str(tmp_path))


@pytest.mark.parametrize("arguments, words", [
    (("--set", "ratings.wheels=4"), "no rating wheels"),
    (("--set", "ratings.phases=true"), "is like 3, not True"),
    (("--set", "plant.contactor.coil=4"), "no parameter contactor.coil"),
    (("--set", "oops"), "KEY=VALUE"),
    (("--runtime", "pypy"), "invalid choice"),
])
def test_wrong_arguments_are_told(arguments, words):
    with pytest.raises(NotServing, match=words):
        sim(*arguments)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_end_leaves_no_process(number):
    with sim("--runtime", "mpy64", bind=OTHER_BIND) as box:
        firmware = firmware_of(box)
        box.process.send_signal(number)
        assert box.process.wait(20) == 0
        assert gone(firmware, 0)


def test_a_killed_simulator_leaves_no_firmware():
    with sim("--runtime", "mpy32", bind=OTHER_BIND) as box:
        firmware = firmware_of(box)
        box.process.kill()
        box.process.wait()
        assert gone(firmware)


def test_a_crashed_firmware_is_told():
    with sim("--runtime", "mpy64", bind=OTHER_BIND) as box:
        os.kill(firmware_of(box), signal.SIGSEGV)
        assert box.process.wait(20) == 1
        assert box.line("sim: the firmware ended by itself, by signal 11")
        with pytest.raises((ControlError, OSError)):
            box.control.state()


def test_a_firmware_that_hangs_is_silent():
    with sim("--runtime", "mpy64", "--set", "plant.contactor.interlock_ms=400", bind=OTHER_BIND) as box:
        box.control.call("plug", ready=True, reaction_ms=0)
        trips = box.control.wait(lambda state: state["contactor"]["closed"])["contactor"]["interlock_trips"]
        firmware = firmware_of(box)
        os.kill(firmware, signal.SIGSTOP)
        try:
            state = box.control.state()
            assert state["firmware"] == "silent" and state["offer_ma"] is None and state["memory"] is None
            assert not state["contactor"]["closed"] and state["contactor"]["interlock_trips"] == trips + 1
        finally:
            os.kill(firmware, signal.SIGCONT)
        box.control.wait(lambda state: state["firmware"] == "ok")


def test_two_simulators_side_by_side():
    with sim("--runtime", "mpy64", bind=OTHER_BIND) as one, sim("--runtime", "mpy64", bind="127.0.11.3") as other:
        one.control.call("plug")
        assert one.control.wait(lambda state: state["pilot"]["state"] == "B")
        assert other.control.state()["ev"] is None
        assert Control(int(other.ready["control"].rsplit(":", 1)[1])).state()["firmware"] == "ok"
