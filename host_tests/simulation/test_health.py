# heap: 448K
"""Health in simulated time: the journal, the LED, safe state and safe mode, self-tests, and what the console says."""

from host_tests.simulation.health_bench import HealthBench
from wallbox import starts
from wallbox.journal import BOOT, CAR, CLOCK, SAFE_STATE, SELF_TEST, STALL, STORE

WELD = 7


def test_what_happens_comes_to_flash_while_idle():
    bench = HealthBench()
    assert bench.kept() == [(BOOT, 1)]
    bench.plug()
    bench.run(9000)
    assert bench.kept() == [(BOOT, 1)]  # what belongs together is written together
    bench.run(2600)
    assert bench.kept() == [(CAR, 1), (BOOT, 1)]
    bench.plant.unplug()
    bench.clock.seconds = 1800000000
    bench.run(11600)
    assert bench.kept()[:2] == [(CAR, 0), (CLOCK, 1)] or bench.kept()[:2] == [(CLOCK, 1), (CAR, 0)]
    assert max([row[3] for row in bench.journal.kept()]) >= 1799999990


def test_a_fault_is_in_flash_within_3_s_for_it_opens_the_contactor():
    bench = HealthBench()
    bench.charge()
    bench.run(40000)
    bench.plant.fault("rcm_trip", True)
    bench.run(3000)
    assert (1, 11) in bench.kept()


def test_while_charging_flash_is_left_alone_for_30_s():
    bench = HealthBench()
    bench.charge()
    bench.run(31000)
    steps = bench.board.storage.steps
    bench.clock.seconds = 1800000000  # an event that could be written
    bench.run(28000)
    assert bench.charging() and bench.board.storage.steps == steps and bench.events()[0] == (CLOCK, 1)
    bench.run(4000)
    assert bench.charging() and bench.kept()[0] == (CLOCK, 1)


def test_f3_a_store_that_is_full_or_read_only_leaves_the_journal_in_ram():
    for broken in ("read_only", "full"):
        bench = HealthBench()
        if broken == "full":
            bench.board.storage.size_bytes = 0
        bench.board.storage.read_only = broken == "read_only"
        bench.plug()
        bench.run(13000)
        assert (STORE, 0) in bench.events() and (CAR, 1) in bench.events() and bench.journal.failed > 0
        assert (CAR, 1) not in bench.kept()
        bench.plant.ready(True)
        bench.until(bench.charging, 20000)


def test_l1_a_stall_is_noted_by_its_longest():
    bench = HealthBench()
    bench.loop_gap_ms = 400
    bench.run(1000)
    assert bench.events()[0][0] != STALL
    bench.loop_gap_ms = 900
    bench.run(2000)
    assert bench.events()[0] == (STALL, 900) and len([each for each in bench.events() if each[0] == STALL]) == 1
    assert bench.say("loop")["longest_ms"] == 900


def test_safe_state_opens_at_once_and_for_good():
    bench = HealthBench()
    bench.charge()
    bench.station.fail()
    assert not bench.plant.coil and bench.plant.permille == 1000
    for _ in range(3000):
        bench.tick()
        assert not bench.plant.coil
    assert bench.plant.led == 17 and bench.say("status")["faults"] == ["FIRMWARE"]
    assert "safe state" in bench.say("why")["why"]
    assert "FIRMWARE" in bench.say("status")["faults"] and bench.say("status")["led"] == "firmware: 7 blinks"


def test_l3_safe_mode_does_not_charge_says_so_and_ends_after_an_hour():
    bench = HealthBench(safe=10)
    for _ in range(10):
        starts.begin(bench.board.storage, 1)
    bench.plug(ready=True)
    bench.run(60000)
    assert not bench.plant.contactor.operations and bench.plant.permille == 1000 and bench.plant.led == 17
    assert "safe mode after 10 quick starts" in bench.say("why")["why"] and bench.say("status")["safe_mode"]
    assert bench.device_state.faults() == 1 << 16 and not bench.restarts
    bench.station.now_ms = 3600000
    bench.run(600)
    assert bench.restarts and starts.begin(bench.board.storage, 1) == 0


def test_l3_five_minutes_well_end_the_count():
    bench = HealthBench()
    for _ in range(9):
        assert not starts.begin(bench.board.storage, 1)
    bench.station.now_ms = 299000
    bench.run(900)
    bench.station.now_ms = 299900
    bench.run(600)
    assert not bench.restarts
    for _ in range(9):
        assert not starts.begin(bench.board.storage, 1)
    assert starts.begin(bench.board.storage, 1)


def test_words_that_start_again():
    bench = HealthBench()
    assert "no safe mode" in bench.say("normal")["error"]
    bench.charge()
    for word in ("restart", "factory_reset"):
        assert "charging" in bench.say(word)["error"]
    assert bench.charging() and not bench.restarts
    bench.plant.ready(False)
    bench.run(5000)
    assert bench.say("restart") == {"ok": True}
    bench.run(600)
    assert bench.restarts
    bench = HealthBench(safe=10)
    for _ in range(10):
        starts.begin(bench.board.storage, 1)
    assert bench.say("normal") == {"ok": True}
    bench.run(600)
    assert bench.restarts and not starts.begin(bench.board.storage, 1)


def test_settings_with_a_problem_blink_until_a_car_comes():
    bench = HealthBench(problem="settings were lost")
    bench.run(1000)
    assert bench.plant.led == 12 and bench.say("status")["settings"] == "settings were lost"
    bench.charge()
    bench.run(1000)
    assert bench.plant.led == 2
    bench.plant.fault("rcm_trip", True)
    bench.run(1000)
    assert bench.plant.led == 13  # faults go first


class _Ems:
    """A consumption limit in failsafe."""

    state = 3

    def step(self, now_ms):
        pass


def test_ems_lost_shows_beside_charging():
    bench = HealthBench()
    bench.power_limit.consumption = _Ems()
    bench.power_limit.commissioned = True
    bench.power_limit.step = lambda: None
    bench.run(1000)
    assert bench.plant.led == 6
    bench.charge()
    bench.run(1000)
    assert bench.plant.led == 7


# --- factory reset by the button


def pressed(*pieces):
    """Whether a reset is asked for; pieces are (ms, pressed) from the start on."""
    bench = HealthBench()
    bench.health._button = [0, -1]  # the bench has run for 2 s
    for ms, down in pieces:
        bench.plant.fault("button_stuck", down)
        bench.run(ms)
    return bool(bench.board.storage.size("reset")) and bench.restarts > 0


def test_a_press_of_5_to_20_s_in_the_first_10_s_is_a_factory_reset():
    assert pressed((1000, False), (5600, True), (1600, False))
    assert pressed((9000, False), (7000, True), (1600, False))
    assert pressed((1000, False), (19000, True), (1600, False))
    assert pressed((1000, False), (600, True), (600, False), (5600, True), (1600, False))


def test_s1_a_stuck_button_and_other_presses_do_nothing():
    assert not pressed((90000, True))
    assert not pressed((1000, False), (90000, True), (2000, False))
    assert not pressed((8000, True), (9000, False))  # pressed before the start
    assert not pressed((1000, False), (4000, True), (20000, False))
    assert not pressed((12000, False), (7000, True), (2000, False))


def test_s1_a_press_while_charging_is_refused():
    bench = HealthBench()
    bench.charge()
    bench.health._button = [0, -1]
    bench.run(1000)
    bench.plant.press(6000)
    bench.run(8000)
    assert bench.charging() and (45, 0) in bench.events() and not bench.board.storage.size("reset")


# --- self-tests


def result_of(bench):
    """Say the word, wait for the result."""
    assert bench.say("test") == {"ok": True, "then": "test result=true"}
    bench.until(lambda: bench.say("test", result=True)["over"], 16000)
    bench.run(600)
    return bench.say("test", result=True)


def test_self_test_passes_without_ever_closing():
    for ratings in ({}, {"generator_check": False, "rcm": False, "aux_contacts": False}, {"lock": True}):
        bench = HealthBench(**ratings)
        found = result_of(bench)
        assert found["failed"] == 0 and len(found["found"]) == 4, found
        assert not bench.plant.contactor.operations and bench.plant.permille == 1000
        assert (SELF_TEST, 0) in bench.events()
        bench.charge()
        assert bench.charging()


def test_self_test_finds_what_is_wrong():
    for fault, value, part in (("pilot_stuck", 12000, 1), ("pilot_low_shorted", None, 1), ("pilot_hz", 970, 1),
                               ("rcm_no_answer", None, 2), ("rcm_releases_late", 2000, 2), ("load_sense", 230000, 4),
                               ("aux_stuck_closed", 7, 4)):
        bench = HealthBench()
        assert bench.say("test")["ok"]
        bench.run(500)
        bench.plant.fault(fault, True, value)
        bench.until(lambda: bench.say("test", result=True)["over"], 16000)
        found = bench.say("test", result=True)
        assert found["failed"] == part, (fault, found)
        assert not bench.plant.coil


def test_self_test_is_refused_with_a_car_and_ends_when_one_comes():
    bench = HealthBench()
    bench.plug()
    bench.run(500)
    assert "car" in bench.say("test")["error"]
    bench.plant.unplug()
    bench.power_limit.set_w(0)
    bench.run(500)
    found = result_of(bench)
    assert found["failed"] == 0 and "not permitted" in found["found"][0] and bench.plant.permille == 1000
    bench.power_limit.set_w(None)
    bench.run(500)
    assert bench.say("test")["ok"]
    bench.until(lambda: 0 < bench.plant.permille < 1000, 7000)
    bench.plug(ready=True)
    bench.until(lambda: bench.plant.permille == 1000, 300)
    found = bench.say("test", result=True)
    assert found["over"] and found["found"] == ["ended: by a car"]
    bench.until(bench.charging, 20000)  # no damage done
    bench.plant.fault("weld", True)
    bench.plant.ready(False)
    bench.run(3000)
    bench.plant.unplug()
    bench.run(500)
    assert "fault" in bench.say("test")["error"]


# --- why


def test_why_names_state_source_and_value():
    bench = HealthBench(settings={"rise_ma_per_5s": 80000, "resume_hold_s": 5})
    assert bench.say("why")["why"].startswith("Not charging: no car.")
    bench.power_limit.set_w(8280)
    bench.charge()
    said = bench.say("why")
    assert said["why"].startswith("Charging with up to ") and "`power limit` allows 8280 W." in said["why"]
    assert said["binding"] == "power limit"
    bench.power_limit.set_w(2000)
    bench.run(1000)
    assert "`power limit` allows 2000 W, which leaves 2.8 A, less than the minimum of 6.0 A" in bench.say("why")["why"]
    bench.power_limit.set_w(4200)
    bench.run(1000)
    assert "It goes on in " in bench.say("why")["why"]
    bench.device_state.set_in_service(False)
    bench.run(1000)
    assert "`out of service` that does not allow it" in bench.say("why")["why"]
    bench.plant.fault("weld_closed", True)
    bench.run(8000)
    assert "fault WELD, contactor welded: repair" in bench.say("why")["why"]


# --- other words


def test_log_is_bounded_and_goes_back_to_earlier_starts():
    bench = HealthBench()
    bench.plug()
    bench.run(13000)
    storage = bench.board.storage
    bench.boot()
    bench.board.storage = storage
    bench.journal = type(bench.journal)(storage, 3)
    bench.run(3000)
    rows = bench.say("log")["log"]
    assert rows[-1] == "1 00:00:00 start after power on" and "2 00:00:00 start after watchdog" in rows
    assert len([row for row in rows if row[:2] == "1 " and "car came" in row]) == 1
    assert len(bench.say("log", n=2)["log"]) == 2
    for n in (0, 301, "x", None):
        assert "error" in bench.say("log", n=n)


def test_settings_are_set_checked_and_saved():
    bench = HealthBench()
    assert "supply_ma must be" in bench.say("set", supply_ma=5)["error"]
    assert "no setting nonsense" in bench.say("set", supply_ma=10000, nonsense=1)["error"]
    assert bench.say("set")["waits"] == []  # all or nothing
    assert bench.say("set", supply_ma=10000, wifi_password="secret12")["waits"] == ["supply_ma", "wifi_password"]
    assert bench.say("save") == {"ok": True, "then": "restart"} and bench.say("set")["waits"] == []
    rows = bench.say("settings")["settings"]
    assert {"supply_ma": 10000} in rows and "secret12" not in repr(rows)
    bench.say("set", supply_ma=12000)
    bench.board.storage.read_only = True
    assert "not saved" in bench.say("save")["error"]
    bench.board.storage.read_only = False
    assert bench.say("save")["ok"] and {"supply_ma": 12000} in bench.say("settings")["settings"]


def test_safe_state_noted_by_supervisor_is_in_the_log():
    bench = HealthBench()
    bench.journal.note(0, SAFE_STATE)
    assert any(["safe state" in row for row in bench.say("log")["log"]])
    assert "help lists them" in bench.say("nonsense")["error"] and len(bench.say("help")) == 2
