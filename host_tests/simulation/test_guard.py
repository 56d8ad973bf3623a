# heap: 256K
"""The guard's sequences of IEC 61851-1 Annex A with a simulated car, invariants checked at every tick."""

from host_tests.simulation.guard_bench import Bench
from wallbox.evse import texts


def why(bench):
    return texts.WHY[bench.guard.why]


def test_seq_1_1_plug_in_then_charge_then_unplug():
    bench = Bench("A")
    bench.need(why(bench) == "no car" and bench.guard.out.led == 0)
    bench.plug(ready=True)
    bench.charge(3000)
    assert bench.guard.state == "C" and bench.guard.x2
    assert bench.guard.out.pilot_permille == 266 and bench.guard.offered_ma == 15960
    assert why(bench) == "charging" and bench.guard.out.led == 2
    bench.plant.ready(False)
    bench.opens(3000)
    bench.need(bench.event("opened") == 1 and bench.event("opened under load") == 0)
    bench.run(200)
    assert bench.guard.state == "B" and bench.guard.x2
    bench.plant.unplug()
    bench.run(100)
    bench.need(bench.guard.state == "A" and bench.guard.out.pilot_permille == 1000)


def test_seq_1_2_simplified_car_straight_to_c():
    bench = Bench("A")
    bench.plug(ready=True, simplified=True)
    bench.charge(3000)
    bench.run(10000)
    assert bench.plant.current_ma[0] == 10000


def test_seq_2_unplug_while_charging_opens_within_100_ms():
    bench = Bench("charging")
    bench.plant.unplug()
    bench.opens(100)
    bench.stays_open(3000)
    assert bench.guard.faults == 0


def test_seq_4_closes_within_3_s_of_c():
    bench = Bench("B2")
    bench.plant.ready(True)
    bench.need(bench.until(lambda: bench.plant.car.s2, 5000) is not None)
    took = bench.until(bench.on, 3000)
    bench.need(took is not None and took >= 500, took)


def test_seq_4_permission_while_in_c_closes_within_3_s_of_x2():
    bench = Bench("A")
    bench.offer_ma = 0
    bench.plug(ready=True, simplified=True)
    bench.run(10000)
    bench.need(bench.guard.state == "C" and bench.off() and why(bench) == "paused by limit")
    bench.offer_ma = 10000
    bench.need(bench.until(bench.on, 3000) is not None)


def test_seq_8_1_car_ends_and_must_wait_5_s():
    bench = Bench("charging")
    bench.plant.ready(False)
    bench.opens(2000)
    bench.run(300)
    bench.plant.ready(True)
    bench.stays_open(4000)
    bench.charge(8000)


def test_seq_9_pause_lets_the_car_stop_first():
    bench = Bench("charging")
    bench.offer_ma = 5900
    bench.run(20)
    bench.need(bench.guard.out.pilot_permille == 1000 and bench.on() and why(bench) == "paused by limit")
    bench.need(bench.until(lambda: bench.guard.state == "B", 3000) is not None)
    bench.need(bench.off() and bench.event("opened under load") == 0)
    bench.stays_open(30000)
    bench.offer_ma = 6000
    bench.charge(5000)
    assert bench.guard.out.pilot_permille == 100


def test_seq_10_2_p10_opens_under_load_at_6_s_when_the_car_holds_c():
    for hold_ms, low, high, under_load in ((-1, 5990, 6020, 1), (2900, 2900, 3100, 0), (5800, 5800, 6000, 0)):
        bench = Bench("charging")
        bench.plant.car.holds_c_after_x1 = hold_ms
        bench.offer_ma = 0
        took = bench.until(bench.off, 8000)
        bench.need(took is not None and low <= took <= high, (hold_ms, took))
        bench.need(bench.event("opened under load") == under_load)
        bench.offer_ma = 16000
        bench.stays_open(25000 if under_load else 4000)
        bench.charge(15000)


def test_seq_10_permission_that_returns_waits_until_it_is_open():
    bench = Bench("charging")
    bench.plant.car.holds_c_after_x1 = -1
    bench.offer_ma = 0
    bench.run(5500)
    bench.offer_ma = 16000
    bench.run(450)
    bench.need(bench.on() and bench.guard.out.pilot_permille == 1000 and why(bench) == "checking before closing")
    bench.opens(100)


def test_seq_11_toggling_car_never_gets_power_in_x1():
    bench = Bench("B1")
    for _ in range(10):
        bench.fault("s2_closed")
        bench.stays_open(1300)
        bench.mend("s2_closed")
        bench.stays_open(700)


def test_i6_duty_changes_are_5_s_apart_except_to_x1():
    bench = Bench("charging")
    bench.run(3000)
    bench.offer_ma = 20000
    bench.run(20)
    assert bench.guard.out.pilot_permille == 333
    bench.offer_ma = 10000  # a reduction waits too
    bench.run(4000)
    assert bench.guard.out.pilot_permille == 333
    bench.run(1000)
    assert bench.guard.out.pilot_permille == 166
    bench.offer_ma = 0
    bench.run(20)
    assert bench.guard.out.pilot_permille == 1000


def test_rounding_current_first_then_duty():
    bench = Bench("charging")
    for offer_ma, permille in ((6000, 100), (6099, 100), (6100, 101), (9999, 165), (32000, 533)):
        bench.offer_ma = offer_ma
        bench.run(6000)
        bench.need(bench.guard.out.pilot_permille == permille, offer_ma)
    bench.offer_ma = 90000
    bench.run(6000)
    bench.need(bench.guard.out.pilot_permille == 533, "board's maximum")


def test_a63_ampere_board():
    bench = Bench("A", max_ma=63000)
    bench.offer_ma = 80000
    bench.plug(ready=True, max_ma=63000)
    bench.charge()
    assert bench.guard.out.pilot_permille == 892 and bench.guard.offered_ma == 63000


def test_lease_end_opens_at_once():
    bench = Bench("charging")
    bench.offer_ma = None
    took = bench.until(bench.off, 2000)
    bench.need(took is not None and 980 <= took <= 1020, took)
    bench.need(bench.guard.out.pilot_permille == 1000 and bench.event("opened under load") == 1)
    bench.stays_open(10000)
    bench.need(why(bench) == "no permission")
    bench.offer_ma = 16000
    bench.charge()


def test_p13_car_in_c_at_power_up_is_no_fault():
    bench = Bench()
    bench.plug(ready=True, simplified=True)
    bench.stays_open(1000)  # self-test first
    bench.charge(3000)
    assert bench.seen == 0


def test_p13_power_cut_in_c_and_back():
    bench = Bench("charging")
    car = bench.plant.car
    bench.plant.power(False)
    again = Bench()
    again.plant.car = car
    again.charge(5000)
    assert again.seen == 0


def test_p14_sleeping_car_is_woken_once():
    bench = Bench("A")
    bench.plug(ready=True, sleeping=True)
    bench.run(1000)
    took = bench.until(lambda: bench.guard.out.pilot_permille == 0, 40000)
    bench.need(took is not None and 28000 <= took <= 31000, took)
    bench.need(bench.guard.state == "B")  # it is still there
    took = bench.until(lambda: bench.guard.out.pilot_permille == 1000, 5000)
    bench.need(3980 <= took <= 4020, took)
    took = bench.until(lambda: bench.guard.x2, 2000)
    bench.need(740 <= took <= 1000, took)
    bench.charge(5000)


def test_p14_a_car_that_stays_asleep_gets_one_pulse():
    bench = Bench("B2")
    bench.run(200000)
    bench.need(bench.event("wake-up") == 1 and bench.guard.state == "B" and why(bench) == "waiting for the car")


def test_p14_a_car_that_finished_is_not_woken():
    bench = Bench("charging")
    bench.plant.ready(False)
    bench.run(60000)
    bench.need(bench.event("wake-up") == 0)


def test_p14_car_with_8_a_minimum_waits_for_more():
    bench = Bench("A")
    bench.offer_ma = 6000
    bench.plug(ready=True, min_ma=8000)
    bench.stays_open(10000)
    bench.offer_ma = 9000
    bench.charge(10000)


def test_unplug_during_the_wake_up_pulse():
    bench = Bench("B2")
    bench.need(bench.until(lambda: bench.guard.out.pilot_permille == 0, 40000) is not None)
    bench.plant.unplug()
    bench.run(6000)
    bench.need(bench.guard.state == "A" and bench.guard.out.pilot_permille == 1000)


def test_state_d_with_ventilation_charges():
    bench = Bench("A", ventilation=True)
    bench.plug(ready=True, wants_ventilation=True)
    bench.charge(4000)
    assert bench.guard.state == "D"


def test_lock_comes_before_power_and_goes_after_it():
    bench = Bench("A", socket=True, lock=True)
    bench.plug(ready=True)
    bench.until(lambda: bench.guard.x2, 5000)
    bench.need(bench.plant.lock.closed)  # before x2 already
    bench.charge()
    assert bench.guard.cable_ma == 32000
    bench.offer_ma = None  # permission withdrawn: stop
    bench.opens(1100)
    bench.need(bench.plant.lock.closed)
    bench.run(1500)
    bench.need(not bench.plant.lock.closed and not bench.guard.out.lock)


def test_pause_keeps_the_plug_locked():
    bench = Bench("charging", socket=True, lock=True)
    bench.offer_ma = 0
    bench.run(20000)
    bench.need(bench.off() and bench.plant.lock.closed)


def test_cable_bounds_the_offer():
    for ohm, cable_ma, told_ma in (
        (1500, 13000, 12960), (680, 20000, 19980), (220, 32000, 31980), (100, 63000, 31980),
    ):
        bench = Bench("A", socket=True)
        bench.offer_ma = 32000
        bench.plug(ready=True, cable_ohm=ohm)
        bench.charge()
        bench.need(bench.guard.cable_ma == cable_ma)
        bench.need(bench.guard.offered_ma == told_ma)


def test_stall_safe_and_prepare_for_stall():
    bench = Bench("charging")
    assert bench.guard.stall_safe  # interlock
    bench.guard.prepare_for_stall(True)
    bench.run(1000)
    assert bench.on()

    bench = Bench("charging", interlock=False)
    assert not bench.guard.stall_safe
    bench.guard.prepare_for_stall(True)
    bench.run(20)
    bench.need(bench.guard.out.pilot_permille == 1000)
    took = bench.until(lambda: bench.guard.stall_safe, 8000)
    bench.need(took is not None and bench.off() and bench.plant.contactor.poles == 0)
    bench.stays_open(10000)
    bench.need(why(bench) == "pause for a stall of the firmware" and bench.guard.stall_safe)
    bench.guard.prepare_for_stall(False)
    bench.charge(10000)


def test_boards_without_monitor_sensors_and_feedback_charge():
    bench = Bench("A", rcm=False, aux_contacts=False, generator_check=False, temperature=False)
    bench.plug(ready=True)
    bench.charge(3000)
    assert bench.guard.derated_ma is None and bench.guard.cable_ma is None
    bench.plant.unplug()
    bench.opens(100)


def test_rcm_is_tested_before_each_session():
    bench = Bench("A")
    for _ in range(2):
        tests = [0]

        def count():
            tests[0] += bench.guard.out.rcm_test
            return bench.guard.x2

        bench.plug(ready=True)
        bench.need(bench.until(count, 3000) is not None and tests[0] > 0)
        bench.charge(10000)
        bench.plant.unplug()
        bench.run(6000)


def test_rcm_24_h_test_waits_for_the_next_pause_but_not_for_ever():
    bench = Bench("charging")
    monitor = bench.guard._rcm
    monitor._since_ms = 24 * 3600 * 1000 - 1000
    bench.run(5000)
    bench.need(monitor.due and bench.on())
    bench.offer_ma = 0
    bench.run(8000)
    bench.need(bench.off() and not monitor.due and monitor.ok)
    bench.offer_ma = 16000
    bench.charge(10000)
    monitor._since_ms = 25 * 3600 * 1000 - 1000
    monitor.due = 1
    bench.run(2000)
    bench.need(bench.guard.out.pilot_permille == 1000)  # pauses by itself
    bench.run(3000)
    bench.need(monitor.ok and not monitor.due)
    bench.charge(30000)
