"""What our energy manager shows of itself on SPINE: its device tree, use cases, state and heartbeat; and how it answers
the box's reads, calls and subscriptions (SPINE 3.5, UCF_Heartbeat and UCF_Device_State at the EMS)."""

import time

NODE = ((0,), 0)  # entity and feature of node management
DIAGNOSIS = ((1,), 1)
HEARTBEAT = "deviceDiagnosisHeartbeatData"
STATE = "deviceDiagnosisStateData"
DISCOVERY = "nodeManagementDetailedDiscoveryData"
USE_CASES = "nodeManagementUseCaseData"

_ENTITY = (1,)
_CLIENTS = ("DeviceDiagnosis", "DeviceClassification", "DeviceConfiguration", "ElectricalConnection", "Measurement",
            "LoadControl", "Identification", "TimeSeries", "IncentiveTable", "Bill", "Setpoint", "Generic")
_NODE_FUNCTIONS = (DISCOVERY, USE_CASES, "nodeManagementSubscriptionData", "nodeManagementBindingData",
                   "nodeManagementDestinationListData")
_CALLS = ("nodeManagementSubscriptionRequestCall", "nodeManagementSubscriptionDeleteCall",
          "nodeManagementBindingRequestCall", "nodeManagementBindingDeleteCall")

# actor: (use case, version, scenarios, sub-revision)
_SUPPORT = {
    "EnergyGuard": (
        ("limitationOfPowerConsumption", "1.0.0", (1, 2, 3, 4), "release"),
        ("overloadProtectionByEvChargingCurrentCurtailment", "1.0.1", (1, 2, 3), "release"),
        ("coordinatedEvCharging", "1.0.1", (1, 2, 4, 5, 7), "release")),
    "EnergyBroker": (
        ("coordinatedEvCharging", "1.0.1", (1, 3, 4, 6, 8), "release"),
        ("evChargingSummary", "1.0.1", (1,), "release")),
    "MonitoringAppliance": (
        ("monitoringOfPowerConsumption", "1.0.0", (1, 2, 3, 4, 5), "release"),
        ("evStateOfCharge", "1.0.0", (1, 2, 3, 4), "RC1")),
    "CEM": (
        ("evseCommissioningAndConfiguration", "1.0.1", (1, 2), "release"),
        ("evCommissioningAndConfiguration", "1.0.1", (1, 2, 3, 4, 5, 6, 7, 8), "release"),
        ("measurementOfElectricityDuringEvCharging", "1.0.1", (1, 2, 3), "release"),
        ("optimizationOfSelfConsumptionDuringEvCharging", "1.0.1", (1, 2, 3), "release"),
        ("dynamicBidirectionalEvCharging", "1.0.0", (1, 2, 3, 4, 5), "release")),  # name and version are guesses
}
OK, UNKNOWN, UNSUPPORTED, REJECTED = 0, 4, 6, 7


def client_feature(kind):
    """Entity and feature of our client for server features of this type."""
    kind = kind if kind in _CLIENTS else "Generic"
    return _ENTITY, 2 + _CLIENTS.index(kind)


def address(device, place):
    """A feature's address as SPINE writes it."""
    return {"device": device, "entity": list(place[0]), "feature": place[1]}


class Own:
    """Our side. `promise_s`: what heartbeats promise; `state`: the operating state told; `subscribers` of the peer."""

    def __init__(self, name, promise_s):
        self.device = name
        self.promise_s = promise_s
        self.beating = True
        self.counter = 0
        self.state = "normalOperation"
        self.subscribers = []  # (own place, peer's place)

    def answer(self, header, function, value):
        """What to say to a read or a call: (data or None, error number)."""
        to = header.get("addressDestination") or {}
        place = tuple(to.get("entity") or ()), to.get("feature")
        kind = header.get("cmdClassifier")
        if to.get("device") not in (None, self.device) or place not in self._places():
            return None, UNKNOWN
        if kind == "read":
            data = self._data(place, function)
            return (None, UNSUPPORTED) if data is None else (data, OK)
        if kind == "call" and place == NODE:
            return None, self._call(function, value)
        return None, UNSUPPORTED

    def heartbeat(self):
        """The data of the next heartbeat."""
        self.counter += 1
        return self._beat()

    def subscribed(self, place):
        """Places of the peer that hear of the own feature at `place`."""
        return [theirs for own, theirs in self.subscribers if own == place]

    def state_data(self):
        return {"operatingState": self.state}

    def _beat(self):
        return {"timestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "heartbeatCounter": self.counter,
                "heartbeatTimeout": "PT%dS" % self.promise_s}

    def _places(self):
        return [NODE, ((0,), 1), DIAGNOSIS] + [client_feature(kind) for kind in _CLIENTS]

    def _data(self, place, function):
        if place == NODE:
            if function == DISCOVERY:
                return self._discovery()
            if function == USE_CASES:
                return self._use_cases()
            if function == "nodeManagementDestinationListData":
                return {"nodeManagementDestinationData": [{"deviceDescription": self._description()}]}
            if function in _NODE_FUNCTIONS:
                return {}
        elif place == DIAGNOSIS:
            if function == STATE:
                return self.state_data()
            if function == HEARTBEAT and self.beating:
                return self._beat()
        elif place == ((0,), 1) and function == "deviceClassificationManufacturerData":
            return {"deviceName": "ems.py", "brandName": "Wallbox", "vendorName": "Wallbox"}
        return None

    def _call(self, function, value):
        if function not in _CALLS[:2]:
            return REJECTED  # nobody binds what cannot be written
        value = (value or {}).get("subscriptionRequest") or (value or {}).get("subscriptionDelete") or {}
        ours, theirs = ((tuple(each.get("entity") or ()), each.get("feature")) for each in (
            value.get("serverAddress") or {}, value.get("clientAddress") or {}))
        if function == _CALLS[1]:
            self.subscribers = [each for each in self.subscribers if each != (ours, theirs)]
            return OK
        if ours not in (NODE, ((0,), 1), DIAGNOSIS):
            return REJECTED
        if (ours, theirs) not in self.subscribers:
            self.subscribers.append((ours, theirs))
        return OK

    def _description(self):
        return {"deviceAddress": {"device": self.device}, "deviceType": "EnergyManagementSystem",
                "networkFeatureSet": "smart"}

    def _discovery(self):
        entities = [{"description": {"entityAddress": {"device": self.device, "entity": list(entity)},
                                     "entityType": kind}} for entity, kind in (((0,), "DeviceInformation"),
                                                                               (_ENTITY, "CEM"))]
        features = [
            self._feature(NODE, "NodeManagement", "special", _NODE_FUNCTIONS, _CALLS),
            self._feature(((0,), 1), "DeviceClassification", "server", ("deviceClassificationManufacturerData",)),
            self._feature(DIAGNOSIS, "DeviceDiagnosis", "server", (STATE, HEARTBEAT))]
        features += [self._feature(client_feature(kind), kind, "client") for kind in _CLIENTS]
        return {"specificationVersionList": {"specificationVersion": ["1.3.0"]},
                "deviceInformation": {"description": self._description()},
                "entityInformation": entities, "featureInformation": features}

    def _feature(self, place, kind, role, reads=(), calls=()):
        description = {"featureAddress": address(self.device, place), "featureType": kind, "role": role}
        if reads:
            description["supportedFunction"] = (
                [{"function": name, "possibleOperations": {"read": {}}} for name in reads]
                + [{"function": name, "possibleOperations": {}} for name in calls])
        return {"description": description}

    def _use_cases(self):
        found = []
        for actor, cases in _SUPPORT.items():
            support = [{"useCaseName": name, "useCaseVersion": version, "useCaseAvailable": True,
                        "scenarioSupport": list(scenarios), "useCaseDocumentSubRevision": revision}
                       for name, version, scenarios, revision in cases]
            found.append({"address": {"device": self.device, "entity": list(_ENTITY)}, "actor": actor,
                          "useCaseSupport": support})
        return {"useCaseInformation": found}
