"""Builds the station's ECHONET Lite node: objects 02A1 and 027E put together from the maps of the six functions."""

from bounded.compat import const
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


def _text_12(text):
    return (text.encode() + b"            ")[:12]


def build(app, settings):
    """The UDP server of the node; `app` gives the functions and the station. Not needed again once it has run."""
    state = DeviceStateMap(app)
    load = LoadControlMap(app)
    measurement = MeasurementMap(app)
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
        parts = common + [(epc.MEASUREMENT_CHARGER, measurement),
                          (epc.OPERATION_MODE_CHARGER, OperationModeMap(app, False))]
        objects.append(EchonetObject(_CHARGER, parts, epc.MINIMAL if minimal else None))
    if settings.echonet_v2x:
        parts = common + [
            (discharge_rows(app.station, settings.echonet_charger_type), None),
            (epc.LOAD_CONTROL_V2X, load),
            (epc.MEASUREMENT_V2X, measurement),
            (epc.OPERATION_MODE_V2X, OperationModeMap(app, True)),
        ]
        if app.station.ratings.discharge:
            parts = [part for part in parts if part[0] is not epc.EV_CONNECTED]
            parts.append((epc.EV_CONNECTED_DISCHARGE, EvConnectedMap(app, app.station)))
            parts.append((epc.MEASUREMENT_DISCHARGE, measurement))
        if battery:
            parts.append((epc.MEASUREMENT_BATTERY_V2X, measurement))
        objects.append(EchonetObject(_CHARGER_DISCHARGER, parts, epc.MINIMAL_V2X if minimal else None))
    node = Node(maker, unique, objects)
    return Server(node, settings.bind or "0.0.0.0", settings.multicast_if or "0.0.0.0")
