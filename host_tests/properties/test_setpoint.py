"""Properties of setpoints and discharging: limits hold in either direction, requests raise nothing, nothing fails."""

from hypothesis import given, settings
from hypothesis import strategies as st

from boards.sim.flash import Flash
from host_tests.properties.test_limits import NOW_MS, decided, facts, source, sources
from wallbox import config
from wallbox.board import Ratings
from wallbox.functions.charge_plan import ChargePlan
from wallbox.functions.device_state import DeviceState
from wallbox.functions.identification import Identification
from wallbox.functions.load_control import LoadControl
from wallbox.functions.operation_mode import OperationMode
from wallbox.functions.phase_limits import PhaseLimits
from wallbox.functions.power_limit import PowerLimit
from wallbox.functions.setpoint import Setpoint
from wallbox.limits.decide import Decision, decide
from wallbox.limits.discharge import Discharge
from wallbox.limits.sources import (
    CEILING,
    INTERLOCK,
    MA,
    OBLIGATION,
    PERMISSION,
    REQUEST,
    SELF_CONSUMPTION,
    SETPOINT,
    Source,
)
from wallbox.station import Station

checked = settings(max_examples=200, deadline=None)
wanted_w = st.one_of(st.sampled_from([0, 1, 4140, 22080, 10**9]), st.integers(0, 60000))
wanted_ma = st.one_of(st.sampled_from([0, 99, 100, 6000, 32000, 10**7]), st.integers(0, 90000))


def sum_mv(f):
    """Voltage of the used phases, as high as it may be taken for."""
    total = 0
    for mv in f.voltage_mv[: f.phases]:
        total += f.nominal_mv * 11 // 10 if mv is None or mv < f.nominal_mv * 4 // 5 else mv
    return total


def discharged(some, f, most_w, most_ma, on=True):
    discharge = Discharge()
    discharge.ask(on, most_w, most_ma)
    decision = Decision(len(some))
    decide(some, NOW_MS, f, decision)
    assert discharge.step(some, NOW_MS, f, decision) == discharge.ma
    return discharge.ma, decision


@checked
@given(sources(), facts(), wanted_w, wanted_ma)
def test_what_flows_back_is_under_every_bound_of_magnitude(some, f, most_w, most_ma):
    ma, decision = discharged(some, f, most_w, most_ma)
    assert decision.offer_ma == 0, "never both directions"
    assert 0 <= ma <= min(most_ma, f.max_ma) and ma % 100 == 0
    assert ma * sum_mv(f) <= most_w * 10**6
    for s in some:
        values = s.in_force(NOW_MS)
        if s.kind <= PERMISSION:
            if values is not None and not values[0] or values is None and s.kind == INTERLOCK:
                assert ma == 0
        elif values is not None and s.kind == CEILING:
            if values[3] == MA:
                assert ma <= min(values[: f.phases])
            else:
                assert ma * sum_mv(f) <= values[0] * 10**6


@checked
@given(sources(st.sampled_from([OBLIGATION, REQUEST, REQUEST + SELF_CONSUMPTION])), facts(), wanted_w, wanted_ma)
def test_limits_of_consumption_do_not_bound_production(some, f, most_w, most_ma):
    ma, _ = discharged(some, f, most_w, most_ma)
    assert ma == discharged([], f, most_w, most_ma)[0]
    for s in some:
        s.both = s.kind == OBLIGATION
    assert discharged(some, f, most_w, most_ma)[0] <= ma


@checked
@given(sources(), facts(), source("new", st.sampled_from([INTERLOCK, PERMISSION, CEILING])), wanted_w, wanted_ma)
def test_no_source_raises_what_flows_back(some, f, new, most_w, most_ma):
    assert discharged(some + [new], f, most_w, most_ma)[0] <= discharged(some, f, most_w, most_ma)[0]
    assert discharged(some, f, most_w, most_ma, on=False)[0] == 0


@checked
@given(sources(), facts(), wanted_w)
def test_a_positive_setpoint_raises_nothing(some, f, watts):
    some = [s for s in some if s.kind < REQUEST]
    before = decided(some, f)
    wish = Source("setpoint", REQUEST + SETPOINT)
    wish.set_w(NOW_MS, min(watts, 10**6))
    after = decided(some + [wish], f)
    assert after.offer_ma <= before.offer_ma and after.limit_ma <= before.limit_ma


# --- whatever both protocols do, in any order

WATTS = st.one_of(st.sampled_from([0, 1, -1, 4140, -4140, 22080, -22080, 22081, -22081]), st.integers(-30000, 30000))
AMPERES = st.one_of(st.none(), st.integers(0, 33000))
SPINE = st.tuples(st.just("spine"), st.one_of(st.none(), WATTS, WATTS), st.sampled_from([True, True, False, None]),
                  st.sampled_from([None, None, -1, 0, 1000, 3900]))
E0 = st.tuples(st.just("e0"), WATTS)
DA = st.tuples(st.just("da"), st.sampled_from([0, 1, 1, 2, 3, 4]))
OTHERS = st.one_of(
    st.tuples(st.just("dc"), st.sampled_from([0, 1, 3, 4, 6, 6, 7])),
    st.tuples(st.just("dd"), st.sampled_from([0, 1, 3, 4, 6, 6, 7])),
    st.tuples(st.just("ec"), st.one_of(st.none(), st.integers(0, 23000))), st.tuples(st.just("ee"), AMPERES),
    st.tuples(st.just("eb"), st.one_of(st.none(), st.integers(0, 23000))), st.tuples(st.just("ed"), AMPERES),
    st.tuples(st.just("99"), st.one_of(st.none(), st.integers(0, 30000))),
    st.tuples(st.just("87"), st.integers(0, 100)),
    st.tuples(st.just("80"), st.booleans()), st.tuples(st.just("opev"), st.integers(0, 33000), st.booleans()),
    st.tuples(st.just("car"), st.sampled_from([True, False, None])),
    st.tuples(st.just("beat")), st.tuples(st.just("bind"), st.booleans()),
    st.tuples(st.just("demand"), st.integers(0, 40000)), st.tuples(st.just("unplug")),
    st.tuples(st.just("renew")), st.tuples(st.just("time"), st.sampled_from([100, 100, 1000, 4100, 31000])),
)
STEPS = st.lists(st.sampled_from([SPINE, E0, DA, OTHERS]).flatmap(lambda each: each), min_size=4, max_size=20)


class Board:
    def __init__(self, discharge):
        self.ratings = Ratings()
        self.ratings.discharge = discharge


class World:
    """The functions of a station without guard, plant or protocol."""

    def __init__(self, discharge, lease_s):
        given = config.load(Flash(4096))
        given.echonet_lease_s = lease_s
        self.station = station = Station(Board(discharge), given)
        self.state = DeviceState(station)
        self.mode = OperationMode(station)
        self.power = PowerLimit(station)
        self.load = LoadControl(station)
        self.phases = PhaseLimits(station, 6000)
        self.plan = ChargePlan(station)
        self.setpoint = Setpoint(station, self.load, self.mode, self.state)
        self.setpoint.expect(self.plan, Identification())
        station.readings.meter_age_ms = 0
        station.readings.energy_wh = station.readings.exported_wh = 0
        station.readings.ev_discharge = True
        self.setpoint.watch.expect(True)

    def do(self, what, *values):
        setpoint = self.setpoint
        if what == "spine":
            before = (self.load.signed_w, setpoint.active)
            taken = setpoint.set(*values)
            assert taken or (self.load.signed_w, setpoint.active) == before, "all or nothing"
            if taken and values[0] is not None:
                assert self.load.signed_w == values[0] >= (-22080 if setpoint.can else 0)
        elif what == "da":
            if self.mode.set(values[0]):
                setpoint.directed()
        elif what == "bind":
            setpoint.watch.expect(values[0])
        elif what == "beat":
            setpoint.watch.heartbeat(4000)
            self.phases.watch.heartbeat(4000)
        elif what == "opev":
            self.phases.set([(i, values[0], values[1]) for i in range(3)])
        elif what == "demand":
            self.plan.demand(values[0], 3600)
        elif what == "car":
            self.station.readings.ev_discharge = values[0]
        elif what == "time":
            self.station.now_ms += values[0]
        elif what in ("dd", "ec", "ee"):
            back = setpoint.back
            if back and {"dd": back.set_method, "ec": back.set_power_w, "ee": back.set_current_ma}[what](*values):
                setpoint.back_set()
        else:
            {"e0": setpoint.set_signed_w, "dc": self.load.set_method, "eb": self.load.set_power_w,
             "ed": self.load.set_current_ma, "99": self.power.set_w, "87": self.power.set_per_cent,
             "80": self.state.set_in_service, "renew": setpoint.renew, "unplug": setpoint.end_session}[what](*values)

    def turn(self):
        """One turn of the arbiter."""
        self.load.step()
        self.power.step()
        self.plan.step()
        self.setpoint.step()
        self.station.arbitrate()


@settings(max_examples=300, deadline=None)
@given(STEPS, st.booleans(), st.sampled_from([0, 30]))
def test_whatever_is_written_in_any_order(steps, discharge, lease_s):
    world = World(discharge, lease_s)
    station = world.station
    setpoint = world.setpoint
    # the temperature sensor of this station is silent: that ceiling is not what is tested here
    station.guard.derated_ma = 32000
    for step in steps:
        world.do(*step)
        world.turn()
        assert setpoint.end_ms is None or station.now_ms < setpoint.end_ms, "it lapses"
        decision = station.decision
        back_ma = station.discharge.ma if discharge else 0
        may = world.state.in_service and world.mode.mode in (0, 1)
        if not discharge:
            assert station.discharge is None and setpoint.mode() != 1 and not setpoint.can
        if back_ma:
            assert may and station.readings.ev_discharge and decision.offer_ma == 0
            assert back_ma <= 32000 * (100 if world.power.limit_per_cent is None else world.power.limit_per_cent) // 100
            assert setpoint.mode() == 1 and (not setpoint.by_ems or setpoint.watch.alive())
            value_w, active = setpoint.shown_w()
            assert active and back_ma * 690 <= -value_w * 1000
        if decision.offer_ma:
            assert may and setpoint.mode() == 0
            if setpoint.active and setpoint._wish.in_force(station.now_ms):
                assert decision.offer_ma * 690 <= world.load.signed_w * 1000
            for name, limit_w in (("power limit", world.power.limit_w), ("charging power", world.load.power_w)):
                found = [each for each in station.sources if each.name == name][0]
                if limit_w is not None and found.in_force(station.now_ms):
                    assert decision.offer_ma * 690 <= found.own[0] * 1000
        value_w, active = setpoint.shown_w()
        assert setpoint.changeable() == may and -22080 <= value_w <= 22080
