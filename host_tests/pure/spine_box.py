"""A small SPINE device for the tests, an EMS that talks to it in text, and golden frames (reference 3.1)."""

import json

from spine.client import HEARTBEAT, STATE, Client
from spine.common_data_types import (
    CHARGING_STATION, CLIENT, DEVICE_DIAGNOSIS, EVSE, LOAD_CONTROL, SERVER, TIME_SERIES,
)
from spine.device import FIRST, FULL_ONLY, Device, entity
from spine.peer import Peer
from spine.restricted import CLEARED

LIMITS = (
    b"loadControlLimitListData:(loadControlLimitData:"
    b"[limitId:k isLimitChangeable:b isLimitActive:b timePeriod:p value:n])"
)
LIMIT_DESCRIPTIONS = (
    b"loadControlLimitDescriptionListData:(loadControlLimitDescriptionData:[limitId:k limitType:s limitCategory:s "
    b"limitDirection:s measurementId:u unit:s scopeType:s])"
)
MANUFACTURER = (
    b"deviceClassificationManufacturerData:(deviceName:s deviceCode:s serialNumber:s softwareRevision:s "
    b"hardwareRevision:s vendorName:s vendorCode:s brandName:s powerSource:s manufacturerNodeIdentification:s "
    b"manufacturerLabel:s manufacturerDescription:s)"
)
INCENTIVES = (
    b"incentiveTableData:(incentiveTable:[tariff:(tariffId:k) incentiveSlot:[timeInterval:"
    b"(startTime:(dateTime:s relative:d) endTime:(dateTime:s relative:d)) tier:[tier:(tierId:k) "
    b"boundary:[boundaryId:k validityTimePeriod:p lowerBoundaryValue:n upperBoundaryValue:n] "
    b"incentive:[incentiveId:k valueType:s value:n]]]])"
)
CURVES = (
    b"timeSeriesListData:(timeSeriesData:[timeSeriesId:k timePeriod:p timeSeriesSlot:"
    b"[timeSeriesSlotId:k timePeriod:p duration:d value:n minValue:n maxValue:n]])"
)

DATAGRAM = (
    '{"data":[{"header":[{"protocolId":"ee1.0"}]},{"payload":{"datagram":[{"header":[{"specificationVersion":"1.3.0"},'
    '{"addressSource":[{"device":"d:_n:EMS"},{"entity":%s},{"feature":%d}]},'
    '{"addressDestination":[{"device":"d:_n:BOX"},{"entity":%s},{"feature":%d}]},'
    '{"msgCounter":%d},{"cmdClassifier":"%s"}%s]},{"payload":[{"cmd":%s}]}]}}]}'
)
ACK = ',{"ackRequest":true}'

LIMIT_WRITE = (
    '[[{"function":"loadControlLimitListData"},{"filter":[[{"cmdControl":[{"partial":[]}]}]]},'
    '{"loadControlLimitListData":[{"loadControlLimitData":[[{"limitId":0},{"isLimitActive":true},'
    '{"timePeriod":[{"endTime":"PT15M"}]},{"value":[{"number":4200},{"scale":0}]}]]}]}]]'
)
LIMIT_WITHOUT_DURATION = (
    '[[{"function":"loadControlLimitListData"},{"filter":[[{"cmdControl":[{"delete":[]}]},'
    '{"loadControlLimitListDataSelectors":[{"limitId":0}]},{"loadControlLimitDataElements":[{"timePeriod":[]}]}],'
    '[{"cmdControl":[{"partial":[]}]}]]},{"loadControlLimitListData":[{"loadControlLimitData":[[{"limitId":0},'
    '{"isLimitActive":true},{"value":[{"number":4200},{"scale":0}]}]]}]}]]'
)
CURVE_WRITE = (
    '[[{"timeSeriesListData":[{"timeSeriesData":[[{"timeSeriesId":1},{"timePeriod":[{"startTime":"PT0S"},'
    '{"endTime":"PT30M"}]},{"timeSeriesSlot":[[{"timeSeriesSlotId":0},{"timePeriod":[{"startTime":"P0D"}]},'
    '{"maxValue":[{"number":11000},{"scale":0}]}],[{"timeSeriesSlotId":1},{"timePeriod":[{"startTime":"PT15M"},'
    '{"endTime":"PT30M"}]},{"maxValue":[{"number":4200},{"scale":0}]}]]}]]}]}]]'
)
INCENTIVE_WRITE = (
    '[[{"incentiveTableData":[{"incentiveTable":[[{"tariff":[{"tariffId":0}]},{"incentiveSlot":[[{"timeInterval":'
    '[{"startTime":[{"relative":"P0D"}]},{"endTime":[{"relative":"PT15M"}]}]},{"tier":[[{"tier":[{"tierId":0}]},'
    '{"boundary":[[{"boundaryId":0},{"lowerBoundaryValue":[{"number":0},{"scale":0}]}]]},{"incentive":'
    '[[{"incentiveId":0},{"value":[{"number":31},{"scale":-2}]}]]}]]}]]}]]}]}]]'
)
HEARTBEAT_DATA = (
    '[[{"deviceDiagnosisHeartbeatData":[{"timestamp":"2026-01-05T10:00:00Z"},{"heartbeatCounter":7},'
    '{"heartbeatTimeout":"PT60S"}]}]]'
)
EV_REMOVED = (
    '[[{"function":"nodeManagementDetailedDiscoveryData"},{"filter":[[{"cmdControl":[{"partial":[]}]}]]},'
    '{"nodeManagementDetailedDiscoveryData":[{"specificationVersionList":[{"specificationVersion":["1.3.0"]}]},'
    '{"deviceInformation":[{"description":[{"deviceAddress":[{"device":"d:_n:BOX"}]}]}]},{"entityInformation":'
    '[[{"description":[{"entityAddress":[{"entity":[1,1]}]},{"entityType":"EV"},{"lastStateChange":"removed"}]}]]}]}]]'
)
EMS_DISCOVERY = (
    '[[{"nodeManagementDetailedDiscoveryData":[{"specificationVersionList":[{"specificationVersion":["1.3.0"]}]},'
    '{"deviceInformation":[{"description":[{"deviceAddress":[{"device":"d:_n:EMS"}]},'
    '{"deviceType":"EnergyManagementSystem"},{"networkFeatureSet":"smart"}]}]},{"entityInformation":['
    '[{"description":[{"entityAddress":[{"device":"d:_n:EMS"},{"entity":[0]}]},{"entityType":"DeviceInformation"}]}],'
    '[{"description":[{"entityAddress":[{"device":"d:_n:EMS"},{"entity":[1]}]},{"entityType":"CEM"}]}]]},'
    '{"featureInformation":['
    '[{"description":[{"featureAddress":[{"device":"d:_n:EMS"},{"entity":[0]},{"feature":0}]},'
    '{"featureType":"NodeManagement"},{"role":"special"},{"supportedFunction":[[{"function":'
    '"nodeManagementDetailedDiscoveryData"},{"possibleOperations":[{"read":[]}]}]]}]}],'
    '[{"description":[{"featureAddress":[{"device":"d:_n:EMS"},{"entity":[1]},{"feature":1}]},'
    '{"featureType":"LoadControl"},{"role":"client"}]}],'
    '[{"description":[{"featureAddress":[{"device":"d:_n:EMS"},{"entity":[1]},{"feature":4}]},'
    '{"featureType":"DeviceDiagnosis"},{"role":"server"},{"supportedFunction":[[{"function":'
    '"deviceDiagnosisHeartbeatData"},{"possibleOperations":[{"read":[]}]}]]}]}]]}]}]]'
)


def plain(value):
    """EEBUS form to plain objects, without a schema: an array of one-member objects becomes an object."""
    if isinstance(value, dict):
        return {key: plain(value[key]) for key in value}
    if not isinstance(value, list):
        return value
    if value and all(isinstance(each, dict) and len(each) == 1 for each in value):
        keys = [list(each)[0] for each in value]
        if len(set(keys)) == len(keys):
            return {list(each)[0]: plain(list(each.values())[0]) for each in value}
    return [plain(each) for each in value]


class Box:
    """The device d:_n:BOX with one EVSE: LoadControl 5, DeviceDiagnosis 6 (server), 7 (client), TimeSeries 8; `load`,
    `diagnosis` and `series` are the owners, here the functions themselves."""

    def __init__(self, client=False):
        self.heard = []
        self.limit = [0, True, False, None, None, 4000, 0]
        self.curve = [[1, None, None, None]]
        self.writes = []
        self.staged = []
        self.load = (
            (LIMIT_DESCRIPTIONS, ((0, "signDependentAbsValueLimit", "obligation", "consume", 0, "W",
                                   "activePowerLimit"),)),
            (LIMITS, (self.limit,), self.write_limit),
        )
        self.beat = [None, 0, 60000]
        self.diagnosis = ((STATE, (None, "normalOperation")), (HEARTBEAT, self.beat, None, FIRST))
        self.series = (
            (CURVES, self.curve, self.write_curve, FULL_ONLY),
            (INCENTIVES, None, self.write_table, FULL_ONLY, self.stage),
        )
        self.device = Device("d:_n:BOX", CHARGING_STATION, (), self.hook)
        self.device.add((
            entity(1), EVSE,
            (("ControllableSystem", (("limitationOfPowerConsumption", "1.0.0", True, (1, 2, 3, 4), "release"),)),),
            5 << 8 | LOAD_CONTROL | SERVER, self.load,
            6 << 8 | DEVICE_DIAGNOSIS | SERVER, self.diagnosis,
            7 << 8 | DEVICE_DIAGNOSIS | CLIENT, ((HEARTBEAT, None), (STATE, None)),
            8 << 8 | TIME_SERIES | SERVER, self.series,
        ))
        self.peer = self.connect(client)
        self.now = 0
        self.counter = 0

    def connect(self, client=False):
        """A further peer."""
        return Peer(self.device, Client(entity(1), 7) if client else None)

    def hook(self, peer, what, address, value):
        self.heard.append((what, address, value))

    def write_limit(self, rows, peer, full):
        self.writes.append((rows, full))
        for row in rows:
            if row[0] != 0 or (row[5] not in (None, CLEARED) and row[5] < 0) or row[5] is CLEARED:
                return 7
        for row in rows:
            for i in range(2, 7):
                if row[i] is CLEARED:
                    self.limit[i] = None
                elif row[i] is not None:
                    self.limit[i] = row[i]
        self.device.changed(self.load, LIMITS)

    def write_curve(self, rows, peer, full):
        self.writes.append((rows, full))

    def write_table(self, rows, peer, full):
        self.writes.append((rows, full))

    def stage(self, at, row):
        self.staged.append((at, row))
        return True

    def take(self, text, step=None, peer=None):
        """Feed one datagram; whatever happened is in the peer."""
        peer = peer or self.peer
        text = text.encode() if isinstance(text, str) else text
        reader = peer.begin()
        step = step or len(text) or 1
        for at in range(0, len(text), step):
            if reader.feed(text, at, min(at + step, len(text))) is False:
                break
        peer.end(self.now)

    def tell(self, classifier, cmd, to=((1,), 5), source=((1,), 1), ack=False, ref=None, step=None, peer=None):
        """Send a datagram from the EMS's feature `source` to the box's feature `to`; its msgCounter."""
        self.counter += 1
        more = ""
        if ref is not None:
            more = ',{"msgCounterReference":%d}' % ref
        self.take(
            DATAGRAM % (json.dumps(list(source[0])), source[1], json.dumps(list(to[0])), to[1], self.counter,
                classifier,
                        more + (ACK if ack else ""), cmd),
            step, peer,
        )
        return self.counter

    def text(self, size=300, peer=None):
        """The next message the box has to send, as bytes, or None."""
        producer = (peer or self.peer).next_message(self.now)
        if producer is None:
            return None
        buffer = bytearray(size)
        text = b""
        while True:
            n = producer(buffer)
            if not n:
                return text
            text += bytes(buffer[:n])

    def hear(self, peer=None):
        """The next message as (classifier, header, function name, data, whole command); None when there is none."""
        text = self.text(peer=peer)
        if text is None:
            return None
        datagram = json.loads(text)["data"][1]["payload"]["datagram"]
        header = plain(datagram[0]["header"])
        command = datagram[1]["payload"][0]["cmd"]
        assert len(command) == 1
        command = plain(command[0])
        name = [key for key in command if key not in ("function", "filter")][0]
        return header["cmdClassifier"], header, name, command[name], command

    def ask(self, classifier, cmd, **more):
        """tell(), then the error number of the result, or the data of the reply; None: no answer."""
        counter = self.tell(classifier, cmd, **more)
        heard = self.hear(more.get("peer"))
        if heard is None:
            return None
        assert heard[1]["msgCounterReference"] == counter
        return heard[3]["errorNumber"] if heard[0] == "result" else heard[3]

    def relate(self, what="Binding", to=((1,), 5), source=((1,), 1), peer=None, delete=False):
        """A subscription or binding call of the EMS."""
        address = '[{"device":"d:_n:%s"},{"entity":%s},{"feature":%d}]'
        body = '[{"clientAddress":%s},{"serverAddress":%s}]' % (
            address % ("EMS", json.dumps(list(source[0])), source[1]), address % ("BOX",
                json.dumps(list(to[0])), to[1]))
        kind = "Delete" if delete else "Request"
        cmd = '[[{"nodeManagement%s%sCall":[{"%s%s":%s}]}]]' % (what, kind, what[0].lower() + what[1:], kind, body)
        return self.ask("call", cmd, to=((0,), 0), source=((0,), 0), ack=True, peer=peer)
