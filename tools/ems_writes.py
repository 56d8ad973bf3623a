"""What an energy manager writes: limit and failsafe (LPC), limits of phases (OPEV, OSCEV), power curve and prices
(CEVC), setpoint (DBEVC) and session summary (EVCS).

Each function takes the SpineClient and returns what was written, as plain facts; a refusal is Refused.
"""

import asyncio

import ems_readings
from spine_client import SpineError, listed
from spine_values import duration, number, scaled

_HEARD_S = 10  # until the box has subscribed to our heartbeat; one that never does gets the write all the same
_PARTIAL = {"cmdControl": {"partial": {}}}
_PHASES = ("a", "b", "c")


async def _heard(spine):
    """Wait until the box has our heartbeat: before, it takes no limit (LPC 036, 913)."""
    try:
        await asyncio.wait_for(spine.heard.wait(), _HEARD_S)
    except TimeoutError:
        pass


def _partly(feature, function):
    """Whether the box announces partial writes of it."""
    return "partial" in (feature.functions.get(function, {}).get("write") or {})


async def _write_rows(spine, feature, function, rows, before=()):
    """A partial write of the rows of a list function; a full list where the box announces no partial writes."""
    if not _partly(feature, function) and not before:
        await spine.write(feature, function, {function[:-8] + "Data": rows})
    else:
        await spine.write(feature, function, {function[:-8] + "Data": rows}, [*before, _PARTIAL])


def _ends(row, duration_s, function, key):
    """Has the row end after so many seconds; the filters that take away the end it may have, where it has none."""
    if duration_s is not None:
        row["timePeriod"] = {"endTime": duration(duration_s)}
        return []
    return [{"cmdControl": {"delete": {}}, function + "Selectors": {key: row[key]},
             function[:-8] + "DataElements": {"timePeriod": {}}}]


def _station(spine):
    """The entity whose LoadControl is the station's: that of the LPC server, else the EVSE."""
    for entity, actor, name, *_ in spine.use_cases:
        if name == "limitationOfPowerConsumption" and spine.find("LoadControl", entity):
            return entity
    return spine.station()


async def limit(spine, watts, active=True, duration_s=None):
    """LPC 1: the limit of the whole station; None keeps the value. duration_s None: until it is changed."""
    await _heard(spine)
    entity = _station(spine)
    feature = spine.one("LoadControl", entity)
    for kind in await ems_readings.limit_descriptions(spine, entity):
        if kind.get("scopeType") == "activePowerLimit" and kind.get("limitDirection", "consume") == "consume":
            break
    else:
        raise SpineError("the box has no limit of its active power consumption (LPC)")
    row = {"limitId": kind["limitId"], "isLimitActive": active}
    before = _ends(row, duration_s, "loadControlLimitListData", "limitId")
    if watts is not None:
        row["value"] = scaled(watts)
    await _write_rows(spine, feature, "loadControlLimitListData", [row], before)
    return {"limit_w": watts, "active": active, "duration_s": duration_s}


async def failsafe(spine, watts=None, duration_s=None):
    """LPC 2: failsafe power and minimum duration. The box takes them only after a heartbeat and a limit (037)."""
    entity = _station(spine)
    feature = spine.one("DeviceConfiguration", entity)
    kinds = await ems_readings.read(spine, "DeviceConfiguration", entity,
                                    "deviceConfigurationKeyValueDescriptionListData",
                                    "deviceConfigurationKeyValueDescriptionData")
    keys = {each.get("keyName"): each.get("keyId") for each in kinds}
    rows = []
    for name, value in (
            ("failsafeConsumptionActivePowerLimit", None if watts is None else {"scaledNumber": scaled(watts)}),
            ("failsafeDurationMinimum", None if duration_s is None else {"duration": duration(duration_s)})):
        if value is not None:
            if name not in keys:
                raise SpineError("the box has no %s" % name)
            rows.append({"keyId": keys[name], "value": value})
    if not rows:
        raise SpineError("say the failsafe power, its duration, or both")
    await _write_rows(spine, feature, "deviceConfigurationKeyValueListData", rows)
    return {"failsafe_w": watts, "failsafe_s": duration_s}


async def phases(spine, amperes, active=True, recommendation=False):
    """OPEV 1, or with `recommendation` OSCEV 1: limits of the car's phases a, b, c in A.

    One value counts for all phases; none keeps the values."""
    entity = spine.car()
    feature = spine.one("LoadControl", entity)
    scope = "selfConsumption" if recommendation else "overloadProtection"
    by_phase = {each["phases"]: each["limitId"] for each in await ems_readings.limit_descriptions(spine, entity)
                if each.get("scopeType") == scope}
    if not by_phase:
        raise SpineError("the box has no limits of the car's phases (%s)" % scope)
    if len(amperes) == 1:
        amperes = list(amperes) * len(by_phase)
    rows = [] if amperes else [{"limitId": each, "isLimitActive": active} for each in by_phase.values()]
    for phase, value in zip(_PHASES, amperes):
        if phase not in by_phase:
            raise SpineError("the box has no limit of phase %s" % phase)
        rows.append({"limitId": by_phase[phase], "isLimitActive": active, "value": scaled(value)})
    await _heard(spine)
    await _write_rows(spine, feature, "loadControlLimitListData", rows)
    return {"scope": scope, "amperes": list(amperes), "active": active}


async def curve(spine, slots):
    """CEVC 2: the most the station may take, [(start s, duration s, W), ...]."""
    entity = spine.car()
    feature = spine.one("TimeSeries", entity)
    kinds = await ems_readings.read(spine, "TimeSeries", entity, "timeSeriesDescriptionListData",
                                    "timeSeriesDescriptionData")
    keys = [each.get("timeSeriesId") for each in kinds if each.get("timeSeriesType") == "constraints"]
    if not keys:
        raise SpineError("the box takes no power curve")
    for each in await ems_readings.read(spine, "TimeSeries", entity, "timeSeriesConstraintsListData",
                                        "timeSeriesConstraintsData"):
        if each.get("timeSeriesId") == keys[0]:
            _few_enough(slots, each, "power curve")
    end = slots[-1][0] + slots[-1][1]
    rows = []
    for at, (start_s, _, watts) in enumerate(slots):
        period = {"startTime": duration(start_s)}
        if at == len(slots) - 1:
            period["endTime"] = duration(end)
        rows.append({"timeSeriesSlotId": at, "timePeriod": period, "maxValue": scaled(watts)})
    await _heard(spine)
    series = {"timeSeriesId": keys[0], "timePeriod": {"startTime": "PT0S", "endTime": duration(end)},
              "timeSeriesSlot": rows}
    await spine.write(feature, "timeSeriesListData", {"timeSeriesData": [series]})  # full: no partial form is demanded
    return {"slots": len(slots), "ends_in_s": end}


async def prices(spine, slots, currency="EUR"):
    """CEVC 3: what a kWh costs, [(start s, duration s, price), ...]: one tariff with one tier and one incentive."""
    entity = spine.car()
    feature = spine.one("IncentiveTable", entity)
    described = await ems_readings.read(spine, "IncentiveTable", entity, "incentiveTableDescriptionData",
                                        "incentiveTableDescription")
    tariff = (described[0].get("tariffDescription") or {}).get("tariffId", 0) if described else 0
    limits = await ems_readings.read(spine, "IncentiveTable", entity, "incentiveTableConstraintsData",
                                     "incentiveTableConstraints")
    for each in limits[:1]:
        _few_enough(slots, each.get("incentiveSlotConstraints") or {}, "table of prices")
    tier = {"tierDescription": {"tierId": 0, "tierType": "dynamicCost"},
            "boundaryDescription": [{"boundaryId": 0, "boundaryType": "powerBoundary", "boundaryUnit": "W"}],
            "incentiveDescription": [{"incentiveId": 0, "incentiveType": "absoluteCost", "currency": currency}]}
    await _heard(spine)
    await spine.write(feature, "incentiveTableDescriptionData", {"incentiveTableDescription": [
        {"tariffDescription": {"tariffId": tariff, "scopeType": "simpleIncentiveTable"}, "tier": [tier]}]})
    rows = []
    for at, (start_s, duration_s, price) in enumerate(slots):
        interval = {"startTime": {"relative": duration(start_s)}}
        if at == len(slots) - 1:
            interval["endTime"] = {"relative": duration(start_s + duration_s)}
        rows.append({"timeInterval": interval, "tier": [{
            "tier": {"tierId": 0}, "boundary": [{"boundaryId": 0, "lowerBoundaryValue": scaled(0)}],
            "incentive": [{"incentiveId": 0, "value": scaled(price)}]}]})
    await spine.write(feature, "incentiveTableData", {"incentiveTable": [
        {"tariff": {"tariffId": tariff}, "incentiveSlot": rows}]})
    return {"slots": len(slots), "currency": currency, "ends_in_s": slots[-1][0] + slots[-1][1]}


def _few_enough(slots, constraints, what):
    most = constraints.get("slotCountMax")
    if most and len(slots) > most:
        raise SpineError("the box takes a %s of %d slots at most, not %d; --first %d takes the first ones"
                         % (what, most, len(slots), most))


async def setpoint(spine, watts, active=True, duration_s=None):
    """DBEVC: power the car is asked to charge with, negative to discharge. duration_s None: until it is changed."""
    entity = spine.car()
    feature = spine.one("Setpoint", entity)
    kinds = await ems_readings.read(spine, "Setpoint", entity, "setpointDescriptionListData",
                                    "setpointDescriptionData")
    keys = [each.get("setpointId") for each in kinds if each.get("unit") == "W"]
    if not keys:
        raise SpineError("the box has no setpoint in W")
    await _heard(spine)
    row = {"setpointId": keys[0]}
    before = _ends(row, duration_s, "setpointListData", "setpointId")
    if not _partly(feature, "setpointListData"):
        before = []  # a full list has no old end
    if watts is not None:
        row["value"] = scaled(watts)
    row["isSetpointActive"] = active
    await _write_rows(spine, feature, "setpointListData", [row], before)
    return {"setpoint_w": watts, "active": active, "duration_s": duration_s}


async def bill(spine, energy_wh, duration_s, cost=None, currency="EUR", grid_percent=None):
    """EVCS 1: the summary of a session that has just ended. grid_percent: share of the energy from the grid; the cost
    is the grid's alone."""
    feature = spine.one("Bill")
    kinds = await ems_readings.read(spine, "Bill", feature.entity, "billDescriptionListData", "billDescriptionData")
    keys = [each.get("billId") for each in kinds
            if "chargingSummary" in listed(each.get("supportedBillType")) or not each.get("supportedBillType")]
    if not keys:
        raise SpineError("the box takes no session summary")
    total = {"timePeriod": {"startTime": "-" + duration(duration_s), "endTime": "PT0S"},
             "value": [{"unit": "Wh", "value": scaled(energy_wh)}]}
    if cost is not None:
        total["cost"] = [{"costType": "absolutePrice", "currency": currency, "cost": scaled(cost)}]
    row = {"billId": keys[0], "billType": "chargingSummary", "total": total}
    if grid_percent is not None:
        row["position"] = [
            _share(1, "gridElectricEnergy", grid_percent, 100 if cost is not None else None),
            _share(2, "selfProducedElectricEnergy", 100 - grid_percent, 0 if cost is not None else None)]
    await _write_rows(spine, feature, "billListData", [row])
    return {"energy_wh": number(scaled(energy_wh)), "duration_s": duration_s, "cost": cost, "currency": currency,
            "grid_percent": grid_percent}


def _share(at, kind, energy_percent, cost_percent):
    share = {"positionId": at, "positionType": kind, "value": [{"valuePercentage": scaled(energy_percent)}]}
    if cost_percent is not None:
        share["cost"] = [{"costPercentage": scaled(cost_percent)}]
    return share
