# heap: 512K
"""The bill of a session (EVCS) through the real device: asked for after unplug, taken whole or not at all, read again.

How it is kept: test_session_summary.py, test_session_log.py."""

from host_tests.pure.damage import Chance, damaged
from host_tests.pure.spine_box import ACK, DATAGRAM
from host_tests.pure.spine_station import NODE, PARTIAL, StationBox, read
from host_tests.pure.test_spine_map_ev import CarBox, cases
from wallbox.functions.session_summary import COST, CURRENCY, DURATION, ENERGY, GRID, OWN
from wallbox.session_log import packed
from wallbox.session_records import parsed

BILL = ((1,), 8)
LISTS, OBJECTS, PLAIN = range(3)  # value and cost of a position: lists as in the XSD, single objects, plain JSON
WHOLE = [3600, "EUR", 12345, 0, 456, -2, 65, 0, 90, 0, 35, 0, 10, 0]


def number(name, value, scale=0):
    return '{"%s":[{"number":%d}%s]}' % (name, value, "" if scale is None else ',{"scale":%d}' % scale)


def part(name, members, form):
    """The element value or cost of a position."""
    if form == PLAIN:
        return '{"%s":[{%s}]}' % (name, ",".join([each[1:-1] for each in members]))
    return '{"%s":[%s]}' % (name, "[%s]" % ",".join(members) if form == LISTS else ",".join(members))


def total(energy=(12345, 0), cost=(456, -2), form=LISTS, period='{"startTime":"-PT1H"},{"endTime":"PT0S"}',
          unit='{"unit":"Wh"}', kind='{"costType":"absolutePrice"}', currency='{"currency":"EUR"}'):
    parts = ['{"timePeriod":[%s]}' % period] if period else []
    if energy:
        parts.append(part("value", [each for each in (unit, number("value", *energy)) if each], form))
    if cost:
        parts.append(part("cost", [each for each in (kind, currency, number("cost", *cost)) if each], form))
    return '{"total":[%s]}' % ",".join(parts)


def position(key, kind, value, cost, form=LISTS, scale=0):
    parts = ['{"positionId":%d}' % key] if key is not None else []
    if kind:
        parts.append('{"positionType":"%s"}' % kind)
    if value is not None:
        parts.append(part("value", [number("valuePercentage", value, scale)], form))
    if cost is not None:
        parts.append(part("cost", [number("costPercentage", cost, scale)], form))
    return "[%s]" % ",".join(parts)


def positions(*rows):
    return '{"position":[%s]}' % ",".join(rows)


def shares(grid=(65, 90), own=(35, 10), form=LISTS):
    return positions(position(1, "gridElectricEnergy", grid[0], grid[1], form),
                     position(2, "selfProducedElectricEnergy", own[0], own[1], form))


def bill(*elements, key='{"billId":1}', kind='{"billType":"chargingSummary"}', filters=None):
    head = '{"function":"billListData"},{"filter":[%s]},' % filters if filters else ""
    members = ",".join([each for each in (key, kind) + elements if each])
    return '[[%s{"billListData":[{"billData":[[%s]]}]}]]' % (head, members)


class BillBox(CarBox):
    """A car came, took 100 Wh within 60 s, and went; the EMS has bound the bill."""

    def __init__(self, over=True):
        super().__init__(car=False)
        assert self.relate(to=BILL) == 0
        if over:
            self.session()

    def session(self, wh=100):
        before_wh = self.station.readings.energy_wh
        self.plug()
        self.pass_ms(39800, 1000)
        for done in range(1, 21):
            self.meter(power_w=0, energy_wh=before_wh + wh * done // 20, current_ma=(0, 0, 0))
            self.pass_ms(1000, 1000)
        self.unplug()

    def wanted(self):
        return self.read("billDescriptionListData")[0]["updateRequired"]

    def read(self, function):
        return self.ask("read", read(function), to=BILL)[function.replace("ListData", "Data")]

    def put(self, *elements, **more):
        return self.write(bill(*elements, **more), to=BILL)

    def change(self, *elements, **more):
        return self.write(bill(*elements, filters=PARTIAL, kind=None, **more), to=BILL)

    def kept(self):
        return self.session_summary.bill


def test_only_the_profile_full_has_a_bill_and_pitfall_21_says_so():
    rows = cases(CarBox(car=False))
    assert rows["evChargingSummary"] == ("EVSE", [1], [1]) and rows["evseCommissioningAndConfiguration"][0] == "EVSE"
    box = StationBox()
    assert "evChargingSummary" not in cases(box)
    assert box.ask("read", read("billListData"), to=BILL) == 4


def test_bill_server_stands_on_the_station_with_partial_writes():
    rows = CarBox(car=False).ask("read", read("nodeManagementDetailedDiscoveryData"), to=NODE)["featureInformation"]
    found = [each["description"] for each in rows if each["description"]["featureType"] == "Bill"]
    assert len(found) == 1 and found[0]["role"] == "server"
    assert found[0]["featureAddress"]["entity"] == [1]
    operations = {each["function"]: each["possibleOperations"] for each in found[0]["supportedFunction"]}
    assert operations["billListData"] == {"read": [], "write": {"partial": []}}
    assert operations["billDescriptionListData"] == operations["billConstraintsListData"] == {"read": []}


def test_before_any_session_everything_is_readable_and_no_bill_is_taken():
    box = BillBox(over=False)
    assert box.read("billDescriptionListData") == [
        {"billId": 1, "billWriteable": True, "updateRequired": False, "supportedBillType": ["chargingSummary"]}]
    assert box.read("billConstraintsListData") == [{"billId": 1, "positionCountMin": 0, "positionCountMax": 2}]
    assert box.read("billListData") == [{"billId": 1, "billType": "chargingSummary"}]
    assert box.put(total(), shares()) == 7


def test_update_required_comes_after_unplug_and_goes_with_the_bill():
    box = BillBox(over=False)
    box.subscribe(to=BILL)
    box.told()
    box.plug()
    box.pass_ms(10000)
    box.unplug()  # no energy: nothing to sum up
    assert box.told() == [] and not box.wanted()
    box.session()
    told = box.told()
    assert [(kind, name) for kind, name, _ in told] == [
        ("notify", "billDescriptionListData"), ("notify", "billListData")]
    assert told[0][2]["billDescriptionData"][0]["updateRequired"]
    box.pass_ms(1000)  # between two notifies to one subscriber
    counter = box.tell("write", bill(total(), shares()), to=BILL, ack=True)
    heard = {name: (header, data) for _, header, name, data, _ in [box.hear() for _ in range(3)]}
    assert heard["resultData"][1]["errorNumber"] == 0 and heard["resultData"][0]["msgCounterReference"] == counter
    assert heard["billDescriptionListData"][1]["billDescriptionData"][0]["updateRequired"] is False
    assert heard["billListData"][1]["billData"][0]["total"]["cost"][0]["currency"] == "EUR"


def test_the_box_shows_what_it_knows_itself():
    assert BillBox().read("billListData") == [
        {"billId": 1, "billType": "chargingSummary", "total": {
            "timePeriod": {"startTime": "-PT60S", "endTime": "PT0S"},
            "value": [{"unit": "Wh", "value": {"number": 100, "scale": 0}}]}}]


def test_both_nestings_of_value_and_cost_are_taken():
    for form in (LISTS, OBJECTS, PLAIN):
        for other in (LISTS, OBJECTS, PLAIN):
            box = BillBox()
            assert box.put(total(form=form), shares(form=other)) == 0
            assert box.kept() == WHOLE, (form, other)
            assert not box.wanted()


def test_what_was_written_is_read_as_in_the_xsd():
    box = BillBox()
    assert box.put(total(form=OBJECTS), shares(form=OBJECTS)) == 0
    assert box.read("billListData") == [{
        "billId": 1, "billType": "chargingSummary",
        "total": {
            "timePeriod": {"startTime": "-PT1H", "endTime": "PT0S"},
            "value": [{"unit": "Wh", "value": {"number": 12345, "scale": 0}}],
            "cost": [{"costType": "absolutePrice", "currency": "EUR", "cost": {"number": 456, "scale": -2}}]},
        "position": [
            {"positionId": 1, "positionType": "gridElectricEnergy", "value": [{"valuePercentage": {"number": 65,
             "scale": 0}}], "cost": [{"costPercentage": {"number": 90, "scale": 0}}]},
            {"positionId": 2, "positionType": "selfProducedElectricEnergy", "value": [{"valuePercentage": {
             "number": 35, "scale": 0}}], "cost": [{"costPercentage": {"number": 10, "scale": 0}}]}]}]
    box.tell("read", read("billListData"), to=BILL)
    text = box.text()  # lists on the wire
    assert b'"value":[[{"unit":"Wh"}' in text and b'"cost":[[{"costPercentage"' in text


def test_the_bill_stays_when_the_car_has_gone_and_ends_with_the_next():
    box = BillBox()
    box.pass_ms(3600000, 60000)
    assert box.wanted() and box.put(total(), shares()) == 0
    box.plug()
    assert not box.wanted() and box.put(total()) == 7  # of which session?
    assert box.read("billListData")[0]["total"]["cost"]
    box.unplug()
    assert not box.wanted() and box.put(total(cost=(500, -2))) == 0  # nothing was taken meanwhile
    box.session(5)
    assert box.wanted()
    assert box.read("billListData")[0]["total"]["value"][0]["value"]["number"] == 5


def test_a_write_without_binding():
    box = CarBox(car=False)
    assert box.write(bill(total()), to=BILL) == 9


def test_pitfall_36_every_element_may_be_left_out_and_unknown_ones_are_passed_over():
    for elements, places in (
        ((total(),), {GRID: None, OWN: None, ENERGY: 12345}),
        ((shares(),), {ENERGY: None, COST: None, CURRENCY: None, DURATION: None, GRID: 65}),
        ((total(period=None), shares()), {DURATION: None}),
        ((total(energy=None),), {ENERGY: None, COST: 456}),
        ((total(cost=None),), {COST: None, CURRENCY: None}),
        ((total(unit=None, kind=None, currency=None),), {ENERGY: 12345, COST: 456, CURRENCY: None}),
        ((positions(position(1, "gridElectricEnergy", 100, None)),), {GRID: 100, GRID + 2: None, OWN: None}),
        ((positions(position(2, None, 40, 1)),), {OWN: 40, GRID: None}),
        ((positions(position(None, "gridElectricEnergy", 5, None)),), {GRID: 5}),
        (('{"scopeType":"x"}', '{"label":[{"deep":[[{"a":1}]]}]}', total()), {ENERGY: 12345}),
        ((total(cost=(456, None)),), {COST: 456, COST + 1: 0}),
    ):
        for form in (None, '{"billType":"chargingSummary"}'):
            box = BillBox()
            assert box.put(*elements, kind=form) == 0, elements
            for place in places:
                assert box.kept()[place] == places[place], (elements, place)


def test_order_of_elements_and_of_positions_does_not_matter():
    box = BillBox()
    own, grid = position(7, "selfProducedElectricEnergy", 35, 10), position(3, "gridElectricEnergy", 65, 90)
    assert box.write('[[{"billListData":[{"billData":[[%s,%s,{"billType":"chargingSummary"},{"billId":1}]]}]}]]' % (
        positions(own, grid), total()), to=BILL) == 0
    assert box.kept() == WHOLE


def test_what_cannot_be_is_refused_and_changes_nothing():
    grid, own = "gridElectricEnergy", "selfProducedElectricEnergy"
    box = BillBox()
    assert box.put(total(), shares()) == 0
    for elements in (
        (total(), shares((101, 0))), (total(), shares((-1, 0))), (total(), shares((65, 91), (35, 11))),
        (total(), shares((70, 0), (32, 0))),
        (total(energy=(-1, 0)),), (total(unit='{"unit":"kW"}'),), (total(currency='{"currency":"EURO"}'),),
        (total(energy=(1, 300)),), (total(cost=(1, -300)),), (total(cost=(1 << 40, 0)),),
        (total(period='{"startTime":"PT1H"},{"endTime":"PT0S"}'),),
        (positions(position(1, "coal", 5, 5)),), (positions(position(3, None, 5, 5)),),
        (positions(position(1, grid, 5, 5), position(2, grid, 5, 5)),),
        (positions(position(1, grid, 5, 5), position(2, own, 5, 5), position(3, own, 5, 5)),),
        ('{"total":[{"value":[[{"value":"much"}]]}]}',),
    ):
        assert box.put(*elements) == 7, elements
        assert box.change(*elements) == 7, elements
        assert box.kept() == WHOLE, elements
    for key in ('{"billId":2}', None):
        assert box.put(total(), key=key) == 7
    assert box.put() == 7 and box.change() == 0  # nothing in place of all, nothing beside it
    assert box.put(total(), kind='{"billType":"phoneBill"}') == 7
    assert box.write('[[{"billListData":[]}]]', to=BILL) == 7
    assert box.write('[[{"billListData":[{"billData":[[{"billId":1},%s],[{"billId":2}]]}]}]]' % total(), to=BILL) == 7
    assert box.kept() == WHOLE
    assert box.put(total(), shares((66, 90), (35, 10))) == 0  # rounded


def test_a_full_write_replaces_all():
    box = BillBox()
    assert box.put(total(), shares()) == 0
    assert box.put(total(energy=None, period=None)) == 0
    assert box.kept() == [None, "EUR", None, None, 456, -2] + [None] * 8
    assert box.put(total(), shares()) == 0
    assert box.put(total(currency=None), positions(position(1, None, 70, None))) == 0
    assert box.kept() == [3600, None, 12345, 0, 456, -2, 70, 0] + [None] * 6


def test_partial_writes_change_only_what_they_name_in_both_nestings():
    for form in (LISTS, OBJECTS, PLAIN):
        box = BillBox()
        assert box.change(total(energy=None, period=None, form=form)) == 0
        assert box.kept() == [60, "EUR", 100, 0, 456, -2] + [None] * 8  # beside what the box knew itself
        assert not box.wanted()
        assert box.put(total(form=form), shares(form=form)) == 0
        assert box.change(positions(position(1, None, 60, None, form))) == 0
        assert box.change(positions(position(None, "selfProducedElectricEnergy", 40, None, form))) == 0
        assert box.change(total(energy=(13000, 0), cost=None, period=None, form=form)) == 0
        assert box.kept() == [3600, "EUR", 13000, 0, 456, -2, 60, 0, 90, 0, 40, 0, 10, 0]
        assert box.change(total(period='{"startTime":"-PT2H"}', energy=None, cost=None)) == 0
        assert box.kept()[DURATION] == 7200


def test_pitfall_26_a_number_without_scale_keeps_the_stored_one():
    for form in (LISTS, OBJECTS, PLAIN):
        box = BillBox()
        assert box.put(total(energy=(123, 2), form=form), positions(
            position(1, "gridElectricEnergy", 655, 9, form, -1))) == 0
        assert box.change(total(energy=(124, None), cost=(500, None), period=None, form=form), positions(
            position(1, "gridElectricEnergy", 700, None, form, None))) == 0
        assert box.kept()[ENERGY:GRID + 2] == [124, 2, 500, -2, 700, -1]


def test_an_entry_without_id_and_one_by_selector_mean_the_one_bill():
    box = BillBox()
    assert box.change(total(), key=None) == 0 and box.kept()[COST] == 456
    selected = ('[{"cmdControl":[{"partial":[]}]},{"billListDataSelectors":[{"billId":%d}]}]')
    assert box.write(bill(total(cost=(9, 0)), key=None, kind=None, filters=selected % 1), to=BILL) == 0
    assert box.kept()[COST] == 9
    assert box.write(bill(total(cost=(8, 0)), key=None, kind=None, filters=selected % 2), to=BILL) == 0
    assert box.kept()[COST] == 9  # no such bill, nothing to change


def test_elements_are_deleted_and_then_changed_at_once():
    box = BillBox()
    assert box.put(total(), shares()) == 0
    delete = ('[{"cmdControl":[{"delete":[]}]},{"billListDataSelectors":[{"billId":1}]},{"billDataElements":'
              '[{"position":[]}]}]')
    assert box.write(bill(total(cost=(1, 0), energy=None, period=None), filters=delete + "," + PARTIAL), to=BILL) == 0
    assert box.kept() == [3600, "EUR", 12345, 0, 1, 0] + [None] * 8
    everything = '[{"cmdControl":[{"delete":[]}]},{"billListDataSelectors":[{"billId":1}]}]'
    assert box.write('[[{"function":"billListData"},{"filter":[%s]},{"billListData":[]}]]' % everything, to=BILL) == 7
    assert box.kept()[COST] == 1


def test_a_session_may_be_told_by_time_stamps():
    box = BillBox()
    stamps = '{"startTime":"2026-11-23T05:00:00Z"},{"endTime":"2026-11-23T06:30:00Z"}'
    assert box.put(total(period=stamps)) == 0 and box.kept()[DURATION] == 5400
    for odd in ('{"startTime":"2026-11-23T05:00:00Z"}', '{"startTime":"yesterday"},{"endTime":"today"}',
                '{"endTime":"PT0S"}'):
        assert box.put(total(period=odd)) == 0 and box.kept()[DURATION] is None


def test_an_ems_that_writes_without_end_is_told_to_wait():
    box = BillBox()
    answers = [box.put(total(cost=(n, 0))) for n in range(20)]
    assert answers == [0] * 16 + [3] * 4
    box.pass_ms(60000, 1000)
    assert box.put(total(cost=(20, 0))) == 0 and box.kept()[COST] == 20


def test_other_costs_than_money_are_passed_over():
    box = BillBox()
    rows = ['[{"costType":"co2Emission"},%s]' % number("cost", 99),
            '[{"costType":"absolutePrice"},{"currency":"CHF"},%s]' % number("cost", 7)]
    for pair in (rows, reversed(rows)):
        assert box.put('{"total":[{"cost":[%s]}]}' % ",".join(pair)) == 0
        assert box.kept()[CURRENCY:GRID] == ["CHF", None, None, 7, 0]


def test_damaged_bills_never_fail_and_what_is_taken_can_be_kept():
    chance = Chance(5217)
    texts = [(DATAGRAM % ("[1]", 1, "[1]", 8, 9, "write", ACK, cmd)).encode() for cmd in (
        bill(total(), shares()), bill(total(form=OBJECTS), shares(form=PLAIN)),
        bill(total(cost=(5, None), form=OBJECTS), filters=PARTIAL), bill(shares(form=OBJECTS), filters=PARTIAL))]
    taken = 0
    for i in range(1200):
        if i % 100 == 0:
            box = BillBox()
        box.session_summary._credit = 16
        box.take(damaged(chance, texts[chance.below(4)]), (13, 5000)[chance.below(2)])
        taken += ("result", 0) in [(kind, data.get("errorNumber")) for kind, _, data in box.told()]
        record = box.session_summary.last
        assert parsed(packed(record, box.kept())) == (record, box.kept())
        row = box.read("billListData")[0]
        assert row["billId"] == 1 and row["billType"] == "chargingSummary"
    assert 50 < taken < 1000
