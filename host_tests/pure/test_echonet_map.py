# heap: 256K
"""The mapping without sockets: requests into the node of a real station, whose readings the test sets by hand."""

from boards.sim.flash import Flash
from echonet.frame import begin
from wallbox import config
from wallbox.board import Outputs, Ratings
from wallbox.echonet_map import node
from wallbox.functions.device_state import DeviceState
from wallbox.functions.ev_connected import EvConnected
from wallbox.functions.load_control import LoadControl
from wallbox.functions.measurement import Measurement
from wallbox.functions.operation_mode import OperationMode
from wallbox.functions.power_limit import PowerLimit
from wallbox.functions.setpoint import Setpoint
from wallbox.station import Station

CHARGER = 0x02A101
V2X = 0x027E01


class Board:
    """Readings as the test wants them."""

    def __init__(self, ratings):
        self.ratings = ratings
        self.values = {}
        self.out = Outputs()

    def sample(self, readings):
        for name in self.values:
            setattr(readings, name, self.values[name])

    def apply(self, out):
        self.out = out


class Box:
    """A station and its node; `get` and `set` ask it as a controller would. `told` is what it announced last."""

    def __init__(self, settings=None, **ratings):
        self.ratings = Ratings()
        for name in ratings:
            setattr(self.ratings, name, ratings[name])
        self.settings = config.load(Flash(4096))
        self.settings.echonet_v2x = True
        for name in settings or {}:
            getattr(self.settings, name)
            setattr(self.settings, name, settings[name])
        self.board = Board(self.ratings)
        self.station = station = Station(self.board, self.settings)
        self.device_state = DeviceState(station)
        self.operation_mode = OperationMode(station)
        self.ev_connected = EvConnected(station)
        self.power_limit = PowerLimit(station)
        self.load_control = LoadControl(station)
        self.measurement = Measurement(station)
        self.setpoint = None
        if self.ratings.discharge:
            self.setpoint = Setpoint(station, self.load_control, self.operation_mode, self.device_state)
        self.node = node.build(self, self.settings).node
        self._out = bytearray(600)
        self._reply = None
        for each in self.node.objects:
            each.changes(self._out)
        self.tick()

    def tick(self, **values):
        """One tick with these readings from now on."""
        self.board.values.update(values)
        if self.setpoint:
            self.setpoint.step()
        self.station.tick(10)
        self.station.arbitrate()

    def ask(self, esv, eoj, epc, edt=b""):
        """(ESV, EDT of the first property) of the reply, None for silence."""
        frame = bytearray(14 + len(edt))
        begin(frame, 7, 0x05FF01, eoj, esv)
        frame[11] = 1
        frame[12] = epc
        frame[13] = len(edt)
        frame[14:] = edt
        self._reply = None
        self.node.handle(frame, len(frame), self._out, self._take)
        return self._reply

    def _take(self, size, to_group):
        assert self._out[13] == size - 14
        self._reply = (self._out[10], bytes(self._out[14:size]))

    def get(self, epc, eoj=CHARGER):
        """EDT as a number; None where it is "not possible"."""
        esv, edt = self.ask(0x62, eoj, epc)
        assert esv == (0x72 if edt else 0x52)
        return int.from_bytes(edt, "big") if edt else None

    def set(self, epc, value, size=1, eoj=CHARGER):
        """Whether the node accepted `value` (negative: two's complement)."""
        esv, edt = self.ask(0x61, eoj, epc, (value % (1 << 8 * size)).to_bytes(size, "big"))
        return esv == 0x71

    def told(self, eoj=CHARGER):
        """{EPC: EDT} announced by the object since last asked."""
        for each in self.node.objects:
            if each.eoj == eoj:
                size = self.node.announce(each, self._out)
        found = {}
        at = 12
        while size and at < size:
            found[self._out[at]] = bytes(self._out[at + 2 : at + 2 + self._out[at + 1]])
            at += 2 + self._out[at + 1]
        return found

    def source(self, name):
        for each in self.station.sources:
            if each.name == name:
                return each


def meter(**more):
    """Readings of a meter that has just been read."""
    values = {
        "meter_age_ms": 0, "power_w": 6900, "energy_wh": 1000, "current_ma": [10000, 10000, 10040],
        "voltage_mv": [230400, 231000, 229000],
    }
    values.update(more)
    return values


# --- 5.3.2 UCF_Device_State


def test_80_takes_the_station_out_of_service_and_keeps_the_mode():
    box = Box()
    assert box.get(0x80) == 0x30 and box.set(0xDA, 0x44)
    assert box.set(0x80, 0x31) and box.get(0x80) == 0x31 and box.get(0x80, V2X) == 0x31
    assert box.get(0xDA) == 0x44 and box.source("out of service").own[0] == 0
    assert box.told()[0x80] == b"\x31" and box.told(V2X)[0x80] == b"\x31" and not box.told()
    assert box.set(0x80, 0x30) and box.source("out of service").own[0] == 1 and box.get(0xDA) == 0x44


def test_88_and_89_tell_every_fault_of_the_guard():
    box = Box()
    assert box.get(0x88) == 0x42 and box.get(0x89) == 0
    for bit in range(16):
        box.station.guard.faults = 1 << bit
        assert box.get(0x88) == 0x41 and box.get(0x88, V2X) == 0x41
        assert 0 < box.get(0x89) <= 1004, bit
        assert box.told() == ({0x88: b"\x41"} if bit == 0 else {})
    box.station.guard.faults = 1 << 3 | 1 << 11
    assert box.get(0x89) == 1, "the first counts"
    box.station.guard.faults = 1 << 11
    assert box.get(0x89) == 0x0A, "a safety device tripped"
    box.station.guard.faults = 0
    assert box.told() == {0x88: b"\x42"}


def test_81_takes_one_byte_or_seventeen():
    box = Box()
    assert box.get(0x81) == 0
    assert box.ask(0x61, CHARGER, 0x81, b"\x08") == (0x71, b"") and box.get(0x81, V2X) == 8
    long = b"\x01" + bytes(range(16))
    assert box.ask(0x61, CHARGER, 0x81, long) == (0x71, b"") and box.ask(0x62, V2X, 0x81) == (0x72, long)
    assert box.told() == {0x81: long}
    for wrong in (b"\x01\x02", b"\x02" + bytes(16), b"\x01" + bytes(17)):
        assert box.ask(0x61, CHARGER, 0x81, wrong) == (0x51, wrong)
    assert box.ask(0x62, CHARGER, 0x81) == (0x72, long)
    assert box.set(0x81, 0x10) and box.ask(0x62, CHARGER, 0x81) == (0x72, b"\x10")


# --- 5.3.3 UCF_EV_Connected


def test_c7_follows_the_pilot_and_faults():
    box = Box()
    for state, faults, value in (
        ("A", 0, 0x30), ("B", 0, 0x41), ("C", 0, 0x41), ("B", 1, 0x40), ("C", 1 << 11, 0x40), ("D", 1 << 4, 0x40),
        ("E", 1 << 3, 0xFF), ("F", 1 << 11, 0xFF), ("A", 0, 0x30),
    ):
        box.station.guard.state = state
        box.station.guard.faults = faults
        assert box.get(0xC7) == box.get(0xC7, V2X) == value, (state, faults)
        announced = box.told().get(0xC7)
        assert announced is None or announced[0] == value


def test_cd_is_write_only_and_fails_while_the_pilot_tells_nothing():
    box = Box()
    assert box.get(0xCD) is None and box.set(0xCD, 0x10) and not box.set(0xCD, 0x11)
    box.station.guard.state = "F"
    assert not box.set(0xCD, 0x10)


# --- 5.3.4 UCF_Load_Control


def test_eb_and_ed_are_set_points_for_the_arbiter():
    box = Box()
    assert box.get(0xEB) == 22080 and box.get(0xED) == 320, "all there is, as long as nothing was set"
    assert box.set(0xEB, 11000, 4) and box.get(0xEB, V2X) == 11000
    assert box.source("charging power").own[0] == 11000 and box.source("charging power").own[3] == 2
    assert box.set(0xED, 99, 2) and box.get(0xED, V2X) == 99
    assert box.source("charging current").own[:3] == [9900, 9900, 9900]
    assert box.told() == {0xEB: b"\0\0\x2a\xf8", 0xED: b"\0\x63"} and not box.told()
    for epc, size, wrong in ((0xEB, 4, 22081), (0xEB, 4, 999999999), (0xED, 2, 321), (0xED, 2, 65533)):
        assert not box.set(epc, wrong, size)
    assert box.get(0xEB) == 11000 and box.get(0xED) == 99 and not box.told()
    assert box.set(0xEB, 0, 4) and box.source("charging power").own[0] == 0
    assert box.set(0xED, 0, 2) and box.source("charging current").own[0] == 0


def test_ec_and_ee_take_zero_only():
    box = Box()
    assert box.set(0xEC, 0, 4, V2X) and box.set(0xEE, 0, 2, V2X)
    assert not box.set(0xEC, 1, 4, V2X) and not box.set(0xEE, 1, 2, V2X)
    assert box.get(0xEC, V2X) == box.get(0xEE, V2X) == 0
    assert box.get(0xEC) is None and not box.set(0xEC, 0, 4), "02A1 has neither"


def test_the_e0_rule():
    box = Box()
    assert not box.set(0xE0, 5000, 4, V2X) and box.get(0xE0, V2X) == 0, "DC is not 06"
    assert box.get(0xDA) == 0x42
    assert box.set(0xDA, 0x44) and box.set(0xDC, 6, 1, V2X)
    assert box.source("charging power").own[0] == 0, "nothing asked: nothing flows"
    box.told(V2X)
    assert box.set(0xE0, 5000, 4, V2X) and box.get(0xE0, V2X) == 5000
    assert box.get(0xDA) == box.get(0xDA, V2X) == 0x42, "a write above 0 sets DA to 42"
    assert box.source("charging power").own[0] == 5000
    told = box.told(V2X)
    assert told[0xE0] == b"\0\0\x13\x88" and told[0xDA] == b"\x42"
    assert not box.set(0xE0, -5000, 4, V2X), "it discharges nothing"
    assert not box.set(0xE0, 22081, 4, V2X)
    assert box.get(0xE0, V2X) == 5000 and box.get(0xDA) == 0x42
    assert box.set(0xE0, 0, 4, V2X) and box.source("charging power").own[0] == 0
    assert box.set(0xDC, 1, 1, V2X) and not box.set(0xE0, 6000, 4, V2X) and box.get(0xE0, V2X) == 0
    assert box.source("charging power").own[3] == 0, "DC = 01: no set-point counts"


def test_e7_counts_from_the_write_and_reads_as_set():
    box = Box()
    box.tick(**meter())
    assert box.get(0xE7) == 0 and box.set(0xE7, 500, 4) and box.get(0xE7, V2X) == 500
    amount = box.source("charging amount")
    for energy_wh, allowed in ((1000, 1), (1499, 1), (1500, 0), (1600, 0)):
        box.station.now_ms += 600000
        box.tick(energy_wh=energy_wh)
        box.load_control.step()
        assert amount.own[0] == allowed, energy_wh
    assert box.set(0xE7, 0, 4) and amount.own[0] == 1


# --- 5.3.5 UCF_Measurement


def test_the_meters_values_and_what_is_unknown():
    box = Box()
    unknown = (0xD3, 0xD8)
    assert [box.get(epc) for epc in unknown] == [None, None]
    assert [box.get(epc, V2X) for epc in (0xD3, 0xD4, 0xD5, 0xD8)] == [None] * 4
    box.tick(**meter())
    assert box.get(0xD3) == box.get(0xD3, V2X) == 6900 and box.get(0xD8) == box.get(0xD8, V2X) == 1000
    assert box.get(0xD4, V2X) == 100 and box.get(0xD5, V2X) == 230
    box.tick(**meter(meter_age_ms=10000))
    assert box.get(0xD3) is None and box.get(0xD3, V2X) is None, "a silent meter is unknown, never 0"
    assert box.get(0xD4, V2X) is None and box.get(0xD5, V2X) is None
    assert box.get(0xD8) == 1000, "the count stays true"
    box.tick(**meter(power_w=None, current_ma=[None, None, None], voltage_mv=[None, None, None]))
    assert box.get(0xD3) is None and box.get(0xD4, V2X) is None and box.get(0xD5, V2X) is None
    box.tick(**meter(power_w=-400))
    assert box.get(0xD3) is None, "02A1 has no sign"
    assert box.get(0xD3, V2X) == (1 << 32) - 400
    assert not box.set(0xD3, 0, 4) and not box.set(0xD8, 0, 4)


def test_d9_resets_d8_and_only_that():
    box = Box()
    assert not box.set(0xD9, 0), "nothing is counted yet"
    box.tick(**meter())
    assert box.set(0xD9, 0) and box.get(0xD8) == box.get(0xD8, V2X) == 0
    assert box.get(0xD9) is None and not box.set(0xD9, 1)
    box.station.now_ms += 60000
    box.tick(energy_wh=1010)
    assert box.get(0xD8) == 10 and box.station.energy.total_wh == 1010
    assert box.set(0xD7, 0, 1, V2X) and box.get(0xD6, V2X) == 0


def test_the_battery_when_there_is_a_source_and_while_it_is_silent():
    battery = (0xE4, 0xE2, 0xD0, 0xCE, 0xCF)
    box = Box(None, ev_data=True)
    assert [box.get(epc) for epc in battery] == [None] * 5
    box.tick(ev_soc_per_cent=40, ev_capacity_wh=60000)
    assert [box.get(epc) for epc in battery] == [40, 24000, 60000, 60000, 36000]
    assert [box.get(epc, V2X) for epc in battery] == [40, 24000, 60000, 60000, 36000]
    box.tick(ev_soc_per_cent=None)
    assert [box.get(epc) for epc in battery] == [None, None, 60000, 60000, None]
    box = Box()
    box.tick(ev_soc_per_cent=40, ev_capacity_wh=60000)
    assert [box.get(epc) for epc in battery] == [None] * 5, "no source, no properties"


# --- 5.3.6 UCF_Operation_Mode


def test_da_sets_and_reads_the_mode_and_refuses_discharge():
    box = Box()
    permission = box.source("operation mode")
    for value, allowed in ((0x44, 0), (0x42, 1), (0x47, 0), (0x42, 1)):
        assert box.set(0xDA, value, 1, V2X) and box.get(0xDA) == value and permission.own[0] == allowed
        assert box.told()[0xDA] == bytes((value,))
    for value in (0x43, 0x40, 0x46, 0x48, 0x49, 0x41, 0):
        assert not box.set(0xDA, value) and not box.set(0xDA, value, 1, V2X)
        assert box.ask(0x60, V2X, 0xDA, bytes((value,))) == (0x50, bytes((value,)))
    assert box.get(0xDA) == 0x42 and permission.own[0] == 1 and not box.told()


def test_methods_are_read_written_and_announced():
    box = Box()
    assert box.get(0xDC, V2X) == 0 and box.get(0xDD, V2X) == 0
    for value in (1, 3, 4, 6, 0):
        assert box.set(0xDC, value, 1, V2X) and box.get(0xDC, V2X) == value
        assert box.told(V2X)[0xDC] == bytes((value,))
    for value in (2, 5, 7):
        assert not box.set(0xDC, value, 1, V2X)
    assert box.set(0xDD, 0, 1, V2X) and not box.set(0xDD, 1, 1, V2X), "nothing can be discharged"
    assert box.get(0xDC) is None and not box.set(0xDC, 1), "02A1 has none"


def test_e1_is_what_really_happens():
    box = Box()
    assert box.get(0xE1, V2X) == 0x47, "no car"
    box.station.guard.state = "B"
    assert box.get(0xE1, V2X) == 0x44 and box.told(V2X)[0xE1] == b"\x44"
    box.station.guard.out.contactor = True
    box.station.meter_fresh = True
    box.station.readings.power_w = 7000
    assert box.get(0xE1, V2X) == 0x42 and box.get(0xDA, V2X) == 0x42
    box.station.readings.power_w = 3
    assert box.get(0xE1, V2X) == 0x44
    assert not box.set(0xE1, 0x42, 1, V2X)


# --- 5.3.7 UCF_Power_Limit


def test_99_and_87_bound_and_read_back():
    box = Box()
    assert box.get(0x99) == 22080 and box.get(0x87) == 100
    assert box.set(0x99, 4200, 2) and box.get(0x99, V2X) == 4200 and box.source("power limit").own[0] == 4200
    assert box.set(0x87, 50, 1, V2X) and box.get(0x87) == 50 and box.source("current limit").own[0] == 16000
    assert box.told() == {0x99: b"\x10\x68"}, "87 is not announced"
    assert box.set(0x99, 65533, 2) and box.get(0x99) == 65533, "above the rated power: no limit, not refused"
    assert not box.set(0x99, 65534, 2) and not box.set(0x87, 101)
    assert box.set(0x99, 0, 2) and box.source("power limit").own[0] == 0
    assert box.set(0x87, 0) and box.source("current limit").own[0] == 0


def test_ranges_follow_ratings_and_the_phases_of_the_car():
    box = Box()
    assert box.get(0xC5) == 22080 and box.get(0xD2) == 230
    assert box.get(0xC8) == 4140 << 32 | 22080 and box.get(0xCA) == 60 << 16 | 320
    box.station.facts.phases = 1
    assert box.get(0xC8) == 1380 << 32 | 22080
    box = Box({"min_ma": 8000}, phases=1, max_ma=16000)
    assert box.get(0xC8) == 1840 << 32 | 3680 and box.get(0xCA) == 80 << 16 | 160 and box.get(0xC5) == 3680
    assert [box.get(epc, V2X) for epc in (0xC6, 0xC9, 0xCB)] == [0, 0, 0]


def test_a_large_station_stays_within_the_properties():
    box = Box(None, max_ma=80000, nominal_mv=300000)
    assert box.get(0xC5) == 72000 and box.get(0x99) == 65533 and box.get(0xED) == 800 and box.get(0xEB) == 72000
    assert box.set(0xEB, 72000, 4) and box.set(0xED, 800, 2)


def test_one_write_of_many_is_done_property_by_property():
    box = Box()
    esv, _ = box.ask(0x61, CHARGER, 0xED, b"\xff\xff")
    assert esv == 0x51
    frame = b"\x10\x81\0\x01\x05\xff\x01\x02\xa1\x01\x61\x03\xed\x02\0\x64\xda\x01\x43\x87\x01\x32"
    got = []
    box.node.handle(frame, len(frame), box._out, lambda size, to_group: got.append(bytes(box._out[:size])))
    assert got == [b"\x10\x81\0\x01\x02\xa1\x01\x05\xff\x01\x51\x03\xed\x00\xda\x01\x43\x87\x00"]
    assert box.get(0xED) == 100 and box.get(0x87) == 50 and box.get(0xDA) == 0x42
