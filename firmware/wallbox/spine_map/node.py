"""The station as a SPINE device: entity [0] node management, entity [1] EVSE with the features of its functions, and
in the profile `full` entity [1,1] EV while a car is there (ev_connected.py).

The energy guard is the entity that has bound LoadControl; its heartbeat alone counts, whatever scenarios it announces.
One at a time: a further binding is refused with an answer, and the place is free once the first unbinds or its
connection ends. A limit outlives the connection for as long as 911 allows; whoever binds next takes it over, and its
heartbeats then keep the limit alive. In init, failsafe and autonomous a new guard begins with a heartbeat of its own.
"""

import asyncio

from bounded.compat import const
from bounded.wait import sleep_ms
from spine.client import Client
from spine.device import Device, entity
from spine.peer import Peer
from wallbox.spine_map import manufacturer_information
from wallbox.spine_map.ac_measurement import AcMeasurementFeature
from wallbox.spine_map.device_configuration import DeviceConfigurationFeature
from wallbox.spine_map.device_diagnosis import CLIENT, DeviceDiagnosisFeature
from wallbox.spine_map.electrical_connection import ElectricalConnectionFeature
from wallbox.spine_map.power_limit import PowerLimitFeature

_EVSE = const(1025)  # entity(1)
_IDLE_MS = const(10)


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
        address = "d:_n:%s_%s" % (settings.vendor.replace(" ", ""), settings.serial)
        classification = manufacturer_information.feature(settings, station.ratings.name, version)
        self.device = device = Device(address, "ChargingStation", (classification,), self._heard)
        limit = PowerLimitFeature(device, station, app.power_limit, clock)
        configuration = DeviceConfigurationFeature(device, station, app.power_limit)
        diagnosis = DeviceDiagnosisFeature(device, station, app.device_state, clock)
        measurement = AcMeasurementFeature(device, station, clock)
        self._load = limit.feature
        self._diagnosis = diagnosis
        self._steps = (limit, configuration, diagnosis, measurement)
        self._ev = None
        more = ()
        if app.phase_limits:
            from wallbox.spine_map.ev_connected import EvEntity
            from wallbox.spine_map.session_summary import SessionSummaryFeature

            self._ev = EvEntity(device, app, measurement, clock)
            summary = SessionSummaryFeature(device, app.session_summary)
            self._steps += (self._ev, summary)
            more = (summary.feature,)
        device.add(
            (
                entity(1),
                "EVSE",
                (
                    classification,
                    diagnosis.feature,
                    limit.feature,
                    configuration.feature,
                    ElectricalConnectionFeature(station).feature,
                    measurement.feature,
                    diagnosis.client,
                )
                + more,
            )
        )
        device.use_cases = [(_EVSE, actor, self) for actor in ("EVSE", "ControllableSystem", "MonitoredUnit")]

    def use_cases(self, address, actor):
        """Of the EVSE, as lib/spine/device.py wants them."""
        if actor == "ControllableSystem":
            return (("limitationOfPowerConsumption", "1.0.0", True, (1, 2, 3, 4), "release"),)
        if actor == "MonitoredUnit":
            return (("monitoringOfPowerConsumption", "1.0.0", True, (1, 2, 3, 4, 5), "release"),)
        cases = (("evseCommissioningAndConfiguration", "1.0.1", True, (1, 2), "release"),)
        return cases + (("evChargingSummary", "1.0.1", True, (1,), "release"),) if self._ev else cases

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
        self._peer = Peer(device, Client(_EVSE, CLIENT))
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
        try:
            while True:
                producer = self._peer.next_message(self._station.now_ms)
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
