package main

import (
	"errors"
	"time"

	ucapi "github.com/enbility/eebus-go/usecases/api"
	spineapi "github.com/enbility/spine-go/api"
	"github.com/enbility/spine-go/model"
)

// addOps adds what an EMS orders: every reading by its name, and the writes of the use cases. The answer to a write is
// the box's result, {"counter":7,"classifier":"result","error":0,"description":""}.
func (e *ems) addOps(ops map[string]op) {
	ops["usecases"] = now(e.scenarios)
	ops["read"] = now(e.readAll)
	for name := range e.readings {
		ops[name] = e.read(name)
	}
	if e.lpc != nil {
		ops["lpc.write"] = later(e.writeLimit)
		ops["lpc.write_failsafe_limit"] = later(e.writeFailsafeLimit)
		ops["lpc.write_failsafe_duration"] = later(e.writeFailsafeDuration)
	}
	if e.opev != nil {
		ops["opev.write"] = later(e.phaseWriter("cem-opev", e.opev.WriteLoadControlLimits))
	}
	if e.oscev != nil {
		ops["oscev.write"] = later(e.phaseWriter("cem-oscev", e.oscev.WriteLoadControlLimits))
	}
	if e.cevc != nil {
		ops["cevc.write_power_limits"] = now(e.slotWriter(e.cevc.WritePowerLimits))
		ops["cevc.write_incentives"] = now(e.slotWriter(e.cevc.WriteIncentives))
		ops["cevc.write_incentive_descriptions"] = now(func(nothing) (any, error) {
			entity, err := e.entityFor("cem-cevc")
			if err != nil {
				return nil, err
			}
			return true, e.cevc.WriteIncentiveTableDescriptions(entity, nil)
		})
	}
}

// write sends to the peer's entity of the use case; the reply is the result of it.
func (e *ems) write(useCase string, timeoutMS int, reply answer, send func(remote) (*model.MsgCounterType, error)) {
	tap, _, err := e.peer()
	if err != nil {
		reply(nil, err)
		return
	}
	entity, err := e.entityFor(useCase)
	if err != nil {
		reply(nil, err)
		return
	}
	tap.ask(patience(timeoutMS), reply, func() (*model.MsgCounterType, error) { return send(entity) })
}

type waits struct {
	TimeoutMS int `json:"timeout_ms"` // for the box's result
}

// writeLimit: value in W, duration_ms null for "until changed". eebus-go always deletes the old timePeriod with it.
func (e *ems) writeLimit(with struct {
	waits
	Value      float64 `json:"value"`
	Active     bool    `json:"active"`
	DurationMS *int    `json:"duration_ms"`
}, reply answer) {
	limit := ucapi.LoadLimit{Value: with.Value, IsActive: with.Active}
	if with.DurationMS != nil {
		limit.Duration = time.Duration(*with.DurationMS) * time.Millisecond
	}
	e.write("eg-lpc", with.TimeoutMS, reply, func(entity remote) (*model.MsgCounterType, error) {
		return e.lpc.WriteConsumptionLimit(entity, limit, nil)
	})
}

func (e *ems) writeFailsafeLimit(with struct {
	waits
	Value float64 `json:"value"`
}, reply answer) {
	e.write("eg-lpc", with.TimeoutMS, reply, func(entity remote) (*model.MsgCounterType, error) {
		return e.lpc.WriteFailsafeConsumptionActivePowerLimit(entity, with.Value)
	})
}

// writeFailsafeDuration: eebus-go itself refuses what is not within 2 h to 24 h; "raw" does not.
func (e *ems) writeFailsafeDuration(with struct {
	waits
	DurationMS int `json:"duration_ms"`
}, reply answer) {
	e.write("eg-lpc", with.TimeoutMS, reply, func(entity remote) (*model.MsgCounterType, error) {
		return e.lpc.WriteFailsafeDurationMinimum(entity, time.Duration(with.DurationMS)*time.Millisecond)
	})
}

type phaseLimits struct {
	waits
	Amperes []float64 `json:"amperes"` // of phases a, b, c
	Active  bool      `json:"active"`
}

type phaseWrite func(spineapi.EntityRemoteInterface, []ucapi.LoadLimitsPhase, func(model.ResultDataType)) (*model.MsgCounterType, error)

func (e *ems) phaseWriter(useCase string, write phaseWrite) func(phaseLimits, answer) {
	return func(with phaseLimits, reply answer) {
		if len(with.Amperes) > len(phases) {
			reply(nil, errors.New("at most three phases"))
			return
		}
		var limits []ucapi.LoadLimitsPhase
		for i, value := range with.Amperes {
			limits = append(limits, ucapi.LoadLimitsPhase{Phase: phases[i], IsActive: with.Active, Value: value})
		}
		e.write(useCase, with.TimeoutMS, reply, func(entity remote) (*model.MsgCounterType, error) {
			return write(entity, limits, nil)
		})
	}
}

type slots struct {
	Slots []struct {
		DurationMS int     `json:"duration_ms"`
		Value      float64 `json:"value"` // W, or money
	} `json:"slots"`
}

// slotWriter: eebus-go does not tell the counter of these writes, so there is no result; see the log.
func (e *ems) slotWriter(write func(remote, []ucapi.DurationSlotValue) error) func(slots) (any, error) {
	return func(with slots) (any, error) {
		entity, err := e.entityFor("cem-cevc")
		if err != nil {
			return nil, err
		}
		var values []ucapi.DurationSlotValue
		for _, slot := range with.Slots {
			values = append(values, ucapi.DurationSlotValue{
				Duration: time.Duration(slot.DurationMS) * time.Millisecond, Value: slot.Value})
		}
		return true, write(entity, values)
	}
}
