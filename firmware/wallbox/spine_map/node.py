"""The station as a SPINE device: entity [0] node management, entity [1] EVSE with the features of its functions, and
in the profile `full` entity [1,1] EV while a car is there (ev_connected.py).

The energy guard is the entity that has bound LoadControl; its heartbeat alone counts, whatever scenarios it announces.
One at a time: a further binding is refused with an answer, and the place is free once the first unbinds or its
connection ends. A limit outlives the connection for as long as 911 allows; whoever binds next takes it over, and its
heartbeats then keep the limit alive. In init, failsafe and autonomous a new guard begins with a heartbeat of its own.
"""

import asyncio

from bounded.compat import const
from bounded.on_demand import release
from bounded.wait import sleep_ms
from spine.client import Client
from spine.common_data_types import (
    BILL, CHARGING_STATION, CLIENT, DEVICE_CLASSIFICATION, DEVICE_CONFIGURATION, DEVICE_DIAGNOSIS,
    ELECTRICAL_CONNECTION, EVSE, LOAD_CONTROL, MEASUREMENT, SERVER,
)
from spine.device import Device
from spine.peer import Peer
from wallbox.spine_map import (
    ac_measurement, device_configuration, device_diagnosis, manufacturer_information, power_limit,
)
from wallbox.spine_map.electrical_connection import NUMBER as _CONNECTION

_EVSE = const(1025)  # entity(1)
_IDLE_MS = const(10)
_AGAIN_MS = const(100)  # until a message is tried again for which memory was missing,
_TRIES = const(10)  # so often


class SpineNode:
    """Owner of the SPINE device and of one `Link` for each connection."""

    def __init__(self, app, settings, version, clock):
        self._station = station = app.station
        self._consumption = app.power_limit.consumption
        self._power_limit = app.power_limit
        self._guards = None  # (peer, its entity) that bound the limit: the energy guard
        self._links = {}  # by session
        self._beats = {}  # peer: (its entity, arrival) of the last heartbeat
        self._counted = None  # (device, entity, counter) of the guard's last one, also of before this connection
        self._states = {}  # peer: the operating state it told last
        self._clock = clock
        self._version = version
        self._names = manufacturer_information.names(settings)
        address = "d:_n:%s_%s" % (settings.vendor.replace(" ", ""), settings.serial)
        classification = manufacturer_information.NUMBER << 8 | DEVICE_CLASSIFICATION | SERVER, self
        self.device = device = Device(address, CHARGING_STATION, classification, self._heard)
        limit = power_limit.PowerLimitFeature(device, station, app.power_limit, clock)
        configuration = device_configuration.DeviceConfigurationFeature(device, station, app.power_limit)
        diagnosis = device_diagnosis.DeviceDiagnosisFeature(device, station, app.device_state, clock)
        measurement = ac_measurement.AcMeasurementFeature(device, station, clock)
        self._load = limit
        self._diagnosis = diagnosis
        self._meter = measurement
        self._steps = (limit, configuration, diagnosis, measurement)
        self._ev = None
        more = ()
        if app.phase_limits:
            from wallbox.spine_map import session_summary
            from wallbox.spine_map.ev_connected import EvEntity

            self._ev = EvEntity(device, app, measurement, clock)
            summary = session_summary.SessionSummaryFeature(device, app.session_summary)
            self._steps += (self._ev, summary)
            more = (session_summary.NUMBER << 8 | BILL | SERVER, summary)
        device.add(
            (_EVSE, EVSE, self)
            + classification
            + (
                device_diagnosis.NUMBER << 8 | DEVICE_DIAGNOSIS | SERVER, diagnosis,
                power_limit.NUMBER << 8 | LOAD_CONTROL | SERVER, limit,
                device_configuration.NUMBER << 8 | DEVICE_CONFIGURATION | SERVER, configuration,
                _CONNECTION << 8 | ELECTRICAL_CONNECTION | SERVER, self,
                ac_measurement.NUMBER << 8 | MEASUREMENT | SERVER, measurement,
                device_diagnosis.WATCH << 8 | DEVICE_DIAGNOSIS | CLIENT, diagnosis,
            )
            + more
        )

    def functions(self, feature):
        """Of what never changes, as lib/spine/device.py wants them."""
        station = self._station
        if feature >> 8 == _CONNECTION:
            from wallbox.spine_map.electrical_connection import ElectricalConnectionFeature

            return ElectricalConnectionFeature(station, self._meter).functions(feature)
        return manufacturer_information.station_functions(self._names, station.ratings.name, self._version)

    def use_cases(self):
        """Of the EVSE, as lib/spine/device.py wants them."""
        cases = (("evseCommissioningAndConfiguration", "1.0.1", True, (1, 2), "release"),)
        if self._ev:
            cases += (("evChargingSummary", "1.0.1", True, (1,), "release"),)
        return (
            ("EVSE", cases),
            ("ControllableSystem", (("limitationOfPowerConsumption", "1.0.0", True, (1, 2, 3, 4), "release"),)),
            ("MonitoredUnit", (("monitoringOfPowerConsumption", "1.0.0", True, (1, 2, 3, 4, 5), "release"),)),
        )

    def connected(self, session):
        """A connection carries data: the receiver of what its peer sends."""
        self._links[session] = link = Link(self.device, session, self._station)
        return link

    def disconnected(self, session):
        """It ended; what its peer had asked for by relations goes with it."""
        link = self._links.pop(session, None)
        if link:
            link.close()

    def connections(self):
        """How many connections carry data now."""
        return len(self._links)

    def expect_ems(self, on):
        """Whether an EMS may be there: one is trusted, or any would be accepted."""
        if on != self._power_limit.commissioned:
            self._power_limit.commission(on)

    def step(self):
        """Let each feature look for what changed."""
        for each in self._steps:
            each.step()

    def _heard(self, peer, what, address, value):
        now_ms = self._station.now_ms
        if what == "shown" and (value[1] is None or self._counted != (peer.address, address, value[1])):
            what = "alive"  # it has gone on: not the one of an EMS that beats no more and only connects again
        if what == "alive":
            if value[0] and self._clock.now_s() is None and self._clock.borrow(value[0]):
                self._diagnosis.beat()  # the one before had no time stamp
            self._beats[peer] = (address, now_ms)
            if self._guards == (peer, address):
                self._counted = peer.address, address, value[1]
                self._consumption.heartbeat(now_ms)
        elif what == "bound" and value is self._load:
            self._guards = (peer, address)
            self._consumption.forget_heartbeat()
            beat = self._beats.get(peer)
            if beat and beat[0] == address:
                self._consumption.heartbeat(beat[1])
        elif what == "unbound" and value is self._load:
            self._guards = None
        elif what == "state":
            self._states[peer] = value
        if self._ev:
            self._ev.heard(peer, what, value, self._states.get(peer))
        if what == "closed":
            self._beats.pop(peer, None)
            self._states.pop(peer, None)


class Link:
    """One connection: bytes of datagrams in, and a task that sends what its peer is owed."""

    def __init__(self, device, session, station):
        self._station = station
        self._peer = Peer(device, Client(_EVSE, device_diagnosis.WATCH))
        self._task = asyncio.create_task(self._send(session))

    def begin(self):
        """A datagram begins: what takes its bytes."""
        return self._peer.begin()

    def end(self):
        """A datagram is complete; a coroutine to wait for when no more can be taken for now."""
        self._peer.end(self._station.now_ms)
        return None if self._peer.ready() else self._room()

    async def _room(self):
        while not self._peer.ready():
            await sleep_ms(_IDLE_MS)

    async def _send(self, session):
        failed = 0  # in a row
        try:
            while True:
                try:
                    producer = self._peer.next_message(self._station.now_ms)
                    failed = 0
                except MemoryError:  # nothing is lost so far: once more with what was loaded out of the way
                    failed += 1
                    if failed > _TRIES:
                        raise
                    release()
                    await sleep_ms(_AGAIN_MS)
                    continue
                if producer:
                    await session.send(producer)
                else:
                    await sleep_ms(_IDLE_MS)
        except OSError:
            pass  # the connection ended; `close` follows
        except Exception as error:  # noqa: BLE001 - a peer that gets nothing more had better begin anew
            print("spine: %r" % error)
            session.leave()

    def close(self):
        """The connection is gone."""
        self._task.cancel()
        self._peer.close()
        self._task = self._peer = None
