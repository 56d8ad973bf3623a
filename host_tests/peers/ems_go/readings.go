package main

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/enbility/eebus-go/api"
	"github.com/enbility/eebus-go/features/client"
	"github.com/enbility/eebus-go/usecases/cem/cevc"
	"github.com/enbility/eebus-go/usecases/cem/evcc"
	"github.com/enbility/eebus-go/usecases/cem/evcem"
	"github.com/enbility/eebus-go/usecases/cem/evsecc"
	"github.com/enbility/eebus-go/usecases/cem/evsoc"
	"github.com/enbility/eebus-go/usecases/cem/opev"
	"github.com/enbility/eebus-go/usecases/cem/oscev"
	eglpc "github.com/enbility/eebus-go/usecases/eg/lpc"
	"github.com/enbility/eebus-go/usecases/ma/mpc"
	spineapi "github.com/enbility/spine-go/api"
	"github.com/enbility/spine-go/model"
)

// reading is a value that a use case keeps of the peer; its name is an order. Durations are in ms.
type reading struct {
	useCase string
	event   api.EventType // that tells of a change, "" if none does
	read    func(entity spineapi.EntityRemoteInterface) (any, error)
}

type remote = spineapi.EntityRemoteInterface

// of makes a reading of a method with one result.
func of[V any](read func(remote) (V, error)) func(remote) (any, error) {
	return func(entity remote) (any, error) {
		value, err := read(entity)
		return exact(value), err
	}
}

// exact takes away the noise of number times 10^scale in binary: 230.1, not 230.10000000000002.
func exact(value any) any {
	switch value := value.(type) {
	case float64:
		return math.Round(value*1e6) / 1e6
	case []float64:
		for i := range value {
			value[i] = math.Round(value[i]*1e6) / 1e6
		}
	}
	return value
}

// span makes a reading of a method that returns a duration.
func span(read func(remote) (time.Duration, error)) func(remote) (any, error) {
	return func(entity remote) (any, error) {
		value, err := read(entity)
		return value.Milliseconds(), err
	}
}

func (e *ems) allReadings() (map[string]reading, map[api.EventType]string) {
	all := map[string]reading{}
	if uc := e.lpc; uc != nil {
		all["lpc.limit"] = reading{"eg-lpc", eglpc.DataUpdateLimit, e.readLimit}
		all["lpc.failsafe_limit"] = reading{"eg-lpc", eglpc.DataUpdateFailsafeConsumptionActivePowerLimit, of(uc.FailsafeConsumptionActivePowerLimit)}
		all["lpc.failsafe_duration"] = reading{"eg-lpc", eglpc.DataUpdateFailsafeDurationMinimum, span(uc.FailsafeDurationMinimum)}
		all["lpc.nominal_max"] = reading{"eg-lpc", "", e.readNominalMax}
	}
	if uc := e.mpc; uc != nil {
		all["mpc.power"] = reading{"ma-mpc", mpc.DataUpdatePower, of(uc.Power)}
		all["mpc.power_per_phase"] = reading{"ma-mpc", mpc.DataUpdatePowerPerPhase, of(uc.PowerPerPhase)}
		all["mpc.energy_consumed"] = reading{"ma-mpc", mpc.DataUpdateEnergyConsumed, of(uc.EnergyConsumed)}
		all["mpc.energy_produced"] = reading{"ma-mpc", mpc.DataUpdateEnergyProduced, of(uc.EnergyProduced)}
		all["mpc.current_per_phase"] = reading{"ma-mpc", mpc.DataUpdateCurrentsPerPhase, of(uc.CurrentPerPhase)}
		all["mpc.voltage_per_phase"] = reading{"ma-mpc", mpc.DataUpdateVoltagePerPhase, of(uc.VoltagePerPhase)}
		all["mpc.frequency"] = reading{"ma-mpc", mpc.DataUpdateFrequency, of(uc.Frequency)}
	}
	if uc := e.evsecc; uc != nil {
		all["evsecc.manufacturer"] = reading{"cem-evsecc", evsecc.DataUpdateManufacturerData, of(uc.ManufacturerData)}
		all["evsecc.state"] = reading{"cem-evsecc", evsecc.DataUpdateOperatingState, func(entity remote) (any, error) {
			state, code, err := uc.OperatingState(entity)
			return map[string]any{"state": state, "code": code}, err
		}}
	}
	if uc := e.evcc; uc != nil {
		all["evcc.charge_state"] = reading{"cem-evcc", evcc.DataUpdateChargeState, of(uc.ChargeState)}
		all["evcc.connected"] = reading{"cem-evcc", "", func(entity remote) (any, error) { return uc.EVConnected(entity), nil }}
		all["evcc.standard"] = reading{"cem-evcc", evcc.DataUpdateCommunicationStandard, of(uc.CommunicationStandard)}
		all["evcc.asymmetric"] = reading{"cem-evcc", evcc.DataUpdateAsymmetricChargingSupport, of(uc.AsymmetricChargingSupport)}
		all["evcc.identifications"] = reading{"cem-evcc", evcc.DataUpdateIdentifications, of(uc.Identifications)}
		all["evcc.manufacturer"] = reading{"cem-evcc", evcc.DataUpdateManufacturerData, of(uc.ManufacturerData)}
		all["evcc.power_limits"] = reading{"cem-evcc", evcc.DataUpdateCurrentLimits, func(entity remote) (any, error) {
			least, most, standby, err := uc.ChargingPowerLimits(entity)
			return map[string]any{"min": least, "max": most, "standby": standby}, err
		}}
		all["evcc.sleeping"] = reading{"cem-evcc", evcc.DataUpdateIsInSleepMode, of(uc.IsInSleepMode)}
	}
	if uc := e.evcem; uc != nil {
		all["evcem.phases"] = reading{"cem-evcem", evcem.DataUpdatePhasesConnected, of(uc.PhasesConnected)}
		all["evcem.current_per_phase"] = reading{"cem-evcem", evcem.DataUpdateCurrentPerPhase, of(uc.CurrentPerPhase)}
		all["evcem.power_per_phase"] = reading{"cem-evcem", evcem.DataUpdatePowerPerPhase, of(uc.PowerPerPhase)}
		all["evcem.energy"] = reading{"cem-evcem", evcem.DataUpdateEnergyCharged, of(uc.EnergyCharged)}
	}
	if uc := e.evsoc; uc != nil {
		all["evsoc.soc"] = reading{"cem-evsoc", evsoc.DataUpdateStateOfCharge, of(uc.StateOfCharge)}
	}
	if uc := e.opev; uc != nil {
		all["opev.limits"] = reading{"cem-opev", opev.DataUpdateLimit, of(uc.LoadControlLimits)}
		all["opev.range"] = reading{"cem-opev", opev.DataUpdateCurrentLimits, ranges(uc.CurrentLimits)}
	}
	if uc := e.oscev; uc != nil {
		all["oscev.limits"] = reading{"cem-oscev", oscev.DataUpdateLimit, of(uc.LoadControlLimits)}
		all["oscev.range"] = reading{"cem-oscev", oscev.DataUpdateCurrentLimits, ranges(uc.CurrentLimits)}
	}
	if uc := e.cevc; uc != nil {
		all["cevc.strategy"] = reading{"cem-cevc", "", func(entity remote) (any, error) { return uc.ChargeStrategy(entity), nil }}
		all["cevc.demand"] = reading{"cem-cevc", cevc.DataUpdateEnergyDemand, of(uc.EnergyDemand)}
		all["cevc.slot_constraints"] = reading{"cem-cevc", cevc.DataUpdateTimeSlotConstraints, of(uc.TimeSlotConstraints)}
		all["cevc.incentive_constraints"] = reading{"cem-cevc", cevc.DataUpdateIncentiveTable, of(uc.IncentiveConstraints)}
		all["cevc.plan_constraints"] = reading{"cem-cevc", cevc.DataUpdateChargePlanConstraints, of(uc.ChargePlanConstraints)}
		all["cevc.plan"] = reading{"cem-cevc", cevc.DataUpdateChargePlan, of(uc.ChargePlan)}
	}
	byEvent := map[api.EventType]string{}
	for name, each := range all {
		if each.event != "" {
			byEvent[each.event] = name
		}
	}
	return all, byEvent
}

func ranges(read func(remote) ([]float64, []float64, []float64, error)) func(remote) (any, error) {
	return func(entity remote) (any, error) {
		least, most, standard, err := read(entity)
		return map[string]any{"min": exact(least), "max": exact(most), "default": exact(standard)}, err
	}
}

func (e *ems) readLimit(entity remote) (any, error) {
	limit, err := e.lpc.ConsumptionLimit(entity)
	value := map[string]any{"value": exact(limit.Value), "active": limit.IsActive, "changeable": limit.IsChangeable, "duration_ms": nil}
	if limit.Duration != 0 {
		value["duration_ms"] = limit.Duration.Milliseconds()
	}
	return value, err
}

// readNominalMax asks the box for it if need be: eg/lpc of this version relies on a notification that it never ordered.
func (e *ems) readNominalMax(entity remote) (any, error) {
	value, err := e.lpc.ConsumptionNominalMax(entity)
	if err != nil {
		if connection, problem := client.NewElectricalConnection(e.entity, entity); problem == nil {
			_, _ = connection.RequestCharacteristics(nil, nil)
		}
	}
	return exact(value), err
}

// read is the order of each reading. A value that is not there yet is waited for.
func (e *ems) read(name string) op {
	each := e.readings[name]
	return now(func(with struct {
		WaitMS int `json:"wait_ms"`
	}) (value any, err error) {
		end := time.Now().Add(time.Duration(with.WaitMS) * time.Millisecond)
		for {
			var entity remote
			if entity, err = e.entityFor(each.useCase); err == nil {
				value, err = each.read(entity)
			}
			missing := errors.Is(err, api.ErrDataNotAvailable) || errors.Is(err, api.ErrMetadataNotAvailable) ||
				errors.Is(err, api.ErrNoCompatibleEntity)
			if !missing || time.Now().After(end) {
				return
			}
			time.Sleep(20 * time.Millisecond)
		}
	})
}

// readAll is the order "read": every reading whose name begins with `prefix`, as it is now.
func (e *ems) readAll(with struct {
	Prefix string `json:"prefix"`
}) (any, error) {
	all := map[string]any{}
	for name, each := range e.readings {
		if !strings.HasPrefix(name, with.Prefix) {
			continue
		}
		entity, err := e.entityFor(each.useCase)
		if err == nil {
			var value any
			if value, err = each.read(entity); err == nil {
				all[name] = value
				continue
			}
		}
		all[name] = map[string]any{"failed": fmt.Sprint(err)}
	}
	return all, nil
}

var phases = []model.ElectricalConnectionPhaseNameType{model.ElectricalConnectionPhaseNameTypeA,
	model.ElectricalConnectionPhaseNameTypeB, model.ElectricalConnectionPhaseNameTypeC}
