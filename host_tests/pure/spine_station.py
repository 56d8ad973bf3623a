"""The station's real SPINE device, functions, LPC and arbiter in simulated time; an EMS talks to it in text."""

from boards.sim.flash import Flash
from host_tests.pure.spine_box import Box
from spine.client import Client
from spine.device import entity
from spine.peer import Peer
from wallbox import clock, config
from wallbox.board import Ratings
from wallbox.functions.charge_plan import ChargePlan
from wallbox.functions.device_state import DeviceState
from wallbox.functions.identification import Identification
from wallbox.functions.load_control import LoadControl
from wallbox.functions.measurement import Measurement
from wallbox.functions.operation_mode import OperationMode
from wallbox.functions.phase_limits import PhaseLimits
from wallbox.functions.power_limit import PowerLimit
from wallbox.functions.session_summary import SessionSummary
from wallbox.functions.setpoint import Setpoint
from wallbox.limits.failsafe import ConsumptionLimit
from wallbox.spine_map.device_diagnosis import WATCH as WATCHING
from wallbox.spine_map.node import SpineNode
from wallbox.station import Station

CLASSIFICATION, DIAGNOSIS, LOAD, CONFIGURATION, ELECTRICAL, MEASUREMENT = [((1,), n) for n in range(1, 7)]
NODE = ((0,), 0)
WATCH = ((1,), 7)  # where the station wants heartbeats

NOW_S = 1795414317  # 2026-11-23T06:11:57Z
BEAT = '[[{"deviceDiagnosisHeartbeatData":[%s{"heartbeatCounter":%d},{"heartbeatTimeout":"PT60S"}]}]]'

PARTIAL = '[{"cmdControl":[{"partial":[]}]}]'
DELETE_PERIOD = (
    '[{"cmdControl":[{"delete":[]}]},{"loadControlLimitListDataSelectors":[{"limitId":0}]},'
    '{"loadControlLimitDataElements":[{"timePeriod":[]}]}]'
)


def read(function):
    return '[[{"%s":[]}]]' % function


def watts(number, scale=0):
    return '{"value":[{"number":%d}%s]}' % (number, "" if scale is None else ',{"scale":%d}' % scale)


def active(on):
    return '{"isLimitActive":%s}' % ("true" if on else "false")


def until(end):
    return '{"timePeriod":[{"endTime":"%s"}]}' % end


def limit(*elements, filters=PARTIAL, key='{"limitId":0}'):
    """A write of the limit; filters None: a full one."""
    members = ",".join(([key] if key else []) + list(elements))
    head = '{"function":"loadControlLimitListData"},{"filter":[%s]},' % filters if filters else ""
    return '[[%s{"loadControlLimitListData":[{"loadControlLimitData":[[%s]]}]}]]' % (head, members)


def failsafe(limit_w=None, duration=None, scale=0, filters=PARTIAL):
    """A write of the failsafe values that are given."""
    rows = []
    if limit_w is not None:
        rows.append('[{"keyId":0},{"value":[{"scaledNumber":[{"number":%d},{"scale":%d}]}]}]' % (limit_w, scale))
    if duration is not None:
        rows.append('[{"keyId":1},{"value":[{"duration":"%s"}]}]' % duration)
    head = '{"function":"deviceConfigurationKeyValueListData"},{"filter":[%s]},' % filters if filters else ""
    return '[[%s{"deviceConfigurationKeyValueListData":[{"deviceConfigurationKeyValueData":[%s]}]}]]' % (
        head, ",".join(rows))


class Clock(clock.Clock):
    """That of the firmware, but of simulated time; None while nobody set it."""

    def __init__(self):
        self.start_s = NOW_S
        self.asked = []

    def now_s(self):
        return self.start_s

    def timestamp(self):
        return None if self.start_s is None else "2026-11-23T06:11:57Z"

    def borrow(self, text):
        self.asked.append(text)
        if text[:4] == "1970":
            return False
        self.start_s = NOW_S
        return True


class Board:
    """Nothing but ratings."""

    def __init__(self, ratings):
        self.ratings = ratings


class StationBox(Box):
    """Box, with the firmware's device behind it; `now` in ms goes on by `pass_ms`."""

    def __init__(self, settings=None, **ratings):
        self.settings = config.load(Flash(4096))
        for name in settings or {}:
            getattr(self.settings, name)
            setattr(self.settings, name, settings[name])
        own = Ratings()
        for name in ratings:
            setattr(own, name, ratings[name])
        self.clock = Clock()
        self.station = Station(self.board(own), self.settings)
        self.device_state = DeviceState(self.station)
        self.power_limit = PowerLimit(self.station)
        given = self.settings
        self.measurement = Measurement(self.station)
        self.session_summary = SessionSummary(self.station)
        self.load_control = LoadControl(self.station)
        self.operation_mode = OperationMode(self.station)
        self.identification = self.phase_limits = self.charge_plan = self.setpoint = None
        if given.profile == "full":
            self.identification = Identification()
            self.phase_limits = PhaseLimits(self.station, given.opev_fallback_ma)
            self.charge_plan = ChargePlan(self.station)
            self.setpoint = Setpoint(self.station, self.load_control, self.operation_mode, self.device_state)
            self.setpoint.expect(self.charge_plan, self.identification)
        self.lpc = ConsumptionLimit(0, given.failsafe_w, given.failsafe_s * 1000, given.failsafe_hold)
        self.power_limit.expect(self.lpc)
        self.node = SpineNode(self, given, "1.2.3", self.clock)
        self.device = self.node.device
        self.device.address = "d:_n:BOX"
        self.now = self.counter = self.beats = 0
        self.meter(power_w=0, energy_wh=1000, current_ma=(0, 0, 0))
        self.node.expect_ems(True)
        self.peer = self.connect()
        self.pass_ms(0)

    def board(self, ratings):
        return Board(ratings)

    def connect(self, client=False):
        return Peer(self.device, Client(entity(1), WATCHING) if client else None)

    def meter(self, power_w, energy_wh, current_ma, voltage_mv=(230000, 230000, 230000), frequency_mhz=50000):
        """What the meter says now and until it is told otherwise."""
        readings = self.station.readings
        readings.power_w = power_w
        readings.energy_wh = energy_wh
        readings.current_ma = list(current_ma)
        readings.voltage_mv = list(voltage_mv)
        readings.frequency_mhz = frequency_mhz
        readings.meter_age_ms = 0

    def pass_ms(self, ms, step_ms=100):
        """Let time pass, as the tasks of the app do."""
        end = self.now + ms
        while True:
            self.station.now_ms = self.now
            self.power_limit.step()
            if self.charge_plan:
                self.charge_plan.step()
                self.setpoint.step()
            self.station.arbitrate()
            self.node.step()
            if self.now >= end:
                return
            self.now = min(self.now + step_ms, end)

    def keep_alive(self, ms, every_ms=30000, **more):
        """Time passes with heartbeats."""
        end = self.now + ms
        while self.now < end:
            self.beat(**more)
            self.pass_ms(min(every_ms, end - self.now), 1000)

    def beat(self, source=((1,), 4), stamp="2026-11-23T06:11:57Z", peer=None):
        """A heartbeat of the EMS."""
        self.beats += 1
        stamp = '{"timestamp":"%s"},' % stamp if stamp else ""
        self.tell("notify", BEAT % (stamp, self.beats), to=WATCH, source=source, peer=peer)

    def write(self, cmd, to=LOAD, **more):
        """The error number of a write."""
        return self.ask("write", cmd, to=to, ack=True, **more)

    def bound(self):
        """An EMS binds what it writes, and is heard."""
        assert self.relate(to=LOAD) == 0
        assert self.relate(to=CONFIGURATION) == 0
        self.beat()
        return self

    def controlled(self):
        """As `bound`, then a limit that is not active."""
        self.bound()
        assert self.write(limit(watts(9000), active(False))) == 0
        return self

    def limited(self, limit_w=6000, *elements):
        """As `bound`, then limited."""
        self.bound()
        assert self.write(limit(watts(limit_w), active(True), *elements)) == 0
        return self

    def value(self):
        """The limit as it is read: {"isLimitActive": ..., "value": {...}, ...}."""
        return self.ask("read", read("loadControlLimitListData"), to=LOAD)["loadControlLimitData"][0]

    def configured(self):
        """The failsafe values as they are read: W and ISO 8601."""
        rows = self.ask("read", read("deviceConfigurationKeyValueListData"), to=CONFIGURATION)
        rows = rows["deviceConfigurationKeyValueData"]
        number = rows[0]["value"]["scaledNumber"]
        assert [row["keyId"] for row in rows] == [0, 1] and rows[0]["isValueChangeable"] and number["scale"] == 0
        return number["number"], rows[1]["value"]["duration"]

    def offered_ma(self):
        """What the arbiter leaves per phase."""
        self.station.arbitrate()
        return self.station.decision.offer_ma

    def binding(self):
        self.station.arbitrate()
        return self.station.decision.binding

    def subscribe(self, to, **more):
        assert self.relate("Subscription", to=to, **more) == 0

    def told(self, peer=None):
        """All that the box has to send now: [(classifier, function, data)]."""
        found = []
        while True:
            heard = self.hear(peer)
            if heard is None:
                return found
            found.append((heard[0], heard[2], heard[3]))


