"""SPINE in the whole firmware, with an unmodified EMS on eebus-go: limits, measurements, relations, restarts.

Every form of a write and every rule of LPC in simulated time: pure/test_spine_map_*.py and test_failsafe_lpc.py. The
two stories of 120 s, that of 200 cars and that of one phase run beside the others, each with a wallbox of its own.
"""

import time

import pytest

from host_tests.interop.firmware_cars import many_cars
from host_tests.interop.firmware_spine import Story, Wallbox, again, identities, limited
from host_tests.peers.echonet_box import Raw
from host_tests.peers.ems import limit_cmd

ADDRESS, LOSS, ALONE, OPEN, CARS = ("127.0.0.%d" % number for number in range(51, 56))
SILENCE_S = 120


@pytest.fixture(scope="module")
def known(tmp_path_factory):
    return identities(tmp_path_factory.mktemp("spine"), "ems", "second", "loss", "alone", "open", "cars")


@pytest.fixture(scope="module")
def stories(known):
    return {"loss": Story(lambda: heartbeat_lost(known["loss"])), "alone": Story(lambda: never_a_limit(known["alone"])),
            "cars": Story(lambda: many_cars(known["cars"], CARS)), "open": Story(lambda: one_phase(known["open"]))}


@pytest.fixture(scope="module")
def box(known, stories):
    with Wallbox(ADDRESS, trusted=(known["ems"].ski, known["second"].ski)) as box:
        yield box


@pytest.fixture(scope="module")
def session(box, known):
    with box.ems(known["ems"]) as ems:
        yield ems


@pytest.fixture
def ems(box, session):
    """Connected, heard, and limiting to 9 kW."""
    if not session.call("state")["connected"]:
        session.call("reconnect")
    session.wait_ready()
    session.call("heartbeat.start")
    limited(session, 9000)
    yield session
    box.survived()


@pytest.fixture
def charging(box, ems):
    """As `ems`, with a car that draws those 13 A."""
    box.amperes(13)
    return ems


def heartbeat_lost(identity):
    """912, 916, 919: the heartbeat ends, everything else goes on; failsafe after 120 s; back by heartbeat and limit."""
    with Wallbox(LOSS, trusted=(identity.ski,)) as box, box.ems(identity) as ems:
        ems.wait_ready()
        limited(ems, 9000)
        assert ems.call("lpc.write_failsafe_limit", value=5000)["error"] == 0
        box.amperes(13)
        ems.call("heartbeat.stop")
        stopped = time.monotonic()
        while time.monotonic() - stopped < SILENCE_S - 6:
            assert ems.call("lpc.write", value=9000, active=True)["error"] == 0
            assert ems.raw("Measurement", {"measurementListData": {}}, classifier="read")["classifier"] == "reply"
            assert box.control.state()["offer_ma"] == 13000
            time.sleep(2)
        before = len(ems.events)
        box.control.wait(lambda state: state["offer_ma"] == 7200)
        assert SILENCE_S - 4 < time.monotonic() - stopped < SILENCE_S + 6
        box.amperes(7.2)
        ems.wait_event("lpc.limit", lambda event: not event["value"]["active"], after=before)
        assert ems.call("lpc.write", value=6000, active=True)["error"] == 7  # TS-036
        ems.call("heartbeat.start")
        time.sleep(3)
        assert box.control.state()["offer_ma"] == 7200  # 916
        limited(ems, 6000)
        box.amperes(8.6)
        box.survived()


def never_a_limit(identity):
    """901, 906, pitfall 11: failsafe value from the start; autonomous after 120 s though an EMS beats; a limit."""
    with Wallbox(ALONE, "--set", "failsafe_w=8000", trusted=(identity.ski,)) as box:
        box.amperes(11.5)
        with box.ems(identity) as ems:
            ems.wait_ready()
            while True:
                state = box.control.wait(lambda state: state["firmware"] == "ok")
                if state["uptime_ms"] > (SILENCE_S - 5) * 1000:
                    break
                assert state["offer_ma"] == 11500
                time.sleep(0.5)
            assert not ems.call("lpc.limit")["active"]
            state = box.control.wait(lambda state: state["offer_ma"] == 32000)
            assert state["uptime_ms"] > (SILENCE_S - 4) * 1000
            box.amperes(32)
            limited(ems, 9000)
            box.amperes(13)
            box.survived()


def test_the_pilot_follows_every_limit(box, charging):
    ems = charging
    for watts, amperes in ((6000, 8.6), (4100, 0), (4200, 6), (0, 0), (23184, 32)):
        assert ems.call("lpc.write", value=watts, active=True)["error"] == 0
        state = box.amperes(amperes)
        assert state["binding"] == ("board" if amperes == 32 else "consumption limit")
        limit = ems.call("lpc.limit")
        assert (limit["value"], limit["active"], limit["changeable"]) == (watts, True, True)
    assert ems.call("lpc.write", value=9000, active=False)["error"] == 0
    box.amperes(32)


def test_a_write_is_on_the_pilot_and_told_at_once(box, charging):
    ems = charging
    time.sleep(5.5)  # the guard's pause between two changes of the duty
    before = len(ems.events)
    begun = time.monotonic()
    assert ems.call("lpc.write", value=6000, active=True)["error"] == 0
    ems.wait_event("lpc.limit", lambda event: event["value"]["value"] == 6000, after=before, timeout=2)
    box.control.wait(lambda state: state["pilot"]["duty_permille"] == 143, 2, 0.01)
    assert time.monotonic() - begun < 2


def test_pitfall_8_and_pitfall_9_refused_ignored_and_expired_limits(box, charging):
    ems = charging
    assert ems.call("lpc.write", value=-1000, active=True)["error"] == 7
    assert ems.call("lpc.limit")["value"] == 9000
    assert ems.raw("LoadControl", limit_cmd(value=1000, active=True, end_time="PT0S"))["error"] == 0
    assert ems.call("lpc.limit")["value"] == 9000 and box.control.state()["offer_ma"] == 13000
    before = len(ems.events)
    assert ems.call("lpc.write", value=6000, active=True, duration_ms=10000)["error"] == 0
    box.amperes(8.6)
    read = ems.raw("LoadControl", {"loadControlLimitListData": {}}, classifier="read")
    left = read["cmd"]["loadControlLimitListData"]["loadControlLimitData"][0]["timePeriod"]["endTime"]
    assert left[:2] == "PT" and int(left[2:-1]) < 10
    ems.wait_event("lpc.limit", lambda event: not event["value"]["active"], after=before)
    box.amperes(32)


FORMS = (
    (dict(value=7000, active=True), 0), (dict(value=7000), 0), (dict(active=True), 0),
    (dict(value=7000, delete_period=True), 0), (dict(delete_period=True), 0), (dict(end_time="PT1H"), 0),
    (dict(value=7000, active=True, partial=False), 0), (dict(value=96906, scale=-1), 0),
    (dict(value=7000, scale=None), 0), (dict(value=7000, active=True, nonsense=[{"a": 1}]), 0),
    (dict(limit_id=None, value=7000), 0), (dict(limit_id=7, value=7000), 7),
    (dict(value=7000, isLimitChangeable=False), 7), (dict(end_time="P"), 7), (dict(value=-1), 7))


def test_forms_of_a_write(ems):
    for form, error in FORMS:
        assert ems.call("lpc.write", value=9000, active=True)["error"] == 0
        assert ems.raw("LoadControl", limit_cmd(**form))["error"] == error, form
        read = ems.raw("LoadControl", {"loadControlLimitListData": {}}, classifier="read")
        row = read["cmd"]["loadControlLimitListData"]["loadControlLimitData"][0]
        want = 9000 if error or "value" not in form else 9690 if form.get("scale") == -1 else 7000
        assert row["value"]["number"] == want and row["isLimitActive"], form
        assert ("timePeriod" in row) == (not error and "end_time" in form), form


def test_mpc_1_to_5_show_what_the_meter_shows(box, charging):
    ems = charging
    truth = box.control.state()
    ems.until(lambda: abs(ems.call("mpc.power", wait_ms=2000) - truth["power_w"]) < 60)
    for name, value, error in (("power", truth["power_w"] / 3, 30), ("current", truth["current_ma"][0] / 1000, 0.1),
                               ("voltage", 230, 1)):
        ems.until(lambda: all(abs(each - value) < error for each in ems.call("mpc.%s_per_phase" % name)), what=name)
    assert abs(ems.call("mpc.frequency") - 50) < 0.05
    assert ems.call("mpc.energy_produced") == 0
    energy = ems.call("mpc.energy_consumed")
    ems.wait_event("mpc.energy_consumed", lambda event: event["value"] > energy)
    ems.until(lambda: _seconds_apart(ems.messages("in", "measurementListData", "notify")[-3:]))


def _seconds_apart(news):
    """Pitfall 24. They come so once the car draws what it may; on their way one may have been held up."""
    return len(news) == 3 and all(b["t"] - a["t"] > 0.7 for a, b in zip(news, news[1:]))


def test_evsecc_manufacturer_and_state(box, ems):
    assert ems.call("evsecc.manufacturer", wait_ms=2000)["deviceName"] == "Wallbox"
    ems.until(lambda: ems.call("evsecc.state")["state"] == "normalOperation")
    before = len(ems.events)
    box.control.call("fault", name="rcm_trip", ms=300)
    told = ems.wait_event("evsecc.state", lambda event: event["value"]["state"] == "failure", after=before)
    assert int(told["value"]["code"])
    box.control.call("unplug")
    ems.until(lambda: box.control.call("faults_reset") and ems.call("evsecc.state")["state"] == "normalOperation")
    box.control.call("plug", phases=3, ready=True, reaction_ms=100, ramp_ma_s=1000000)


def test_pitfall_27_nominal_maximum_is_notified(ems):
    assert ems.call("lpc.nominal_max", wait_ms=2000) == 22080
    (told,) = ems.messages("in", "electricalConnectionCharacteristicListData", "notify")[-1:]
    data = told["cmd"]["electricalConnectionCharacteristicListData"]["electricalConnectionCharacteristicData"][0]
    assert data["value"]["number"] == 22080


def test_heartbeat_of_the_box(ems):
    before = len(ems.events)
    again(ems)
    beat = ems.wait_event("heartbeat", timeout=15, after=before)  # at once
    assert beat["timeout"] == "PT60S" and beat["timestamp"][:2] == "20"


def test_rule_913_the_first_limit_after_a_start_of_the_box_is_taken(box, ems):
    """The box has asked for the heartbeat before the EMS can know of LPC."""
    for watts, amperes in ((7000, 10.1), (6000, 8.6)):
        ems.call("disconnect")
        ems.wait_disconnected()
        box.control.call("restart")
        ems.call("reconnect")
        ems.wait_ready()
        assert ems.call("lpc.write", value=watts, active=True)["error"] == 0
        box.amperes(amperes)


def test_pitfall_31_clock_that_was_never_set_takes_the_time_of_the_ems(box, ems):
    box.control.call("fault", name="clock_unset", on=True)
    try:
        ems.call("disconnect")
        box.control.call("restart")
        before = len(ems.events)
        ems.call("reconnect")
        ems.wait_ready()
        beat = ems.wait_event("heartbeat", lambda event: event["timestamp"], timeout=15, after=before)
        assert beat["timestamp"][:10] == time.strftime("%Y-%m-%d", time.gmtime())
        limited(ems, 9000)
    finally:
        box.control.call("fault", name="clock_unset", on=False)


def test_sixty_requests_in_a_second_are_answered_in_order(ems):
    begin = len(ems.messages("in"))
    orders = []
    for number in range(60):
        kind, function = (("Measurement", "measurementListData"), ("LoadControl", "loadControlLimitListData"),
                          ("ElectricalConnection", "electricalConnectionParameterDescriptionListData"))[number % 3]
        orders.append(ems.send("raw", to=kind, cmd={function: {}}, classifier="read"))
    answers = [ems.answer(order) for order in orders]
    assert [each["classifier"] for each in answers] == ["reply"] * 60
    counters = {each["counter"] for each in answers}
    came = [each for each in ems.messages("in")[begin:] if each["header"].get("msgCounterReference") in counters]
    references = [each["header"]["msgCounterReference"] for each in came]
    assert len(references) == 60 and references == sorted(references)


def test_pitfall_33_missing_destination_device_means_me(ems):
    answer = ems.raw("LoadControl", {"loadControlLimitListData": {}}, classifier="read",
                     header={"addressDestination": {"entity": [1], "feature": 3}})
    assert answer["classifier"] == "reply"


def test_pitfall_20_second_ems_reads_and_hears_but_may_not_write(box, charging, known):
    ems = charging  # else its power does not change, and there is nothing to hear
    with box.ems(known["second"], serial="2") as second:
        second.wait_ready()
        assert second.raw("LoadControl", limit_cmd(value=1000, active=True))["error"] == 9
        second.until(lambda: 7 in [each["cmd"]["resultData"]["errorNumber"]
                                   for each in second.messages("in", "resultData")])  # its binding
        before = len(second.events)
        assert ems.call("lpc.write", value=7000, active=True)["error"] == 0
        second.wait_event("lpc.limit", lambda event: event["value"]["value"] == 7000, after=before)
        second.wait_event("mpc.power", after=before)
        box.amperes(10.1)
        ems.call("disconnect")
        ems.wait_disconnected()
        again(second)  # the place is free now
        limited(second, 6000)
        box.amperes(8.6)


def test_pitfall_2_ems_killed_and_started_again(box, ems, known):
    ems.call("disconnect")
    ems.wait_disconnected()
    for watts, amperes in ((7000, 10.1), (6000, 8.6)):
        with box.ems(known["ems"]) as new:
            new.wait_ready()
            limited(new, watts)
            box.amperes(amperes)
            new.kill()
        assert box.control.state()["offer_ma"] == round(amperes * 1000)


def test_pitfall_1_new_connection_while_the_old_one_is_half_open(box, ems, known):
    ems.freeze()
    try:
        with box.ems(known["ems"]) as new:
            new.wait_ready()
            limited(new, 7000)
            box.amperes(10.1)
    finally:
        ems.thaw()
    ems.until(lambda: not ems.call("state")["connected"] or ems.call("reconnect"))


def test_fifty_reconnects_keep_limit_and_memory(box, charging):
    ems = charging
    used = []
    for number in range(50):
        again(ems, "drop" if number % 2 else "announce")
        state = box.control.state()
        assert state["offer_ma"] == 13000 and state["binding"] == "consumption limit"
        if number in (9, 29, 49):
            assert ems.call("lpc.write", value=9000 + number, active=True)["error"] == 0
            used.append(box.used())
    # what a connection leaks grows in both spans; the collector may keep one dead session by a stale word in one
    assert min(used[1] - used[0], used[2] - used[1]) < 2048 and used[2] - used[0] < 9000, used
    assert len(box.control.state()["ship"]["sessions"]) == 1


def test_failsafe_values_survive_restart_and_power_cut(box, charging):
    ems = charging
    for how, watts, hours, amperes in (("restart", 5000, 3, 7.2), ("powercut", 6000, 4, 8.6)):
        assert ems.call("lpc.write_failsafe_limit", value=watts)["error"] == 0
        assert ems.call("lpc.write_failsafe_duration", duration_ms=hours * 3600000)["error"] == 0
        box.kept()
        ems.call("disconnect")
        ems.wait_disconnected()
        box.control.call(how)
        assert box.amperes(amperes)["binding"] == "consumption limit"  # 901: in init
        ems.call("reconnect")
        ems.wait_ready()
        assert not ems.call("lpc.limit")["active"]
        ems.until(lambda: ems.call("lpc.failsafe_limit", wait_ms=2000) == watts)
        assert ems.call("lpc.failsafe_duration") == hours * 3600000
        limited(ems, 9000)
        box.amperes(13)


def test_echonet_lite_shows_the_same_limit(box, charging):
    ems = charging
    with Raw("127.0.0.59", ADDRESS) as controller:
        assert int(controller.get("99"), 16) == 9000
        assert controller.set("99", "%04x" % 7000)
        box.amperes(10.1)
        assert int(controller.get("99"), 16) == 7000
        assert controller.set("99", "%04x" % 11000)
        box.amperes(13)
        assert int(controller.get("99"), 16) == 9000
        assert ems.call("lpc.write", value=9000, active=False)["error"] == 0
        box.amperes(15.9)
        assert int(controller.get("99"), 16) == 11000


def one_phase(identity):
    with Wallbox(OPEN, "--set", "ratings.phases=1", car={"phases": 1, "ready": True}) as box:
        assert box.amperes(32)["binding"] == "board"
        box.control.call("trust", ski=identity.ski)
        assert box.amperes(18.2)["binding"] == "consumption limit"  # 4200 W on one phase
        with box.ems(identity) as ems:
            ems.wait_ready()
            limited(ems, 2300)
            box.amperes(9.9)  # 5 W are the box's own
            ems.until(lambda: abs(ems.call("mpc.current_per_phase", wait_ms=2000)[0] - 9.9) < 0.2)
            assert len(ems.call("mpc.power_per_phase")) == 1 and len(ems.call("mpc.voltage_per_phase")) == 1
            assert ems.call("lpc.nominal_max", wait_ms=2000) == 7360
        box.control.call("untrust", ski=identity.ski)
        box.amperes(32)
        box.survived()


def test_one_phase_and_nobody_trusted_yet(stories):
    stories["open"].end(120)


def test_rule_901_rule_906_and_pitfall_11_an_ems_that_never_states_a_limit(stories):
    stories["alone"].end(170)


def test_rule_912_rule_916_rule_919_and_pitfall_32_heartbeat_lost_for_120_s_and_back(stories):
    stories["loss"].end(170)


def test_200_cars_and_50_connections_leave_nothing_behind(stories):
    stories["cars"].end(300)
