"""The EMS peer itself, tried on eebus-go's own charging station: what the tests of the firmware rely on."""

import contextlib
import os
import socket
import time

import pytest
import runtimes

from host_tests.conftest import missing_peer
from host_tests.interop.namespaces import Network, Unavailable
from host_tests.peers.ems import CAR, STATION, Ems, Failed, Identity, limit_cmd


def free_port():
    """One that nobody has, and that no connection gets by chance: below the range of ephemeral ports."""
    for port in range(20000 + os.getpid() % 5000, 30000):
        with contextlib.suppress(OSError), socket.socket() as sock:
            sock.bind(("", port))
            if port not in _given:
                _given.add(port)
                return port
    raise AssertionError("no free port")


_given = set()


@pytest.fixture(scope="module")
def identities(tmp_path_factory):
    try:
        runtimes.go_peer("ems_go")
    except runtimes.Missing as why:
        missing_peer("ems_go", str(why))
    folder = tmp_path_factory.mktemp("identities")
    return {name: Identity(folder / name) for name in ("box", "ems")}


@pytest.fixture(scope="module")
def port():
    return free_port()


def new_box(identities, port, **more):
    return Ems(identities["ems"].ski, identity=identities["box"], own_port=port, box=True, **more)


def new_ems(identities, port, **more):
    return Ems(identities["box"].ski, "127.0.0.1", port, identity=identities["ems"], **more)


@pytest.fixture(scope="module")
def box(identities, port):
    with new_box(identities, port, heartbeat="1s") as box:
        yield box


@pytest.fixture(scope="module")
def session(identities, port, box):
    with new_ems(identities, port, usecases=STATION + CAR, heartbeat="1s") as ems:
        ems.wait_ready()
        yield ems


@pytest.fixture
def ems(session):
    """Connected and heard, whatever the test before did."""
    session.call("reconnect")
    session.wait_ready()
    session.call("heartbeat.start")
    return session


def test_identity_stays_in_its_folder(identities, tmp_path):
    assert Identity(identities["ems"].folder).ski == identities["ems"].ski
    assert Identity(tmp_path).ski != identities["ems"].ski
    assert len(identities["ems"].ski) == 40


def test_it_finds_the_use_cases_of_the_box_and_no_others(ems, box):
    found = ems.call("usecases")
    assert found["eg-lpc"] == [{"entity": [1], "scenarios": [1, 2, 3, 4]}]
    assert found["ma-mpc"] == [{"entity": [1], "scenarios": [1, 2, 3, 4, 5]}]
    assert found["cem-evsecc"] == [{"entity": [1], "scenarios": [1, 2]}]
    assert [found[name] for name in CAR] == [[]] * len(CAR)
    state = ems.call("state")
    assert state["peer_device"] == "d:_n:Tests_Box-1" and state["peer_ship_id"] == "Tests-Box-1"
    assert [entity["type"] for entity in state["entities"]] == ["DeviceInformation", "EVSE"]


def test_a_limit_is_written_read_and_reported(ems, box):
    before = len(box.events)
    assert ems.call("lpc.write", value=4200, active=True, duration_ms=None)["error"] == 0
    assert ems.wait_event("lpc.limit", lambda event: event["value"]["value"] == 4200)["value"]["active"]
    assert box.wait_event("limit", after=before)["value"] == 4200
    assert ems.call("lpc.limit") == {"value": 4200, "active": True, "changeable": True, "duration_ms": None}
    assert ems.call("lpc.write", value=6000, active=False, duration_ms=900000)["error"] == 0
    limit = ems.wait_event("lpc.limit", lambda event: event["value"]["value"] == 6000)["value"]
    assert not limit["active"] and 880000 < limit["duration_ms"] <= 900000


def test_a_refusal_is_an_answer_with_its_number(ems):
    assert ems.call("lpc.write", value=4200, active=True)["error"] == 0
    answer = ems.call("lpc.write", value=-1000, active=True)
    assert (answer["error"], answer["description"]) == (7, "negative")
    ems.until(lambda: ems.call("lpc.limit")["value"] == 4200)


def test_what_cannot_be_done_fails_with_a_reason(ems):
    for op, parameters, reason in (("nothing", {}, "unknown op"), ("lpc.write", {"walue": 1}, "unknown field"),
                                   ("evsoc.soc", {}, "no compatible entity"),
                                   ("lpc.write_failsafe_duration", {"duration_ms": 3600000}, "range"),
                                   ("raw", {"to": "Bill", "cmd": {}}, "no server feature")):
        with pytest.raises(Failed, match=reason):
            ems.call(op, **parameters)


def test_failsafe_values_and_nominal_maximum(ems, box):
    assert ems.call("lpc.write_failsafe_limit", value=5000.5)["error"] == 0
    assert ems.call("lpc.write_failsafe_duration", duration_ms=3 * 3600000)["error"] == 0
    ems.until(lambda: ems.call("lpc.failsafe_limit") == 5000.5)
    ems.until(lambda: ems.call("lpc.failsafe_duration") == 3 * 3600000)
    assert ems.call("lpc.nominal_max", wait_ms=5000) == 22080


def test_measurements_of_every_scenario(ems, box):
    box.call("box.measure", power=11040, power_a=3680, power_b=3679, power_c=3681, energy_consumed=12345,
             energy_produced=0, current_a=16, current_b=15.9, current_c=16.1, voltage_a=230.1, voltage_b=229.9,
             voltage_c=231, frequency=49.98)
    expected = {"mpc.power": 11040, "mpc.power_per_phase": [3680, 3679, 3681], "mpc.energy_consumed": 12345,
                "mpc.energy_produced": 0, "mpc.current_per_phase": [16, 15.9, 16.1],
                "mpc.voltage_per_phase": [230.1, 229.9, 231], "mpc.frequency": 49.98}
    ems.until(lambda: ems.call("read", prefix="mpc.") == expected)
    before = len(ems.events)
    box.call("box.measure", power=7000)
    assert ems.wait_event("mpc.power", lambda event: event["value"] == 7000, after=before)


def test_manufacturer_and_operating_state(ems, box):
    assert ems.call("evsecc.manufacturer", wait_ms=5000)["deviceName"] == "Test box"
    ems.until(lambda: ems.call("evsecc.state")["state"] == "normalOperation")
    before = len(ems.events)
    box.call("operating_state", state="failure", code="E7")
    assert ems.wait_event("evsecc.state", after=before)["value"] == {"state": "failure", "code": "E7"}
    box.call("operating_state", state="normalOperation")


def test_heartbeats_both_ways_stopped_and_by_hand(ems, box):
    beats = box.until(lambda: [each for each in box.events if each["event"] == "heartbeat"][-1:])
    assert beats[0]["timeout"] == "PT1S"
    ems.wait_event("heartbeat", lambda event: event["timeout"] == "PT1S")
    ems.call("heartbeat.stop")
    assert not ems.call("state")["heartbeat_running"]
    ems.call("heartbeat.send", counter=4710)
    box.wait_event("heartbeat", lambda event: event["counter"] == 4710, after=0)
    quiet = len(box.events)  # whatever was on its way has come
    time.sleep(2.5)
    assert box.count("heartbeat", quiet) == 0
    ems.call("heartbeat.send", counter=4711, timeout_ms=60000, timestamp="1970-01-01T00:00:07Z")
    beat = box.wait_event("heartbeat", after=quiet)
    assert (beat["counter"], beat["timeout"], beat["timestamp"]) == (4711, "PT1M", "1970-01-01T00:00:07Z")
    ems.call("heartbeat.start")
    box.wait_event("heartbeat", lambda event: event["timeout"] == "PT1S", after=quiet)


def test_hand_made_writes(ems, box):
    cases = ((limit_cmd(value=3000, active=True), 0), (limit_cmd(value=-3000), 7), (limit_cmd(active=False), 0),
             (limit_cmd(value=3100, delete_period=True), 0), (limit_cmd(value=3200, end_time="PT15M", nonsense=[1]), 0))
    for cmd, error in cases:
        assert ems.raw("LoadControl", cmd)["error"] == error, cmd
        sent = ems.messages("out", "loadControlLimitListData", "write")[-1]
        assert sent["cmd"] == cmd
    assert list(sent["header"]) == ["specificationVersion", "addressSource", "addressDestination", "msgCounter",
                                    "cmdClassifier", "ackRequest"]
    ems.until(lambda: ems.call("lpc.limit")["value"] == 3200)


def test_hand_made_reads_headers_and_wire_text(ems):
    ems.call("heartbeat.stop")  # so that nothing else is counted
    answer = ems.raw("LoadControl", {"loadControlLimitListData": {}}, classifier="read")
    assert answer["classifier"] == "reply"
    assert answer["cmd"]["loadControlLimitListData"]["loadControlLimitData"][0]["limitId"] == 0
    counter = answer["counter"]
    answer = ems.raw("LoadControl", eebus='[[{"loadControlLimitListData":[]}]]', classifier="read",
                     header={"ackRequest": None})
    assert answer["classifier"] == "reply" and answer["counter"] == counter + 1
    assert ems.raw("NodeManagement", {"nodeManagementUseCaseData": {}}, classifier="read",
                   header={"specificationVersion": "1.999.999"})["classifier"] == "reply"
    with pytest.raises(Failed, match="no response"):
        ems.raw("LoadControl", limit_cmd(value=1), classifier="notify", header={"ackRequest": None}, timeout_ms=300)
    assert ems.call("lpc.write", value=2000, active=True)["error"] == 0, "the stack works on after it"


def test_a_raw_frame_goes_out_as_it_is(ems, box):
    text = '\x01{"accessMethodsRequest" :[]}'
    assert ems.call("frame", text=text) == len(text)
    ems.until(lambda: _logged(box, text[1:]))


def _logged(box, part):
    with open(box.log) as log:
        return any(part in line.replace("\\", "") for line in log)


def test_orders_may_overlap(ems):
    orders = [ems.send("lpc.write", value=value, active=True) for value in range(1000, 1060)]
    answers = [ems.answer(order) for order in orders]
    assert [answer["error"] for answer in answers] == [0] * 60
    assert [answer["counter"] for answer in answers] == sorted(answer["counter"] for answer in answers)


@pytest.mark.parametrize("how", ("announce", "drop"))
def test_disconnect_stays_until_reconnect(ems, how):
    for _ in range(3):
        ems.call("disconnect", how=how)
        ems.wait_disconnected()
        time.sleep(0.8)
        assert not ems.call("state")["connected"]
        with pytest.raises(Failed, match="not connected"):
            ems.call("lpc.write", value=1, active=True)
        ems.call("reconnect")
        ems.wait_ready()
        assert ems.call("lpc.write", value=4300, active=True)["error"] == 0


def test_a_restart_of_the_box_needs_no_order(identities):
    port = free_port()
    with new_ems(identities, port) as ems:
        for value in (4100, 4200):
            with new_box(identities, port) as box:
                ems.wait_ready()
                assert ems.call("lpc.write", value=value, active=True)["error"] == 0
                box.wait_event("limit", lambda event: event["value"] == value, after=0)
                begin = len(ems.events)
                if value == 4100:
                    box.kill()
            ems.wait_event("disconnected", after=begin)


def test_the_box_may_dial_and_trust_may_come_later(identities):
    port, box_port = free_port(), free_port()
    with Ems(identity=identities["ems"], own_port=port) as ems:
        with Ems(identities["ems"].ski, "127.0.0.1", port, identity=identities["box"], own_port=box_port, box=True):
            ems.wait_event("pairing", lambda event: event["state"] == "pairing request", after=0)
            assert not ems.call("state")["connected"]
            ems.call("trust", ski=identities["box"].ski)
            ems.wait_ready()


def test_a_frozen_peer_is_silent_and_comes_back(ems, box):
    ems.freeze()
    quiet = len(box.events)
    time.sleep(2.2)
    assert box.count("heartbeat", quiet) <= 1  # one may have been on its way
    ems.thaw()
    box.wait_event("heartbeat", after=len(box.events))


def test_nothing_is_left_behind(identities):
    port = free_port()
    with new_box(identities, port) as box:
        with new_ems(identities, port) as ems:
            ems.wait_ready()
        assert ems.process.returncode == 0
        box.wait_event("disconnected", after=0)
        assert not os.path.exists(ems._folder)
        killed = new_ems(identities, port)
        killed.kill()
        killed.close()
    with pytest.raises(OSError):
        socket.create_connection(("127.0.0.1", port), 1).close()


def test_it_finds_the_box_by_mdns(identities):
    try:
        network = Network(("box", "ems"))
    except Unavailable as why:
        missing_peer("network namespaces", str(why))
    with network:
        def peer(host, ski, **more):
            return Ems(ski, host=None, own_port=4712, prefix=network.command(host, []), **more)

        with peer("box", identities["ems"].ski, identity=identities["box"], box=True) as box:
            box.call("disconnect")  # it only waits
            with peer("ems", identities["box"].ski, identity=identities["ems"]) as ems:
                seen = ems.wait_event("visible", after=0)
                assert (seen["ski"], seen["id"]) == (identities["box"].ski, "Tests-Box-1")
                ems.wait_ready()
