"""What memory gets back once everything runs: modules and constructors that only the start needed.

Loaded by app when the station is complete, and dropped, too.
"""

from bounded.compat import unload

_MODULES = (
    "wallbox.echonet_map.node",
    "wallbox.echonet_map.epc",
    "wallbox.config",
    "wallbox.remembered",
    "wallbox.identity",
    "wallbox.spine_map.electrical_connection",
    "wallbox.spine_map.manufacturer_information",
    "bounded.records",
)


def free(app):
    """Drop what no running station comes back to. A class here is one of which no further object is ever made."""
    from echonet.node import Node as EchonetNode
    from echonet.object import EchonetObject
    from echonet.udp import Server
    from wallbox.evse.contactor import Contactor
    from wallbox.evse.faults import Faults
    from wallbox.evse.guard import Guard
    from wallbox.evse.pilot import Pilot
    from wallbox.limits.offer import Offer
    from wallbox.limits.sources import Source

    classes = [EchonetNode, EchonetObject, Server, Contactor, Faults, Guard, Pilot, Offer, Source]
    for each in (app, app.station, app.console, app.device_state, app.operation_mode, app.ev_connected,
                 app.power_limit, app.load_control, app.measurement, app.spine, app.ship):
        if each:
            classes.append(type(each))
    if app.ship:
        from ship.dnssd import Responder
        from ship.dnssd_peers import Peers
        from ship.node import Node
        from ship.trust import Trust
        from spine.device import Device
        from wallbox.clock import Clock
        from wallbox.limits.failsafe import ConsumptionLimit
        from wallbox.spine_map.ac_measurement import AcMeasurementFeature
        from wallbox.spine_map.device_configuration import DeviceConfigurationFeature
        from wallbox.spine_map.device_diagnosis import DeviceDiagnosisFeature
        from wallbox.spine_map.power_limit import PowerLimitFeature

        classes += [Responder, Peers, Node, Trust, Device, Clock, ConsumptionLimit, AcMeasurementFeature,
                    DeviceConfigurationFeature, DeviceDiagnosisFeature, PowerLimitFeature]
    for each in classes:
        each.__init__ = None  # `del` would keep what the slot holds
    for name in _MODULES:
        unload(name)
