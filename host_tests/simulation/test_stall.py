"""Charging around TLS handshakes in simulated time: plant, guard, station and ShipLink's pause and release, without
sockets (issue: "the charging side is not disturbed"; evse.md L1)."""

import sys

from host_tests.pure.support import raises
from host_tests.simulation.station_bench import StationBench

try:
    import tls  # noqa: F401
except ImportError:  # CPython has none; nothing here shakes hands
    sys.modules["tls"] = sys

from wallbox import ship_link

_STRANGER = "10.0.0.66"
_EMS = "10.0.0.7"
_SKI = "7" * 40


class _Sleep:
    def __init__(self, ms):
        self.ms = ms

    def __await__(self):
        yield self.ms

    __iter__ = __await__


ship_link.sleep_ms = _Sleep


class Session:
    def __init__(self, host, server=True):
        self.host = host
        self.server = server
        self.ski = _SKI
        self.why = "lost"


class Trusted:
    """One is, and was proven at `host`."""

    host = None

    def is_at(self, host):
        return host == self.host

    def proven(self, ski, host, now_ms):
        if ski == _SKI:
            self.host = host


class Anybody:
    """Stands for the node and for SPINE."""

    shaking = None

    def connected(self, session):
        return self


class Link(ship_link.ShipLink):
    """Only what pauses and counts."""

    def __init__(self, station):
        self.station = station
        self.spine = Anybody()
        self.node = Anybody()
        self.trust = Trusted()
        self.due_ms = [0, 0]


def new(interlock=False, **car):
    bench = StationBench(interlock=interlock)
    bench.link = Link(bench.station)
    bench.charge(**car)
    return bench


def step(coroutine):
    """Ms that it wants to sleep, None when it has ended."""
    try:
        return coroutine.send(None)
    except StopIteration:
        return None


def admit(bench, host=_EMS, limit_ms=12000, seen=None):
    """Wait as the node does until a handshake may begin; the ms that took. OSError when it may not."""
    bench.link.node.shaking = Session(host)
    waiting = bench.link.before_handshake()
    began = bench.now_ms
    while True:
        ms = step(waiting)
        if ms is None:
            return bench.now_ms - began
        assert bench.now_ms - began < limit_ms, bench.story()
        if seen is not None:
            seen.append((bench.guard.out.pilot_permille, bench.plant.current_ma[0], bench.plant.contactor.poles))
        bench.run(ms)


def release(bench):
    assert step(bench.link.after_handshake()) is None


def safe(bench):
    return bench.plant.permille == 1000 and not bench.plant.contactor.poles and not bench.plant.current_ma[0]


def resumes(bench, limit_ms=12000):
    took = bench.until(bench.charging, limit_ms)
    bench.run(500)
    assert bench.charging() and not bench.guard.faults, bench.story()
    return took


def test_without_interlock_pilot_then_current_then_contactor_then_handshake():
    bench = new()
    seen = []
    took = admit(bench, seen=seen)
    assert safe(bench) and 0 < took < 6500, bench.story()
    order = [seen[0]]
    for row in seen:
        if row != order[-1]:
            order.append(row)
    assert order[0][0] < 1000 and order[0][2] == 7  # it charged when it was asked
    opened = [row for row in order if row[2] != 7]
    assert all(row[0] == 1000 for row in order[1:]) and all(row[1] == 0 for row in opened), order  # not under load
    bench.plant.fault("loop_stall", True, 3000)  # the arithmetic on a slow chip
    bench.tick()
    assert safe(bench) and not bench.guard.faults, bench.story()
    bench.run(2000)
    assert safe(bench)
    release(bench)
    resumes(bench)


def test_with_interlock_it_begins_at_once_and_charging_goes_on():
    bench = new(interlock=True)
    duty, current = bench.plant.permille, bench.plant.current_ma[0]
    for _ in range(30):
        assert admit(bench, _STRANGER) == 0
        bench.run(200)
        release(bench)
        bench.run(200)
        assert (bench.plant.permille, bench.plant.current_ma[0]) == (duty, current)
        assert bench.plant.contactor.poles == 7


def test_a_car_that_ignores_the_pause_is_cut_off_after_six_seconds():
    bench = new()
    bench.plant.fault("holds_c", True)
    took = admit(bench)
    assert 5500 < took < 7500 and not bench.plant.contactor.poles and bench.plant.permille == 1000, bench.story()
    bench.plant.fault("holds_c", False)
    release(bench)
    resumes(bench, 60000)


def test_without_a_car_and_when_paused_it_costs_no_time_and_is_not_counted():
    bench = StationBench(interlock=False)
    bench.link = Link(bench.station)
    for _ in range(30):
        assert admit(bench, _STRANGER) == 0
        release(bench)
    bench.charge()
    bench.operation_mode.set(2)  # standby
    bench.until(bench.paused, 10000)
    bench.run(2000)
    for _ in range(30):
        assert admit(bench, _STRANGER) <= 40
        release(bench)
        bench.run(20)


def test_a_car_that_comes_during_the_handshake_waits_for_its_end():
    bench = StationBench(interlock=False)
    bench.link = Link(bench.station)
    assert admit(bench) == 0
    bench.plug(ready=True)
    bench.run(8000)
    assert safe(bench)
    release(bench)
    resumes(bench)


def test_one_that_ends_while_it_waits_leaves_no_pause_behind():
    bench = new()
    for wait_ms in (0, 20, 1000):
        bench.link.node.shaking = Session(_EMS)
        waiting = bench.link.before_handshake()
        step(waiting)
        bench.run(wait_ms)
        waiting.close()  # cancelled
        release(bench)
        resumes(bench)


def test_a_welded_contactor_does_not_keep_the_ems_out():
    bench = new()
    bench.plant.fault("weld", True)
    bench.plant.ready(False)
    bench.until(lambda: bench.guard.faults, 5000)
    assert admit(bench) == 0
    release(bench)
    assert bench.guard.faults and not bench.guard.out.contactor


def test_strangers_pause_charging_six_times_then_once_in_ten_minutes():
    bench = new()
    for _ in range(6):
        admit(bench, _STRANGER)
        release(bench)
        resumes(bench)
    duty = bench.plant.permille
    for host in (_STRANGER, "10.0.0.67", "10.0.0.68"):
        assert raises(OSError, admit, bench, host)
        assert bench.link.node.shaking.why == "pause"
        release(bench)
        bench.run(100)
        assert bench.plant.permille == duty and bench.plant.contactor.poles == 7
    bench.station.now_ms += 600000
    admit(bench, _STRANGER)
    release(bench)
    resumes(bench)
    assert raises(OSError, admit, bench, _STRANGER)


def test_who_proved_a_trusted_ski_has_pauses_of_its_own():
    bench = new()
    bench.link.due_ms[0] = bench.station.now_ms + 6 * 600000  # strangers have used theirs up
    assert raises(OSError, admit, bench, _EMS)
    bench.link.connected(Session(_EMS))
    for _ in range(6):
        admit(bench, _EMS)
        release(bench)
        resumes(bench)
    assert raises(OSError, admit, bench, _EMS)
    bench.station.now_ms += 60000
    admit(bench, _EMS)
    release(bench)
    bench.link.trust.known = list  # it was removed
    bench.link.due_ms[0] = bench.station.now_ms + 6 * 600000
    assert raises(OSError, admit, bench, _EMS)


def test_a_dialled_peer_is_known_by_its_address_without_port():
    bench = new()
    bench.link.connected(Session(_EMS + ":4712", False))
    bench.link.due_ms[0] = bench.station.now_ms + 6 * 600000
    admit(bench, _EMS + ":4713")
    release(bench)
    resumes(bench)


def test_pauses_of_discharging_count_as_those_of_charging():
    bench = StationBench(interlock=False, discharge=True)
    bench.link = Link(bench.station)
    bench.plug(ready=True, discharge=True)
    bench.operation_mode.set(1)
    bench.setpoint.directed()
    bench.until(lambda: bench.plant.current_ma[0] == -32000, 20000)
    admit(bench, _STRANGER)
    assert safe(bench) and bench.plant.discharge_ma == 0
    release(bench)
    bench.until(lambda: bench.plant.current_ma[0] == -32000, 20000)
    bench.link.due_ms[0] = bench.station.now_ms + 6 * 600000
    assert raises(OSError, admit, bench, _STRANGER)
    release(bench)
    bench.run(1000)
    assert bench.plant.current_ma[0] == -32000


def test_a_person_gives_strangers_their_pauses_again():
    bench = new()
    bench.link.due_ms[0] = bench.station.now_ms + 6 * 600000
    assert raises(OSError, admit, bench, _STRANGER)
    bench.link.forgive(None)
    admit(bench, _STRANGER)
    release(bench)
    resumes(bench)


def test_strangers_that_never_cease_cost_little_charging_time():
    """Each handshake is kept open as long as it may last; one hour in steps, what the pauses last is simulated."""
    bench = new()
    paused_ms = refused = 0
    end = bench.station.now_ms + 3600000
    while bench.station.now_ms < end:
        before = bench.now_ms
        try:
            admit(bench, _STRANGER)
        except OSError:
            refused += 1
            release(bench)
            bench.station.now_ms += 30000
            continue
        bench.run(5000)
        release(bench)
        resumes(bench)
        paused_ms += bench.now_ms - before
    assert refused and 60000 < paused_ms < 240000, paused_ms  # the first hour has six more than the others
