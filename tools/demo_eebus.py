"""The EEBUS part of `make run`: an energy manager, the client of tools/ems.py, is paired and steers the box."""

import asyncio
import time

import ems_boxes
import ems_readings
import ems_writes
from demo_story import wants
from ship_client import NotTrusted, ShipError, identity

_LPC_S = 120  # a heartbeat is lost after that
_HOUR = 3600
_CHEAP_LATER = [(0, _HOUR, "0.31"), (_HOUR, _HOUR, "0.12")]  # start s, duration s, EUR per kWh
_CHEAP_NOW = [(0, _HOUR, "0.12"), (_HOUR, _HOUR, "0.31")]
_LIMIT = "consumption limit"


class Manager:
    """The energy manager: its identity in `folder`, and the SpineClient of its connection."""

    def __init__(self, folder, ski, box):
        self.folder, self.box_ski, self.box = folder, ski, box
        self.ski = identity(folder)["ski"]
        self.spine = None

    async def connect(self, wait_s=20):
        """Dial, and wait until the box trusts us and says what it is; a box that starts is dialled again."""
        end = time.monotonic() + wait_s
        while True:
            try:
                self.spine = await ems_boxes.connect(self.folder, self.box_ski, self.box, wait_s)
                return
            except NotTrusted:
                raise
            except ShipError:
                if time.monotonic() > end:
                    raise
                await asyncio.sleep(1)

    async def close(self):
        if self.spine:
            await self.spine.close()
            self.spine = None

    async def limit(self, watts, duration_s=None):
        await ems_writes.limit(self._there(), watts, True, duration_s)

    async def do(self, write, *arguments, **more):
        """One of ems_writes."""
        await write(self._there(), *arguments, **more)

    def beat(self, on):
        self._there().own.beating = on

    def _there(self):
        if self.spine is None:
            raise RuntimeError("the energy manager is not connected")
        return self.spine

    # what it reads

    async def station(self):
        """Lines on limit, power and currents, as the energy manager reads them."""
        spine = self._there()
        (limit,) = await ems_readings.limits(spine, (1,))
        rows = await ems_readings.measurements(spine, (1,))
        return ["the EMS reads: limit %s W %s, %s W, %s A, %s Wh" % (
            limit["value"], "active" if limit["active"] else "not active", _one(rows, "acPowerTotal"),
            "/".join(str(each["value"]) for each in rows if each["what"] == "acCurrent"),
            _one(rows, "acEnergyConsumed"))]

    async def car(self):
        """Lines on the car, as the energy manager reads them."""
        spine = self._there()
        entity = spine.car()
        configuration = await ems_readings.configuration(spine, entity)
        limits = await ems_readings.limits(spine, entity)
        rows = await ems_readings.measurements(spine, entity)
        return ["the EMS reads: EV entity [%s], %s, limits of the phases %s, %s A, charged %s Wh, battery %s %%" % (
            ",".join(map(str, entity)), configuration.get("communicationsStandard"),
            " ".join(sorted({each["phases"] for each in limits if each["what"] == "overloadProtection"})),
            "/".join(str(each["value"]) for each in rows if each["what"] == "acCurrent"), _one(rows, "charge"),
            _one(rows, "stateOfCharge"))]

    async def plan(self):
        """Lines on the plan, as the energy manager reads it."""
        spine = self._there()
        plan = [each for each in await ems_readings.curves(spine, spine.car()) if each["what"] == "plan"][0]
        return ["the EMS reads the plan: " + ", ".join("%s W for %d min" % (each["value"], each["s"] // 60)
                                                       for each in plan["slots"])]

    async def bill(self, control):
        """Sum up the session that has just ended, as the box saw it and at 0.25 EUR per kWh, 60 % from the grid."""
        loop = asyncio.get_running_loop()
        (session,) = (await loop.run_in_executor(None, control.call, "sessions"))["sessions"][:1]
        energy_wh = session["energy_wh"]
        cost = "%.2f" % (energy_wh * 0.6 * 0.25 / 1000)
        await self.do(ems_writes.bill, energy_wh, session["duration_s"], cost, "EUR", 60)

    async def until(self, has_car):
        """Wait until the EV entity is there, or gone."""
        spine = self._there()
        for _ in range(100):
            if ("EV" in spine.entities.values()) == has_car:
                return
            await asyncio.sleep(0.1)
        raise RuntimeError("the EV entity is %s" % ("not there" if has_car else "still there"))


def _one(rows, what):
    return next((each["value"] for each in rows if each["what"] == what), "-")


async def tell(story, manager, plug, long=False, brief=False):
    """A car is charging and nobody limits it; `plug()` plugs it in anew."""
    control = story.control
    dial = asyncio.ensure_future(manager.connect(60))
    try:
        await story.step("an EEBUS energy manager (EMS) dials the box: nobody knows it, so it has to wait", None,
                         lambda s: manager.ski in s["ship"]["askers"], 15)
        control.call("trust", ski=manager.ski)
        await story.step("a person accepts its SKI: until the EMS states a limit the box keeps to the failsafe power, "
                         "4.2 kW", dial, wants(6, _LIMIT))
        await story.step("the EMS, with its heartbeat, limits the box to 11 kW (LPC)", manager.limit(11000),
                         wants(15.9, _LIMIT), say=manager.station)
        await story.step("it limits to 4.2 kW: the pilot follows", manager.limit(4200), wants(6, _LIMIT),
                         say=manager.station)
        if not brief:
            await _rest(story, manager, plug, long)
        await manager.close()
        control.call("untrust", ski=manager.ski)
        await story.step("the EMS leaves, and a person removes its SKI: nobody limits the box", None, wants(32), 60)
    finally:
        dial.cancel()
        await manager.close()


async def _rest(story, manager, plug, long):
    await story.step("it limits to 9 kW for 8 s", manager.limit(9000, 8), wants(13, _LIMIT))
    await story.step("the 8 s are over, the limit ends by itself", None, wants(32))
    await _car(story, manager, plug)
    await _plan(story, manager)
    if long:
        await _silence(story, manager)
    await _power_cut(story, manager)


async def _car(story, manager, plug):
    control = story.control
    control.call("unplug")
    await story.step("the car is unplugged: the EMS sees the EV entity go", manager.until(False),
                     lambda s: s["pilot"]["state"] == "A" and control.call("sessions")["sessions"])
    await story.step("the EMS sums the session up (EVCS)", manager.bill(control),
                     lambda s: control.call("sessions")["sessions"][0].get("billed_wh"), 10,
                     say=lambda: _sessions(control))
    plug()
    await story.step("a car comes: the EMS sees the EV entity come, and reads it", manager.until(True), wants(32),
                     say=manager.car)
    await story.step("the EMS limits its phases to 16, 10 and 13 A (overload protection): the smallest counts",
                     manager.do(ems_writes.phases, [16, 10, 13]), wants(10, "overload protection"))
    manager.beat(False)
    await story.step("the heartbeat of the EMS stops: after 4 s the car is held at a safe 6 A", None,
                     wants(6, "overload protection"))
    manager.beat(True)
    await story.step("it is back, and so are its limits", None, wants(10, "overload protection"))
    await story.step("it lifts them, and asks for 5 kW (setpoint, DBEVC)", _setpoint(manager), wants(7.2, "setpoint"))
    await manager.do(ems_writes.setpoint, 5000, False)


async def _setpoint(manager):
    await manager.do(ems_writes.phases, [], False)
    await manager.do(ems_writes.setpoint, 5000)


async def _sessions(control):
    loop = asyncio.get_running_loop()
    (session,) = (await loop.run_in_executor(None, control.call, "sessions"))["sessions"][:1]
    return ["the box keeps: " + ", ".join("%s %s" % each for each in session.items())]


async def _plan(story, manager):
    story.control.call("demand", energy_wh=10000, departure_s=2 * _HOUR)
    await story.step("the driver wants 10 kWh within 2 h; the EMS allows 11 kW and says that current is cheaper in "
                     "an hour (CEVC): the box plans, and waits", _curve_and_prices(manager, _CHEAP_LATER),
                     wants(0, "charge plan"), say=manager.plan)
    await story.step("new prices: cheap now. The plan changes, and the car charges",
                     manager.do(ems_writes.prices, _CHEAP_NOW), wants(14.4, "charge plan", 0.5), say=manager.plan)


async def _curve_and_prices(manager, prices):
    await manager.do(ems_writes.curve, [(0, 2 * _HOUR, 11000)])
    await manager.do(ems_writes.prices, prices)


async def _power_cut(story, manager):
    """Failsafe without waiting 120 s: where the box is in it from the start."""
    await manager.close()
    control = story.control
    loop = asyncio.get_running_loop()
    await story.step("a power cut: the box starts again and keeps to the failsafe power, 4.2 kW",
                     loop.run_in_executor(None, lambda: control.call("powercut", ms=1000)), wants(6, _LIMIT), 60)
    await story.step("the EMS is back: a heartbeat and a limit of 11 kW end that", _return(manager),
                     wants(15.9, _LIMIT), 60)


async def _silence(story, manager):
    await story.step("the EMS limits the box to 11 kW again", manager.limit(11000), lambda s: True)
    manager.beat(False)
    await story.step("its heartbeat stops: the plan ends at once, and after 120 s the box goes to the failsafe power, "
                     "4.2 kW", _patience(), wants(6, _LIMIT), 20, say=manager.station)
    manager.beat(True)
    await asyncio.sleep(3)
    await story.step("heartbeat and a limit of 11 kW: the box returns, and so does the plan", manager.limit(11000),
                     wants(14.4, "charge plan", 0.5))


async def _patience():
    for waited_s in range(0, _LPC_S, 10):
        print("    %3d s of silence" % waited_s, flush=True)
        await asyncio.sleep(10)


async def _return(manager):
    await manager.connect(30)
    await manager.limit(11000)
