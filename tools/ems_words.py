"""The words of `tools/ems.py` that need a box: each is `async word(spine, given, out)`; ems.py has their options."""

import asyncio
import json
import sys
import time

import ems_readings
import ems_show
import ems_tables
import ems_writes
from spine_client import SpineError
from spine_values import number


class Out:
    """Prints: a line for people, or with `as_json` one JSON object a line."""

    def __init__(self, as_json):
        self.as_json = as_json

    def tell(self, text, **facts):
        print(json.dumps(facts, ensure_ascii=False) if self.as_json else text, flush=True)

    def note(self, text):
        """For a person at a terminal; scripts do not need it."""
        if not self.as_json:
            print(text, file=sys.stderr, flush=True)


async def show(spine, given, out):
    found = await ems_readings.whole(spine)
    cases = [{"entity": list(entity), "actor": actor, "name": name, "version": version, "available": available,
              "scenarios": scenarios} for entity, actor, name, version, available, scenarios in spine.use_cases]
    out.tell("\n".join(ems_show.lines(spine, found)), device=spine.device, type=spine.kind, use_cases=cases,
             entities=found)


def _features(spine, function, entity):
    """The box's features that have this function; SpineError when there is none."""
    if entity:
        try:
            entity = tuple(int(each) for each in entity.split(","))
        except ValueError:
            raise SpineError("--entity takes an address like 1 or 1,1, not %s" % entity) from None
    found = [each for each in spine.features if function in each.functions and entity in (None, each.entity)]
    if not found:
        names = sorted({name for each in spine.features for name in each.functions})
        near = [name for name in names if function[:8].lower() in name.lower()]
        raise SpineError("the box has no function %s%s%s" % (
            function, " at entity %s" % ",".join(map(str, entity)) if entity else "",
            "; there is %s" % " ".join(near) if near else ""))
    return found


async def read(spine, given, out):
    for feature in _features(spine, given.function, given.entity):
        data = await spine.read(feature, given.function)
        out.tell("[%s] %s\n%s" % (",".join(map(str, feature.entity)), feature.kind,
                                  json.dumps(data, indent=1, ensure_ascii=False)),
                 entity=list(feature.entity), feature=feature.number, type=feature.kind, function=given.function,
                 data=data)


async def write(spine, given, out):
    try:
        data, filters = (json.loads(text) if text else None for text in (given.data, given.filter))
    except ValueError as error:
        raise SpineError("this is no JSON: %s" % error) from None
    features = _features(spine, given.function, given.entity)
    if len(features) > 1:
        raise SpineError("%s is there at several entities, say which with --entity: %s" % (
            given.function, " ".join(",".join(map(str, each.entity)) for each in features)))
    if given.partial:
        filters = (filters or []) + [{"cmdControl": {"partial": {}}}]
    await spine.write(features[0], given.function, data, filters)
    out.tell("written", written=given.function)


async def limit(spine, given, out):
    if given.watts is None and not given.off:
        raise SpineError("say the limit in W, or --off")
    done = await ems_writes.limit(spine, given.watts, not given.off, given.duration)
    words = "no limit" if given.off else "limited to %s W" % given.watts
    out.tell("the box took it: %s%s" % (words, " for %d s" % given.duration if given.duration else ""), **done)
    await _hold(spine, given, out, "goes to its failsafe power 120 s after this")


async def failsafe(spine, given, out):
    done = await ems_writes.failsafe(spine, given.watts, given.duration)
    out.tell("the box took it", **done)


async def phases(spine, given, out):
    if not given.amperes and not given.off:
        raise SpineError("say the amperes of the phases, or --off")
    done = await ems_writes.phases(spine, given.amperes, not given.off, given.self_consumption)
    out.tell("the box took it: %s" % ("no limits" if given.off else " ".join("%s A" % each for each in given.amperes)),
             **done)
    await _hold(spine, given, out, "goes to a current of its own choice 4 s after this")


async def curve(spine, given, out):
    slots = _first(ems_tables.curve(given.file), given.first)
    out.tell("the box took the power curve of %d slots" % len(slots), **await ems_writes.curve(spine, slots))
    await _planned(spine, given, out)


async def prices(spine, given, out):
    slots, currency = ems_tables.prices(given.file)
    slots = _first(slots, given.first)
    out.tell("the box took %d prices in %s per kWh" % (len(slots), currency),
             **await ems_writes.prices(spine, slots, currency))
    await _planned(spine, given, out)


def _first(slots, count):
    return slots[:count] if count else slots


async def _planned(spine, given, out):
    await _hold(spine, given, out, "charges without a plan 4 s after this")


async def setpoint(spine, given, out):
    if given.watts is None and not given.off:
        raise SpineError("say the setpoint in W, or --off")
    done = await ems_writes.setpoint(spine, given.watts, not given.off, given.duration)
    words = "no setpoint" if given.off else "%s W" % given.watts
    out.tell("the box took it: %s%s" % (words, " for %d s" % given.duration if given.duration else ""), **done)
    await _hold(spine, given, out, "follows its own fallback after this")


async def bill(spine, given, out):
    if given.wait:
        energy_wh, duration_s = await _session(spine, out)
    elif given.wh is None or given.seconds is None:
        raise SpineError("say --wh and --seconds of the session, or --wait for one")
    else:
        energy_wh, duration_s = given.wh, given.seconds
    cost = given.cost
    if cost is None and given.price is not None:
        cost = round(given.price * energy_wh / 1000 * (100 if given.grid is None else given.grid) / 100, 4)
    done = await ems_writes.bill(spine, energy_wh, duration_s, cost, given.currency, given.grid)
    out.tell("the box took the summary: %s Wh in %d s%s" % (
        energy_wh, duration_s, "" if cost is None else ", %s %s" % (cost, given.currency)), **done)


async def _session(spine, out):
    """Wait until the box wants a summary; energy in Wh and seconds of the session: the box's own where it says them,
    else as seen from here."""
    news = asyncio.Event()
    charged = {"id": None, "wh": 0}

    def hear(place, function, data, partial):
        if function == "measurementListData":
            for row in data.get("measurementData", ()):
                if place[0] in spine.entities and spine.entities[place[0]] == "EV" and \
                        row.get("measurementId") == charged["id"] and number(row.get("value")) is not None:
                    charged["wh"] = number(row["value"])
        news.set()

    spine.on_notify = hear
    await spine.subscribe(spine.one("Bill"))
    begun = ended = None
    while True:
        news.clear()
        car = [entity for entity, kind in spine.entities.items() if kind == "EV"]
        if car and begun is None:
            begun, charged["wh"] = time.monotonic(), 0
            kinds = await ems_readings.read(spine, "Measurement", car[0], "measurementDescriptionListData",
                                            "measurementDescriptionData")
            charged["id"] = next((each["measurementId"] for each in kinds if each.get("scopeType") == "charge"), None)
            for feature in spine.find("Measurement", car[0]):
                await spine.subscribe(feature)
            for each in await ems_readings.measurements(spine, car[0]):
                if each["what"] == "charge" and each["value"] is not None:
                    charged["wh"] = each["value"]
            out.note("a car is there; the summary follows when it has left")
        if begun is not None and not car and ended is None:
            ended = time.monotonic()
        wanted = [each for each in await ems_readings.bills(spine, spine.one("Bill").entity) if each["wanted"]]
        if wanted and not car:
            energy_wh, duration_s = ems_readings.billed(wanted[0]["content"])
            if energy_wh is not None and duration_s is not None:
                spine.on_notify = None
                return energy_wh, duration_s
            if ended:
                spine.on_notify = None
                return charged["wh"], round(ended - begun)
        await _unless_ended(spine, news.wait())


async def follow(spine, given, out):
    def hear(place, function, data, partial):
        out.tell("%s  [%s] %s %s" % (time.strftime("%H:%M:%S"), ",".join(map(str, place[0])), function,
                                     json.dumps(data, ensure_ascii=False)),
                 at=round(time.time(), 3), entity=list(place[0]), function=function, partial=partial, data=data)
        if function == "nodeManagementDetailedDiscoveryData":
            news.set()

    news = asyncio.Event()
    spine.on_notify = hear
    end = None if given.seconds is None else time.monotonic() + given.seconds
    while True:
        news.clear()
        for feature in list(spine.features):  # those of a car that comes later, too
            if feature.role == "server":
                await spine.subscribe(feature)
        try:
            await _unless_ended(spine, news.wait(), None if end is None else max(end - time.monotonic(), 0))
        except TimeoutError:
            spine.on_notify = None
            return


async def heartbeat(spine, given, out):
    spine.own.beating = given.on == "on"
    out.tell("heartbeat %s" % given.on, heartbeat=given.on)


async def state(spine, given, out):
    await spine.say_state(given.state)
    out.tell("state %s" % given.state, state=given.state)


async def wait(spine, given, out):
    try:
        await _unless_ended(spine, asyncio.Event().wait(), given.seconds)
    except TimeoutError:
        out.tell("waited", waited_s=given.seconds)


async def _hold(spine, given, out, otherwise):
    """Stay, with the heartbeat, as long as --hold says."""
    if given.hold is None:
        if not given.talking:
            out.note("the heartbeat ends with this command, and the box %s; --hold keeps it" % otherwise)
        return
    out.note("the heartbeat goes on until Ctrl-C" if given.hold == float("inf") else
             "the heartbeat goes on for %d s" % given.hold)
    try:
        await _unless_ended(spine, asyncio.Event().wait(), None if given.hold == float("inf") else given.hold)
    except TimeoutError:
        pass


async def _unless_ended(spine, waiting, timeout_s=None):
    """Wait for `waiting`; SpineError when the connection ends before."""
    task = asyncio.ensure_future(waiting)
    try:
        await asyncio.wait((task, spine.ended), timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            return
        if spine.ended.done():
            raise SpineError(spine.ended.result())
        raise TimeoutError
    finally:
        task.cancel()
