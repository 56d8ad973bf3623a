# heap: 512K
"""The limits of the car in every order of arrival and expiry, many cars one after the other, and coordinated charging
(CEVC) through the real device."""

from host_tests.pure.spine_station import LOAD, NODE, active, limit, read, until, watts
from host_tests.pure.test_spine_map_ev import CarBox

SERIES = ((1, 1), 8)
PRICES = ((1, 1), 9)
ORDERS = ((0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0))


def test_lpc_opev_and_echonet_limits_in_every_order():
    for arrival in ORDERS:
        for expiry in ORDERS:
            box = CarBox().owner()
            bounds = [32000, 32000, 32000]
            for which in arrival:
                bounds[which] = change(box, which, True)
                assert box.offered_ma() == min(bounds), (arrival, expiry)
            for which in expiry:
                change(box, which, False)
                bounds[which] = 32000
                assert box.offered_ma() == min(bounds), (arrival, expiry)


def change(box, which, on, *end):
    """Set or lift the limit of LPC, OPEV or ECHONET Lite; what it leaves in mA."""
    if which == 0:
        assert box.write(limit(watts(6905), active(on), *end), to=LOAD) == 0  # 6900 W beside the box's own 5 W
        return 10000
    if which == 1:
        assert box.phases([(9, 0), (12, 0), (12, 0)], on=on) == 0
        return 9000
    box.power_limit.set_w(7595 if on else None)
    return 11000


def test_lpc_opev_and_echonet_limits_end_by_themselves_in_every_order():
    """LPC by its duration, ECHONET Lite by its lease; OPEV, which has no end, by the word of its EMS. Each protocol is
    told what counts."""
    for arrival in ORDERS:
        for expiry in ORDERS:
            box = CarBox().owner()
            bounds = [32000, 32000, 32000]
            for which in arrival:
                left_s = 20 + 20 * expiry.index(which)
                box.station.lease_ms = left_s * 1000
                bounds[which] = change(box, which, True, until("PT%dS" % left_s))
                assert box.offered_ma() == min(bounds), (arrival, expiry)
            for which in expiry:
                wait(box, 19000)
                assert box.offered_ma() == min(bounds), (arrival, expiry)
                wait(box, 1000)
                if which == 1:
                    change(box, which, False)
                bounds[which] = 32000
                assert box.offered_ma() == min(bounds), (arrival, expiry)
                assert box.value()["isLimitActive"] is (bounds[0] < 32000)
                assert box.car_limits()[0]["isLimitActive"] is (bounds[1] < 32000)
                in_force = [each for each in ((6905, bounds[0]), (7595, bounds[2])) if each[1] < 32000]
                assert box.power_limit.effective_w() == (min(in_force)[0] if in_force else None)


def wait(box, ms):
    """The EMS beats; the arbiter looks once a second."""
    for _ in range(ms // 1000):
        box.sign()
        box.pass_ms(1000, 1000)


def test_echonet_shows_the_fallback_of_a_limit_whose_lease_ran_out():
    for fallback, want in (("keep", 7595), ("minimum", 4140), ("drop", None)):
        box = CarBox({"echonet_lease_s": 10, "echonet_fallback": fallback})
        box.power_limit.set_w(7595)
        assert box.power_limit.effective_w() == 7595
        box.keep_alive(10000)
        assert box.power_limit.effective_w() == want


def test_300_cars_leave_nothing_behind():
    try:
        from gc import collect, mem_alloc
    except ImportError:
        return  # CPython keeps no count
    box = CarBox().owner()
    box.subscribe(to=NODE)
    used = []
    for span in range(3):
        for _ in range(100):
            box.unplug()
            box.plug()
            box.told()
            box.owner()
            box.phases([(10, 0)] * 3)
        collect()
        used.append(mem_alloc())
    assert used[2] - used[1] < 256, used


# --- CEVC


def slots(values, seconds=3600):
    """A write of the curve: W for so many seconds each."""
    rows = []
    for i in range(len(values)):
        end = ',{"endTime":"PT%dS"}' % ((i + 1) * seconds) if i == len(values) - 1 else ""
        rows.append('[{"timeSeriesSlotId":%d},{"timePeriod":[{"startTime":"PT%dS"}%s]},{"maxValue":[{"number":%d},'
                    '{"scale":0}]}]' % (i, i * seconds, end, values[i]))
    return ('[[{"timeSeriesListData":[{"timeSeriesData":[[{"timeSeriesId":2},{"timeSeriesSlot":[%s]}]]}]}]]'
            % ",".join(rows))


def prices(values, seconds=3600):
    """A write of the prices: number with scale -2 for so many seconds each."""
    rows = []
    for i in range(len(values)):
        end = ',{"endTime":[{"relative":"PT%dS"}]}' % ((i + 1) * seconds) if i == len(values) - 1 else ""
        rows.append('[{"timeInterval":[{"startTime":[{"relative":"PT%dS"}]}%s]},{"tier":[[{"tier":[{"tierId":0}]},'
                    '{"boundary":[[{"boundaryId":0},{"lowerBoundaryValue":[{"number":0},{"scale":0}]}]]},'
                    '{"incentive":[[{"incentiveId":0},{"value":[{"number":%d},{"scale":-2}]}]]}]]}]'
                    % (i * seconds, end, values[i]))
    return ('[[{"incentiveTableData":[{"incentiveTable":[[{"tariff":[{"tariffId":0}]},{"incentiveSlot":[%s]}]]}]}]]'
            % ",".join(rows))


class PlanBox(CarBox):
    def __init__(self):
        super().__init__()
        assert self.relate(to=SERIES) == 0 and self.relate(to=PRICES) == 0
        self.sign()

    def wanted(self):
        rows = self.list("timeSeriesDescriptionListData", SERIES, "timeSeriesDescriptionData")
        table = self.list("incentiveTableDescriptionData", PRICES, "incentiveTableDescription")
        return rows[1]["updateRequired"], table[0]["tariffDescription"]["updateRequired"]

    def series(self):
        return self.list("timeSeriesListData", SERIES, "timeSeriesData")


def test_cevc_demand_is_shown_and_curve_and_prices_are_asked_for():
    box = PlanBox()
    assert box.wanted() == (False, False)
    assert box.charge_plan.demand(20000, 7200, 5000, 30000)
    box.pass_ms(0)
    assert box.wanted() == (True, True)
    slot = box.series()[0]["timeSeriesSlot"][0]
    assert slot["duration"] == "PT2H" and slot["value"]["number"] == 20000
    assert slot["minValue"]["number"] == 5000 and slot["maxValue"]["number"] == 30000
    assert not box.charge_plan.demand(20000, 0) and not box.charge_plan.demand(-1, 7200)


def test_cevc_the_cheapest_hours_are_taken_and_followed():
    box = PlanBox()
    box.charge_plan.demand(11000, 3 * 3600)
    assert box.write(slots([22000, 11000, 22000]), to=SERIES) == 0
    assert box.write(prices([30, 10, 20]), to=PRICES) == 0
    box.pass_ms(0)
    assert box.wanted() == (False, False)
    assert list(box.charge_plan.powers) == [0, 11000, 0] and box.charge_plan.missing_wh == 0
    assert box.offered_ma() == 0 and box.binding() == "charge plan"
    plan = box.series()[2]["timeSeriesSlot"]
    assert [each["value"]["number"] for each in plan] == [0, 11000, 0]
    box.living(3600000)
    assert box.offered_ma() == 15900
    box.pass_ms(4100)  # the EMS falls silent: neither plan nor curve bounds
    assert box.offered_ma() == 31900 or box.offered_ma() == 32000


def test_cevc_a_broker_alone_is_followed_and_each_is_missed_on_its_own():
    box = CarBox()
    assert box.relate(to=PRICES) == 0
    box.sign()
    box.charge_plan.demand(11000, 3 * 3600)
    assert box.write(prices([30, 10, 20]), to=PRICES) == 0
    box.pass_ms(0)
    assert box.offered_ma() == 0 and box.binding() == "charge plan"
    guard = PlanBox()
    guard.charge_plan.demand(11000, 3 * 3600)
    assert guard.write(slots([11000] * 3), to=SERIES) == 0 and guard.write(prices([30, 10, 20]), to=PRICES) == 0
    guard.pass_ms(0)
    assert guard.offered_ma() == 0
    guard.charge_plan.broker.state(False)  # a broker of its own that fails: the plan ends, the curve bounds
    guard.pass_ms(100)
    assert guard.offered_ma() == 15900 and guard.binding() == "power curve"
    box.pass_ms(4100)
    assert box.offered_ma() == 32000


def test_cevc_a_curve_bounds_also_without_a_demand():
    box = PlanBox()
    assert box.write(slots([6905, 22000]), to=SERIES) == 0
    box.pass_ms(0)
    assert box.offered_ma() == 10000 and box.binding() == "power curve"
    back = box.series()[1]["timeSeriesSlot"]
    assert [each["maxValue"]["number"] for each in back] == [6905, 22000]


def test_cevc_pitfall_26_what_cannot_be_taken_whole_changes_nothing():
    box = PlanBox()
    assert box.write(slots([6905, 22000]), to=SERIES) == 0
    for wrong in (slots([5000] * 97, 60), slots([5000, -1]), slots([]),
                  slots([5000, 5000]).replace("PT3600S", "PT0S"), slots([5000]).replace('{"endTime":"PT3600S"}', "")
                  .replace(",]", "]")):
        assert box.write(wrong, to=SERIES) == 7, wrong[:300]
        assert list(box.charge_plan.curve)[1::2] == [6905, 22000]
    assert box.write(prices([1] * 25, 60), to=PRICES) == 7 and box.charge_plan.prices is None
    assert box.write(slots([5000] * 96, 60), to=SERIES) == 0
    assert box.write(prices([1] * 24, 60), to=PRICES) == 0
    constraints = box.list("timeSeriesConstraintsListData", SERIES, "timeSeriesConstraintsData")
    assert constraints[0]["slotCountMax"] == 96


def test_cevc_values_beyond_all_measure():
    box = PlanBox()
    assert box.write(slots([9223372036854775807, 6905]), to=SERIES) == 0
    assert list(box.charge_plan.curve)[1::2] == [1000000000, 6905] and box.offered_ma() == 32000
    dated = slots([5000]).replace('{"maxValue"', '{"duration":"2026-11-23T06:21:57Z"},{"maxValue"')
    assert box.write(dated, to=SERIES) == 7
    assert box.write(prices([9223372036854775807]), to=PRICES) == 7
    assert list(box.charge_plan.curve)[1::2] == [1000000000, 6905] and box.charge_plan.prices is None


def test_cevc_pitfall_28_constraints_are_notified_after_the_subscription():
    box = PlanBox()
    for to, function in ((SERIES, "timeSeriesConstraintsListData"), (PRICES, "incentiveTableConstraintsData")):
        box.subscribe(to=to)
        assert function in [name for _, name, _ in box.told()]


def test_cevc_ends_with_the_car():
    box = PlanBox()
    box.charge_plan.demand(11000, 3600)
    box.write(slots([6905]), to=SERIES)
    box.unplug()
    box.plug()
    assert box.offered_ma() == 32000 and box.charge_plan.curve is None and box.charge_plan.departure_s is None


def test_cevc_of_spans_at_one_price_the_earlier_are_taken():
    box = PlanBox()
    box.charge_plan.demand(10000, 40 * 180)
    assert box.write(slots([11000] * 40, 180), to=SERIES) == 0
    box.pass_ms(400)  # 80 pieces of work
    powers = list(box.charge_plan.powers)
    assert powers[:18] == [11000] * 18 and powers[19:] == [0] * 21


def test_cevc_a_plan_is_followed_until_the_next_is_complete():
    box = PlanBox()
    plan = box.charge_plan
    plan.demand(22000, 24 * 3600)
    assert box.write(slots([11000, 22000]), to=SERIES) == 0
    box.pass_ms(0)
    assert list(plan.powers) == [11000, 11000, 0] and box.offered_ma() == 15900
    before = plan.powers
    assert box.write(prices([50] + [30] * 23), to=PRICES) == 0
    assert box.write(slots([5000] + [11000] * 95, 900), to=SERIES) == 0
    version = plan.version
    box.pass_ms(0)
    steps = 1
    while plan.powers is before:
        assert box.offered_ma() == 7200 and plan.version == version, "the new curve bounds at once"
        assert box.ask("read", read("timeSeriesListData"), to=SERIES)
        box.now += 100
        box.pass_ms(0)
        steps += 1
    assert steps == 12 and list(plan.powers[:4]) == [0] * 4 and list(plan.powers[4:12]) == [11000] * 8
    assert box.offered_ma() == 0 and plan.missing_wh == 0


def test_cevc_what_changes_while_a_plan_is_made_is_in_the_next():
    box = PlanBox()
    plan = box.charge_plan
    plan.demand(22000, 24 * 3600)
    assert box.write(slots([11000] * 96, 900), to=SERIES) == 0
    box.pass_ms(200, 200)
    assert not len(plan.powers), "not complete yet"
    for minute in range(3):  # an EMS that never rests does not keep the box from planning
        for _ in range(30):
            assert box.write(slots([11000] * 95 + [4200 + minute], 900), to=SERIES) == 0
            box.sign()
            box.pass_ms(200)
        assert list(plan.powers[:8]) == [11000] * 8
    plan.forget()
    box.pass_ms(5000)
    assert not len(plan.powers) and plan.curve is None, "nor does what was begun outlive the car"


def test_cevc_without_memory_for_a_plan_the_one_before_is_followed():
    box = PlanBox()
    plan = box.charge_plan
    plan.demand(22000, 3 * 3600)
    assert box.write(slots([11000] * 3), to=SERIES) == 0
    box.pass_ms(0)
    before = plan.powers
    begin = plan._begin
    plan._begin = full
    assert box.write(prices([30, 20, 10]), to=PRICES) == 0
    box.living(50000)
    assert plan.powers is before and box.offered_ma() == 15900
    plan._begin = begin
    box.living(11000)
    assert list(plan.powers) == [0, 11000, 11000]


def full():
    raise MemoryError()
