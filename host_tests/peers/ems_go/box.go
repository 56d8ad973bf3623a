package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/enbility/eebus-go/api"
	"github.com/enbility/eebus-go/features/server"
	ucapi "github.com/enbility/eebus-go/usecases/api"
	cslpc "github.com/enbility/eebus-go/usecases/cs/lpc"
	spineapi "github.com/enbility/spine-go/api"
	"github.com/enbility/spine-go/model"
	"github.com/enbility/spine-go/util"
)

// box is a charging station for the test of the EMS: eebus-go's cs/lpc, and the data of MPC and EVSECC, for which this
// version of eebus-go has no server side. It refuses negative limits and takes all others.
type box struct {
	*node
	lpc    ucapi.CsLPCInterface
	values map[string]model.MeasurementIdType
}

// measured is what the box tells under MPC: name, type, unit, scope, phases.
var measured = []struct {
	name   string
	kind   model.MeasurementTypeType
	unit   model.UnitOfMeasurementType
	scope  model.ScopeTypeType
	phases model.ElectricalConnectionPhaseNameType
}{
	{"power", model.MeasurementTypeTypePower, model.UnitOfMeasurementTypeW, model.ScopeTypeTypeACPowerTotal, "abc"},
	{"power_a", model.MeasurementTypeTypePower, model.UnitOfMeasurementTypeW, model.ScopeTypeTypeACPower, "a"},
	{"power_b", model.MeasurementTypeTypePower, model.UnitOfMeasurementTypeW, model.ScopeTypeTypeACPower, "b"},
	{"power_c", model.MeasurementTypeTypePower, model.UnitOfMeasurementTypeW, model.ScopeTypeTypeACPower, "c"},
	{"energy_consumed", model.MeasurementTypeTypeEnergy, model.UnitOfMeasurementTypeWh, model.ScopeTypeTypeACEnergyConsumed, "abc"},
	{"energy_produced", model.MeasurementTypeTypeEnergy, model.UnitOfMeasurementTypeWh, model.ScopeTypeTypeACEnergyProduced, "abc"},
	{"current_a", model.MeasurementTypeTypeCurrent, model.UnitOfMeasurementTypeA, model.ScopeTypeTypeACCurrent, "a"},
	{"current_b", model.MeasurementTypeTypeCurrent, model.UnitOfMeasurementTypeA, model.ScopeTypeTypeACCurrent, "b"},
	{"current_c", model.MeasurementTypeTypeCurrent, model.UnitOfMeasurementTypeA, model.ScopeTypeTypeACCurrent, "c"},
	{"voltage_a", model.MeasurementTypeTypeVoltage, model.UnitOfMeasurementTypeV, model.ScopeTypeTypeACVoltage, "a"},
	{"voltage_b", model.MeasurementTypeTypeVoltage, model.UnitOfMeasurementTypeV, model.ScopeTypeTypeACVoltage, "b"},
	{"voltage_c", model.MeasurementTypeTypeVoltage, model.UnitOfMeasurementTypeV, model.ScopeTypeTypeACVoltage, "c"},
	{"frequency", model.MeasurementTypeTypeFrequency, model.UnitOfMeasurementTypeHz, model.ScopeTypeTypeACFrequency, "abc"},
}

func newBox(n *node) (*box, error) {
	b := &box{node: n, values: map[string]model.MeasurementIdType{}}
	b.lpc = cslpc.NewLPC(n.entity, b.onLPC)
	b.lpc.AddFeatures()
	b.lpc.AddUseCase()
	err := errors.Join(
		b.lpc.SetConsumptionNominalMax(22080),
		b.lpc.SetConsumptionLimit(ucapi.LoadLimit{Value: 22080, IsChangeable: true}),
		b.lpc.SetFailsafeConsumptionActivePowerLimit(4140, true),
		b.lpc.SetFailsafeDurationMinimum(2*time.Hour, true),
		b.addMPC(),
	)
	b.addEVSECC()
	return b, err
}

func (b *box) onLPC(_ string, _ spineapi.DeviceRemoteInterface, _ spineapi.EntityRemoteInterface, event api.EventType) {
	switch event {
	case cslpc.WriteApprovalRequired:
		for counter, limit := range b.lpc.PendingConsumptionLimits() {
			b.lpc.ApproveOrDenyConsumptionLimit(counter, limit.Value >= 0, "negative")
		}
	case cslpc.DataUpdateLimit:
		value, _ := b.lpc.ConsumptionLimit()
		b.out.event("limit", map[string]any{"value": value.Value, "active": value.IsActive, "duration_ms": value.Duration.Milliseconds()})
	case cslpc.DataUpdateFailsafeConsumptionActivePowerLimit:
		value, _, _ := b.lpc.FailsafeConsumptionActivePowerLimit()
		b.out.event("failsafe_limit", map[string]any{"value": value})
	case cslpc.DataUpdateFailsafeDurationMinimum:
		value, _, _ := b.lpc.FailsafeDurationMinimum()
		b.out.event("failsafe_duration", map[string]any{"duration_ms": value.Milliseconds()})
	}
}

func (b *box) addMPC() error {
	feature := b.entity.GetOrAddFeature(model.FeatureTypeTypeMeasurement, model.RoleTypeServer)
	feature.AddFunctionType(model.FunctionTypeMeasurementDescriptionListData, true, false)
	feature.AddFunctionType(model.FunctionTypeMeasurementConstraintsListData, true, false)
	feature.AddFunctionType(model.FunctionTypeMeasurementListData, true, false)
	feature = b.entity.GetOrAddFeature(model.FeatureTypeTypeElectricalConnection, model.RoleTypeServer)
	feature.AddFunctionType(model.FunctionTypeElectricalConnectionDescriptionListData, true, false)
	feature.AddFunctionType(model.FunctionTypeElectricalConnectionParameterDescriptionListData, true, false)
	measurement, err := server.NewMeasurement(b.entity)
	if err != nil {
		return err
	}
	connection, err := server.NewElectricalConnection(b.entity)
	if err != nil {
		return err
	}
	id := util.Ptr(model.ElectricalConnectionIdType(0))
	err = connection.AddDescription(model.ElectricalConnectionDescriptionDataType{
		ElectricalConnectionId:  id,
		PowerSupplyType:         util.Ptr(model.ElectricalConnectionVoltageTypeTypeAc),
		AcConnectedPhases:       util.Ptr(uint(3)),
		PositiveEnergyDirection: util.Ptr(model.EnergyDirectionTypeConsume),
	})
	for i := range measured {
		each := &measured[i]
		number := measurement.AddDescription(model.MeasurementDescriptionDataType{MeasurementType: &each.kind,
			CommodityType: util.Ptr(model.CommodityTypeTypeElectricity), Unit: &each.unit, ScopeType: &each.scope})
		if number == nil {
			return fmt.Errorf("no measurement %s", each.name)
		}
		b.values[each.name] = *number
		connection.AddParameterDescription(model.ElectricalConnectionParameterDescriptionDataType{
			ElectricalConnectionId: id, MeasurementId: number, ScopeType: &each.scope, AcMeasuredPhases: &each.phases,
			VoltageType: util.Ptr(model.ElectricalConnectionVoltageTypeTypeAc)})
	}
	b.entity.AddUseCaseSupport(model.UseCaseActorTypeMonitoredUnit, model.UseCaseNameTypeMonitoringOfPowerConsumption,
		"1.0.0", "release", true, []model.UseCaseScenarioSupportType{1, 2, 3, 4, 5})
	return err
}

func (b *box) addEVSECC() {
	feature := b.entity.GetOrAddFeature(model.FeatureTypeTypeDeviceClassification, model.RoleTypeServer)
	feature.AddFunctionType(model.FunctionTypeDeviceClassificationManufacturerData, true, false)
	feature.SetData(model.FunctionTypeDeviceClassificationManufacturerData, &model.DeviceClassificationManufacturerDataType{
		DeviceName: util.Ptr(model.DeviceClassificationStringType("Test box")),
		BrandName:  util.Ptr(model.DeviceClassificationStringType("Tests"))})
	_, _ = b.operatingState(struct {
		State string `json:"state"`
		Code  string `json:"code"`
	}{State: "normalOperation"})
	b.entity.AddUseCaseSupport(model.UseCaseActorTypeEVSE, model.UseCaseNameTypeEVSECommissioningAndConfiguration,
		"1.0.1", "release", true, []model.UseCaseScenarioSupportType{1, 2})
}

func (b *box) addOps(ops map[string]op) {
	ops["box.measure"] = now(b.measure)
	ops["box.lpc"] = now(func(nothing) (any, error) {
		limit, err := b.lpc.ConsumptionLimit()
		return map[string]any{"value": limit.Value, "active": limit.IsActive,
			"heartbeat": b.lpc.IsHeartbeatWithinDuration()}, err
	})
	ops["box.limit"] = now(func(with struct {
		Value  float64 `json:"value"`
		Active bool    `json:"active"`
	}) (any, error) {
		return true, b.lpc.SetConsumptionLimit(ucapi.LoadLimit{Value: with.Value, IsActive: with.Active, IsChangeable: true})
	})
}

// measure sets values by the names in `measured`.
func (b *box) measure(with map[string]float64) (any, error) {
	measurement, err := server.NewMeasurement(b.entity)
	if err != nil {
		return nil, err
	}
	for name := range with {
		if _, ok := b.values[name]; !ok {
			return nil, fmt.Errorf("no measurement %q", name)
		}
	}
	for i := range measured { // in this order: ma/mpc gives phases as they stand in the list
		id := b.values[measured[i].name]
		value, given := with[measured[i].name]
		if !given {
			continue
		}
		err = errors.Join(err, measurement.UpdateDataForId(model.MeasurementDataType{
			ValueType: util.Ptr(model.MeasurementValueTypeTypeValue), Value: model.NewScaledNumberType(value),
			ValueState: util.Ptr(model.MeasurementValueStateTypeNormal)}, nil, id))
	}
	return true, err
}
