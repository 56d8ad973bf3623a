"""What a box offers now, joined from the SPINE functions that describe it and those that hold the values.

Each function takes the SpineClient and an entity and returns plain facts, or nothing where the box has none of it.
"""

from spine_client import Refused, listed
from spine_values import number, seconds


async def read(spine, kind, entity, function, entries=None):
    """Data of a function, or its list `entries`; empty where the box does not have or give it."""
    for feature in spine.find(kind, entity):
        if function in feature.functions:
            try:
                data = await spine.read(feature, function)
            except Refused:
                break
            return data if entries is None else listed(data.get(entries))
    return {} if entries is None else []


async def whole(spine):
    """Everything, for `show`: {entity as text: facts}."""
    found = {}
    for entity, kind in sorted(spine.entities.items()):
        facts = {"type": kind}
        for name, get in (("manufacturer", manufacturer), ("state", state), ("configuration", configuration),
                          ("identification", identification), ("characteristics", characteristics),
                          ("power_limits", permitted), ("measurements", measurements), ("limits", limits),
                          ("curves", curves), ("prices", prices), ("setpoints", setpoints), ("bills", bills)):
            value = await get(spine, entity)
            if value:
                facts[name] = value
        found[",".join(map(str, entity))] = facts
    return found


async def manufacturer(spine, entity):
    """UCF_Manufacturer_Information."""
    return await read(spine, "DeviceClassification", entity, "deviceClassificationManufacturerData")


async def state(spine, entity):
    """UCF_Device_State, and the last heartbeat."""
    facts = dict(await read(spine, "DeviceDiagnosis", entity, "deviceDiagnosisStateData"))
    beat = await read(spine, "DeviceDiagnosis", entity, "deviceDiagnosisHeartbeatData")
    if beat:
        facts["heartbeat"] = beat
    return facts


async def configuration(spine, entity):
    """UCF_Device_Configuration: {key name: value}; failsafe values among them."""
    kinds = await read(spine, "DeviceConfiguration", entity, "deviceConfigurationKeyValueDescriptionListData",
                       "deviceConfigurationKeyValueDescriptionData")
    rows = await read(spine, "DeviceConfiguration", entity, "deviceConfigurationKeyValueListData",
                      "deviceConfigurationKeyValueData")
    values = {each.get("keyId"): each.get("value") or {} for each in rows}
    return {each.get("keyName"): _configured(values.get(each.get("keyId")) or {}) for each in kinds}


def _configured(value):
    for kind, content in value.items():
        return number(content) if kind == "scaledNumber" else seconds(content) if kind == "duration" else content
    return None


async def identification(spine, entity):
    """UCF_Identification."""
    return await read(spine, "Identification", entity, "identificationListData", "identificationData")


async def characteristics(spine, entity):
    """UCF_Characteristics: {type: value}."""
    rows = await read(spine, "ElectricalConnection", entity, "electricalConnectionCharacteristicListData",
                      "electricalConnectionCharacteristicData")
    return {each.get("characteristicType"): number(each.get("value")) for each in rows}


async def parameters(spine, entity):
    """Parameters of the electrical connection."""
    return await read(spine, "ElectricalConnection", entity, "electricalConnectionParameterDescriptionListData",
                      "electricalConnectionParameterDescriptionData")


async def permitted(spine, entity):
    """UCF_Charging_Power_Limits and the limits of each phase: what may be set."""
    rows = await read(spine, "ElectricalConnection", entity, "electricalConnectionPermittedValueSetListData",
                      "electricalConnectionPermittedValueSetData")
    names = {each.get("parameterId"): each for each in await parameters(spine, entity)}
    found = []
    for row in rows:
        of = names.get(row.get("parameterId")) or {}
        for each in listed(row.get("permittedValueSet")):
            ranges = [{side: number(one.get(side)) for side in ("min", "max")} for one in listed(each.get("range"))]
            found.append({"what": of.get("scopeType"), "phases": of.get("acMeasuredPhases"), "ranges": ranges,
                          "values": [number(one) for one in listed(each.get("value"))]})
    return found


async def measurements(spine, entity):
    """UCF_AC_Measurement and UCF_Measurement: each with what (scope), phases, value, unit."""
    kinds = await read(spine, "Measurement", entity, "measurementDescriptionListData", "measurementDescriptionData")
    rows = await read(spine, "Measurement", entity, "measurementListData", "measurementData")
    values = {each.get("measurementId"): each for each in rows}
    phases = {each.get("measurementId"): each.get("acMeasuredPhases") for each in await parameters(spine, entity)
              if "measurementId" in each}
    found = []
    for kind in kinds:
        key = kind.get("measurementId")
        row = values.get(key) or {}
        found.append({"what": kind.get("scopeType"), "phases": phases.get(key), "value": number(row.get("value")),
                      "unit": kind.get("unit"), "state": row.get("valueState", "normal")})
    return found


async def limit_descriptions(spine, entity):
    """Limits of a LoadControl feature, by what they are: rows of the description with the `phases` each is for."""
    kinds = await read(spine, "LoadControl", entity, "loadControlLimitDescriptionListData",
                       "loadControlLimitDescriptionData")
    phases = {each.get("measurementId"): each.get("acMeasuredPhases") for each in await parameters(spine, entity)
              if "measurementId" in each}
    return [dict(each, phases=phases.get(each.get("measurementId"))) for each in kinds]


async def limits(spine, entity):
    """UCF_Power_Limit and UCF_Load_Control: each with what, phases, value, unit, active, ends_in_s."""
    rows = await read(spine, "LoadControl", entity, "loadControlLimitListData", "loadControlLimitData")
    values = {each.get("limitId"): each for each in rows}
    found = []
    for kind in await limit_descriptions(spine, entity):
        row = values.get(kind.get("limitId")) or {}
        found.append({"what": kind.get("scopeType"), "phases": kind["phases"], "value": number(row.get("value")),
                      "unit": kind.get("unit"), "active": bool(row.get("isLimitActive")),
                      "ends_in_s": seconds((row.get("timePeriod") or {}).get("endTime"))})
    return found


async def curves(spine, entity):
    """UCF_Consumption_Curve and UCF_Maximum_Power_Limitation_Curve: each with what, unit, wanted and its slots."""
    kinds = await read(spine, "TimeSeries", entity, "timeSeriesDescriptionListData", "timeSeriesDescriptionData")
    rows = await read(spine, "TimeSeries", entity, "timeSeriesListData", "timeSeriesData")
    values = {each.get("timeSeriesId"): each for each in rows}
    found = []
    for kind in kinds:
        slots = []
        for each in listed((values.get(kind.get("timeSeriesId")) or {}).get("timeSeriesSlot")):
            slot = {"s": seconds(each.get("duration"))}
            slot.update({name: number(each[name]) for name in ("value", "minValue", "maxValue") if name in each})
            slots.append(slot)
        found.append({"what": kind.get("timeSeriesType"), "unit": kind.get("unit"),
                      "wanted": bool(kind.get("updateRequired")), "slots": slots})
    return found


async def prices(spine, entity):
    """UCF_Incentive_Table: each tariff with wanted, currency and its slots (start in s, value)."""
    kinds = await read(spine, "IncentiveTable", entity, "incentiveTableDescriptionData", "incentiveTableDescription")
    tables = await read(spine, "IncentiveTable", entity, "incentiveTableData", "incentiveTable")
    found = []
    for at, kind in enumerate(kinds):
        tariff = kind.get("tariffDescription") or {}
        slots = []
        for slot in listed(tables[at].get("incentiveSlot")) if at < len(tables) else ():
            incentive = _first(_first(slot.get("tier")).get("incentive"))
            start = (slot.get("timeInterval") or {}).get("startTime") or {}
            slots.append({"start_s": seconds(start.get("relative")), "value": number(incentive.get("value"))})
        described = _first(_first(kind.get("tier")).get("incentiveDescription"))
        found.append({"tariff": tariff.get("tariffId"), "wanted": bool(tariff.get("updateRequired")),
                      "currency": described.get("currency"), "slots": slots})
    return found


def _first(value):
    return (listed(value) or [{}])[0]


async def setpoints(spine, entity):
    """UCF_Setpoint."""
    kinds = await read(spine, "Setpoint", entity, "setpointDescriptionListData", "setpointDescriptionData")
    bounds = await read(spine, "Setpoint", entity, "setpointConstraintsListData", "setpointConstraintsData")
    rows = await read(spine, "Setpoint", entity, "setpointListData", "setpointData")
    ranges = {each.get("setpointId"): each for each in bounds}
    values = {each.get("setpointId"): each for each in rows}
    found = []
    for kind in kinds:
        row = values.get(kind.get("setpointId")) or {}
        bound = ranges.get(kind.get("setpointId")) or {}
        found.append({"what": kind.get("scopeType"), "unit": kind.get("unit"), "value": number(row.get("value")),
                      "active": bool(row.get("isSetpointActive")),
                      "ends_in_s": seconds((row.get("timePeriod") or {}).get("endTime")),
                      "min": number(bound.get("setpointRangeMin")),
                      "max": number(bound.get("setpointRangeMax"))})
    return found


async def bills(spine, entity):
    """UCF_Session_Summary: each bill with wanted, and what was written last."""
    kinds = await read(spine, "Bill", entity, "billDescriptionListData", "billDescriptionData")
    rows = await read(spine, "Bill", entity, "billListData", "billData")
    values = {each.get("billId"): each for each in rows}
    return [{"bill": each.get("billId"), "wanted": bool(each.get("updateRequired")),
             "content": values.get(each.get("billId")) or {}} for each in kinds]


def billed(content):
    """(energy in Wh, duration in s) of a bill, each None where it does not say."""
    total = content.get("total") or {}
    begin = seconds((total.get("timePeriod") or {}).get("startTime"))
    return number(_first(total.get("value")).get("value")), None if begin is None else -begin
