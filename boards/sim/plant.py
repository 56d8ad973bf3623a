"""The hardware of the simulated wallbox and the car in front of it: one pure model, moved by time.

`step` moves it, `apply` takes what the firmware wants, `sample` gives what its sensors say. No clock, no
input or output, integers only, so that it runs the same in its own process, inside a test and on a bare
development kit. Where hardware protects by itself it does so here: coil and test line have pull-downs, and
with `ratings.interlock` the coil drops out when no outputs came for contactor.interlock_ms. The modem of a
board that can discharge tells the car nothing any more when none came for MODEM_MS.
"""

from boards.sim.car import Car
from boards.sim.contactor import Contactor, Lock
from boards.sim.injected import Faults
from boards.sim.meter import Meter
from boards.sim.pilot_circuit import PilotCircuit, state
from boards.sim.rcm import ResidualCurrentMonitor
from boards.sim.thermal import Thermal

MODEM_MS = 1000
OPEN_OHM = 1 << 20
_BURST_MS = 100
_MAINS_MHZ = 50000


class Plant:
    """Plant(ratings, car=None). Its parts (pilot, contactor, lock, rcm, meter, thermal, car) may be looked at."""

    def __init__(self, ratings, car=None):
        self.ratings = ratings
        self.pilot = PilotCircuit()
        self.contactor = Contactor(ratings.phases)
        self.lock = Lock()
        self.rcm = ResidualCurrentMonitor()
        self.meter = Meter()
        self.thermal = Thermal()
        self.faults = Faults()
        self.car = car
        self.mains_mv = [0, 0, 0]
        self.current_ma = [0, 0, 0]  # true current of each phase
        self.powered = True
        self.now_ms = 0
        self.interlock_trips = 0
        self._outputs_age_ms = 0
        self._interlocked = False
        self._button_ms = 0
        self._stall_ms = 0
        self.reset_outputs()
        self.step(0)

    # what the firmware does

    def apply(self, outputs):
        """Take the firmware's outputs."""
        self.permille = outputs.pilot_permille
        self.coil = bool(outputs.contactor)
        self.lock_wanted = bool(outputs.lock)
        self.rcm_test = bool(outputs.rcm_test)
        self.discharge_ma = outputs.discharge_ma
        self.led = outputs.led
        self._outputs_age_ms = 0
        self._interlocked = False

    def sample(self, readings):
        """Fill the board's Readings with what the sensors say now."""
        ratings = self.ratings
        faults = self.faults.active
        self.pilot.measure(readings, faults, self.contactor.moved_ms < _BURST_MS)
        if not ratings.generator_check:
            readings.pilot_hz = readings.pilot_permille = None
        readings.proximity_ohm = self.proximity_ohm() if ratings.socket else None
        self.contactor.measure(readings, self.mains_mv, faults, self.pilot.noise)
        if not ratings.aux_contacts:
            readings.poles_closed = 0
        readings.rcm_tripped = ratings.rcm and self.rcm.tripped
        readings.lock_closed = self.lock.feedback(faults) if ratings.lock else None
        readings.temperature_dc = self.thermal.measured_dc if ratings.temperature else None
        readings.temperature_age_ms = self.thermal.age_ms if ratings.temperature else None
        self.meter.measure(readings)
        car = self.car if ratings.ev_data else None
        readings.ev_soc_per_cent = car.soc() if car is not None else None
        readings.ev_capacity_wh = car.battery_wh if car is not None else None
        car = self.car if ratings.discharge else None
        readings.ev_discharge = car.discharge if car is not None and "modem_silent" not in faults else None
        readings.button = self._button_ms > 0 or "button_stuck" in faults

    def reset_outputs(self):
        """A controller in reset: coil, lock drive and test line pulled down, pilot driver pulled to x1."""
        self.permille = 1000
        self.coil = False
        self.lock_wanted = None  # the motor has no drive, the lock stays where it is
        self.rcm_test = False
        self.discharge_ma = 0
        self.led = 0

    def power(self, on):
        """Supply of the box on or off. Off: no mains, pilot at 0 V (state E), controller dead."""
        self.powered = bool(on)
        self.reset_outputs()

    # what people and cars do

    def plug(self, car=None):
        """Plug a car in; ValueError when one is there."""
        if self.car is not None:
            raise ValueError("a car is plugged in already")
        self.car = car or Car()

    def unplug(self):
        """Pull the plug; ValueError when none is there or the lock holds it."""
        self.need_car()
        if self.ratings.lock and self.lock.closed:
            raise ValueError("the plug is locked")
        self.car = None

    def ready(self, on):
        """The driver wants to charge (the car will close S2), or no more."""
        self.need_car().ready = bool(on)

    def need_car(self):
        """The car, or ValueError."""
        if self.car is None:
            raise ValueError("no car is plugged in")
        return self.car

    def press(self, ms):
        """Hold the button for `ms`."""
        self._button_ms = ms

    def fault(self, name, on, value=None, ms=None):
        """Switch a fault of boards/sim/faults.py; with `ms` it ends by itself. ValueError for bad arguments."""
        self.faults.switch(name, on, value, ms)
        if name == "loop_stall" and on:
            self._stall_ms = self.faults.active.pop(name)

    def take_stall_ms(self):
        """How long the firmware's loop is to stand still now; asking clears it."""
        stall_ms = self._stall_ms
        self._stall_ms = 0
        return stall_ms

    # what time does

    def step(self, dt_ms):
        """Move everything by `dt_ms` (1..20)."""
        self.now_ms += dt_ms
        self.faults.step(dt_ms)
        faults = self.faults.active
        car = self.car
        if self._button_ms > 0:
            self._button_ms -= dt_ms
        self._outputs_age_ms += dt_ms
        if self.ratings.interlock and self._outputs_age_ms > self.contactor.interlock_ms and not self._interlocked:
            self._interlocked = True
            if self.coil:
                self.interlock_trips += 1
        mains_mhz = _MAINS_MHZ
        volts = self.ratings.nominal_mv if self.powered else 0
        lost = 0
        if faults and self.powered:
            volts = faults.get("mains_mv", volts)
            mains_mhz = faults.get("mains_mhz", mains_mhz)
            lost = faults.get("phase_lost", 0)
        wired = self.contactor.wired & ~lost
        for i in range(3):
            self.mains_mv[i] = volts if wired >> i & 1 else 0

        self.contactor.step(dt_ms, self.coil and self.powered and not self._interlocked, faults)
        live = self.contactor.poles & wired if volts else 0
        used = live & ((1 << car.phases) - 1) if car is not None else 0
        self.pilot.step(dt_ms, self.powered, self.permille, car.ohm if car is not None else None, faults)
        if car is not None:
            told_ma = 0
            if self.discharge_ma and self.ratings.discharge and self.powered and self._outputs_age_ms <= MODEM_MS:
                told_ma = self.discharge_ma
            car.step(dt_ms, self.pilot.seen_permille, used != 0, faults, told_ma)
        current = self.current_ma
        for i in range(3):
            current[i] = car.current_ma if used >> i & 1 else 0
        gained_mwh = self.meter.step(dt_ms, self.mains_mv, current, mains_mhz, faults)
        if gained_mwh:
            car.stored_mwh += gained_mwh
        self.rcm.step(dt_ms, self.rcm_test, live != 0, faults)
        if self.lock_wanted is not None and self.powered:
            self.lock.step(dt_ms, self.lock_wanted, faults)
        self.thermal.step(dt_ms, abs(car.current_ma) if used else 0, faults)

    # what is true

    def proximity_ohm(self):
        """Resistance of the proximity contact: the cable's, or OPEN_OHM."""
        ohm = self.car.cable_ohm if self.car is not None else OPEN_OHM
        return self.faults.active.get("proximity", ohm)

    def wall_offset_s(self):
        """Error of the board's wall clock in seconds, None while it is not set."""
        faults = self.faults.active
        return None if "clock_unset" in faults else faults.get("clock_offset", 0)

    def truth(self):
        """What is really so, as the control port shows it: pilot, contactor, currents, energy, car."""
        pilot = self.pilot
        contactor = self.contactor
        car = self.car
        ev = None
        if car is not None:
            ev = {
                "phases": car.phases, "max_ma": car.max_ma, "min_ma": car.min_ma, "soc": car.soc(),
                "battery_wh": car.battery_wh, "discharge": car.discharge,
                "ready": car.ready, "s2": car.s2, "current_ma": car.current_ma, "sleeping": car.sleeping,
                "locked_out": car.locked_out, "interruptions": car.interruptions,
            }
        return {
            "pilot": {
                "state": state(pilot.high_mv), "x2": 0 < pilot.permille < 1000, "duty_permille": pilot.permille,
                "high_mv": pilot.high_mv, "low_mv": pilot.low_mv, "hz": pilot.hz,
            },
            "contactor": {
                "commanded": self.coil, "closed": contactor.poles != 0, "poles": contactor.poles,
                "operations": contactor.operations, "interlock_trips": self.interlock_trips,
            },
            "current_ma": list(self.current_ma),
            "voltage_mv": list(self.mains_mv),
            "power_w": (self.meter.power_mw + 500) // 1000,
            "energy_wh": self.meter.energy_mwh // 1000,
            "exported_wh": self.meter.exported_mwh // 1000,
            "discharge_ma": self.discharge_ma,
            "temperature_dc": self.thermal.temperature_dc,
            "lock_closed": self.lock.closed,
            "led": self.led,
            "powered": self.powered,
            "ev": ev,
            "injected": dict(self.faults.active),
            "plant_ms": self.now_ms,
        }
