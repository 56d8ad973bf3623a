"""5.2.8 UCF_EV_Connected on SPINE (EVCC scenarios 1 and 8): the EV entity [1,1] comes and goes with the car.

What the car shows is put together here, one feature of each type: configuration (EVCC 2, 3), identification (EVCC 4),
manufacturer (EVCC 5), charging power limits (EVCC 6), operating state (EVCC 7), measurement (EVCEM, EVSOC), load
control (OPEV, OSCEV), curves and prices (CEVC), the setpoint (DBEVC). It is made anew for each session; `step` adds
and removes it, in the task of SPINE, so that nothing here can hold up the arbiter that learned of the car.
"""

from bounded.compat import const
from spine.client import STATE
from spine.common_data_types import (
    DEVICE_CLASSIFICATION, DEVICE_CONFIGURATION, DEVICE_DIAGNOSIS, ELECTRICAL_CONNECTION, EV, IDENTIFICATION,
    INCENTIVE_TABLE, LOAD_CONTROL, MEASUREMENT, SERVER, SETPOINT, TIME_SERIES,
)
from spine.device import USE_CASES
from wallbox.spine_map import (
    charging_power_limits, consumption_curve, ev_configuration, identification, incentive_table, load_control,
    measurement, setpoint,
)
from wallbox.spine_map.bidirectional_inferred import Inferred
from wallbox.spine_map.manufacturer_information import EV_NUMBER as _MANUFACTURER, ev_functions

_EV = const(1049601)  # entity(1, 1)
_DIAGNOSIS = const(4)
_ASLEEP_MS = const(300000)  # offered current and not drawing: the car sleeps


class EvEntity:
    """The car as a SPINE entity. Whoever binds a feature that sets something is watched: `_watches` are lists of the
    feature's owner, the EmsWatch of what it sets, and the peer that may."""

    def __init__(self, device, app, meter, clock):
        self._device = device
        self._app = app
        self._station = station = app.station
        self._meter = meter
        self._clock = clock
        self._limits = app.phase_limits
        plan = app.charge_plan
        watches = (app.phase_limits.watch, plan.watch, app.setpoint.watch, plan.broker)
        self._watches = [[None, each, None] for each in watches]
        self._steps = ()
        self._sessions = 1 if station.car else 0  # odd while a car is there
        self._shown = 0
        self._facts = 0
        self._ready_ms = 0
        self._sleeps = False
        station.on_session.append(self._session)

    def _session(self, car):
        self._sessions += 1

    def step(self):
        """Follow the car: show it, take it away, notify what changed."""
        identified = self._app.identification
        if self._shown != self._sessions or self._shown & 1 and self._facts != identified.version:
            if self._shown & 1:
                if self._shown == self._sessions:  # more is known of the same car: who set its limits stays watched
                    self._let_go()
                self._device.remove(_EV)
                self._let_go()
                self._steps = ()
            if self._shown != self._sessions:
                self._limits.end_session()
                self._app.charge_plan.forget()
                if not self._sessions & 1:
                    identified.forget()
            self._shown = self._sessions
            self._facts = identified.version
            if self._shown & 1:
                self._show(identified)
        if self._shown & 1:
            for each in self._steps:
                each.step()
            self._step_state()

    def _let_go(self):
        for each in self._watches:
            each[0] = None

    def _show(self, identified):
        app = self._app
        device = self._device
        station = self._station
        battery = app.measurement
        self._ready_ms = station.now_ms
        self._sleeps = False
        load = load_control.LoadControlFeature(device, self._limits, station.ratings.phases)
        discharge = station.ratings.discharge
        limits = charging_power_limits.ChargingPowerLimitsFeature(device, station, battery, app.setpoint)
        values = measurement.EvMeasurementFeature(device, station, self._meter, battery, self._clock, identified)
        configuration = ev_configuration.EvConfigurationFeature(
            device, identified, Inferred().below_target() if discharge else None)
        series = consumption_curve.ConsumptionCurveFeature(device, app.charge_plan, self._clock, app.setpoint,
                                                           battery if discharge else None)
        prices = incentive_table.IncentiveTableFeature(device, app.charge_plan, self._clock)
        power = setpoint.SetpointFeature(device, station, app.setpoint, self._clock)
        self._steps = (configuration, load, limits, values, series, prices, power)
        for watch, owner in zip(self._watches, (load, series, power, prices)):
            watch[0] = owner
        place = [
            _EV, EV, self,
            ev_configuration.NUMBER << 8 | DEVICE_CONFIGURATION | SERVER, configuration,
            _DIAGNOSIS << 8 | DEVICE_DIAGNOSIS | SERVER, self,
            charging_power_limits.NUMBER << 8 | ELECTRICAL_CONNECTION | SERVER, limits,
            measurement.NUMBER << 8 | MEASUREMENT | SERVER, values,
            load_control.NUMBER << 8 | LOAD_CONTROL | SERVER, load,
            consumption_curve.NUMBER << 8 | TIME_SERIES | SERVER, series,
            incentive_table.NUMBER << 8 | INCENTIVE_TABLE | SERVER, prices,
            setpoint.NUMBER << 8 | SETPOINT | SERVER, power,
        ]
        if identified.eui48 is not None:
            place += (identification.NUMBER << 8 | IDENTIFICATION | SERVER, self)
        if identified.manufacturer is not None:
            place += (_MANUFACTURER << 8 | DEVICE_CLASSIFICATION | SERVER, self)
        device.add(place)

    def functions(self, feature):
        """Of state, identification and manufacturer, as lib/spine/device.py wants them."""
        number = feature >> 8
        if number == _DIAGNOSIS:
            return ((STATE, self._read_state),)
        known = self._app.identification
        return identification.told(known) if number == identification.NUMBER else ev_functions(known)

    def use_cases(self):
        """Of the car, as lib/spine/device.py wants them."""
        identified = self._app.identification
        measurement = self._app.measurement
        scenarios = [1, 2, 3, 6, 7, 8]
        if identified.manufacturer is not None:
            scenarios.insert(3, 5)
        if identified.eui48 is not None:
            scenarios.insert(3, 4)
        cases = [
            ("evCommissioningAndConfiguration", "1.0.1", True, scenarios, "release"),
            ("measurementOfElectricityDuringEvCharging", "1.0.1", True, (1, 2, 3), "release"),
            ("overloadProtectionByEvChargingCurrentCurtailment", "1.0.1", True, (1, 2, 3), "release"),
            self._self_consumption(),
            ("coordinatedEvCharging", "1.0.1", True, (1, 2, 3, 4, 5, 6, 7, 8), "release"),
            Inferred().use_case(),
        ]
        known = (measurement.has_source, measurement.has_source, identified.soh_per_cent is not None,
                 identified.range_m is not None)
        if True in known:
            cases.append(("evStateOfCharge", "1.0.0", True, [i + 1 for i in range(4) if known[i]], "RC1"))
        return (("EV", cases),)

    def _self_consumption(self):
        # OSCEV: of a full car scenario 1 is withdrawn
        scenarios = (2, 3) if self._limits.full else (1, 2, 3)
        return ("optimizationOfSelfConsumptionDuringEvCharging", "1.0.1", True, scenarios, "release")

    def _set_full(self, full):
        self._limits.set_full(full)
        self._device.changed(self._device, USE_CASES)

    def _read_state(self, field, index):
        return ("standby" if self._sleeps else "normalOperation") if field == 1 else None

    def _step_state(self):
        station = self._station
        full = station.readings.ev_soc_per_cent == 100
        if full != self._limits.full:
            self._set_full(full)
        if station.guard.state != "B" or not station.offer.offer_ma:
            self._ready_ms = station.now_ms
        sleeps = station.now_ms - self._ready_ms >= _ASLEEP_MS
        if sleeps != self._sleeps:
            self._sleeps = sleeps
            self._device.changed(self, STATE)

    def heard(self, peer, what, value, state):
        """What the hook of the device hears (lib/spine/device.py); `state` is the last one this peer told, or None."""
        for each in self._watches:
            owner, watch, binder = each
            if what == "bound" and value is owner:
                each[2] = peer
                watch.expect(True)
                if state is not None:
                    watch.state(state == "normalOperation")
            elif peer is not binder or peer is None:
                continue
            elif what == "alive":
                watch.heartbeat(value[2])
            elif what == "state":
                watch.state(value == "normalOperation")
            elif what == "closed" or what == "unbound" and value is owner:
                each[2] = None
                watch.expect(False)
