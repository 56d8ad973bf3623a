"""The station's ECHONET Lite node: objects 02A1 and 027E put together from the maps of the six functions."""

from bounded.compat import const
from bounded.wait import sleep_ms
from echonet.node import Node
from echonet.object import EchonetObject, constant
from echonet.udp import Server
from wallbox.echonet_map import epc
from wallbox.echonet_map.device_state import DeviceStateMap
from wallbox.echonet_map.ev_connected import EvConnectedMap
from wallbox.echonet_map.load_control import LoadControlMap
from wallbox.echonet_map.measurement import MeasurementMap
from wallbox.echonet_map.operation_mode import OperationModeMap
from wallbox.echonet_map.power_limit import PowerLimitMap, discharge_rows, ratings_rows

_CHARGER = const(0x02A101)
_CHARGER_DISCHARGER = const(0x027E01)
_LEASE_STEP_MS = const(1000)


def _text_12(text):
    return (text.encode() + b"            ")[:12]


class EchonetNode:
    """Node, objects and UDP server; `app` gives the functions, the station and the settings."""

    def __init__(self, app):
        settings = app.settings
        self._station = app.station
        self._leased = app.power_limit.sources + app.load_control.sources
        state = DeviceStateMap(app)
        load = LoadControlMap(app)
        measurement = MeasurementMap(app)
        mode = OperationModeMap(app)
        battery = app.measurement.has_source
        minimal = settings.echonet_minimal
        maker = settings.echonet_maker
        unique = settings.echonet_unique
        constants = (
            constant(0x82, b"\x00\x00" + settings.echonet_release)
            + constant(0x83, b"\xfe" + maker + unique)
            + constant(0x8A, maker)
            + constant(0x8C, _text_12(settings.model))
            + constant(0x8D, _text_12(settings.serial))
            + constant(0xE6, b"\x00")
            + ratings_rows(app.station, settings.echonet_charger_type)
        )
        common = [
            (constants, None),
            (epc.DEVICE_STATE, state),
            (epc.EV_CONNECTED, EvConnectedMap(app)),
            (epc.LOAD_CONTROL, load),
            (epc.MEASUREMENT, measurement),
            (epc.POWER_LIMIT, PowerLimitMap(app)),
        ]
        if battery:
            common.append((epc.MEASUREMENT_BATTERY, measurement))
        objects = []
        if settings.echonet_charger:
            parts = common + [(epc.MEASUREMENT_CHARGER, measurement), (epc.OPERATION_MODE_CHARGER, mode)]
            objects.append(EchonetObject(_CHARGER, parts, epc.MINIMAL if minimal else None))
        if settings.echonet_v2x:
            parts = common + [
                (discharge_rows(app.station), None),
                (epc.LOAD_CONTROL_V2X, load),
                (epc.MEASUREMENT_V2X, measurement),
                (epc.OPERATION_MODE_V2X, mode),
            ]
            if battery:
                parts.append((epc.MEASUREMENT_BATTERY_V2X, measurement))
            objects.append(EchonetObject(_CHARGER_DISCHARGER, parts, epc.MINIMAL_V2X if minimal else None))
        self.node = Node(maker, unique, objects)
        self.server = Server(self.node, settings.bind or "0.0.0.0", settings.multicast_if or "0.0.0.0")

    def tasks(self):
        """Name and coroutine function of each task."""
        yield "echonet", self.server.run
        if self._station.lease_ms is not None:
            yield "echonet lease", self._renew_leases

    async def _renew_leases(self):
        """Any request is a sign of life; a lease that has run out stays so until its limit is written again."""
        seen = self.node.counts[0]
        while True:
            await sleep_ms(_LEASE_STEP_MS)
            if seen != self.node.counts[0]:
                seen = self.node.counts[0]
                now_ms = self._station.now_ms
                for source in self._leased:
                    if source.lease_ms is not None and source.age_ms(now_ms) < source.lease_ms:
                        source.set_ms = now_ms
