package main

import (
	"fmt"

	"github.com/enbility/eebus-go/api"
	ucapi "github.com/enbility/eebus-go/usecases/api"
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
)

// ems is the client side: the use cases of eebus-go that were asked for, by the names of their packages.
type ems struct {
	*node
	useCases map[string]api.UseCaseInterface
	readings map[string]reading
	byEvent  map[api.EventType]string // the reading an event is about

	lpc    ucapi.EgLPCInterface
	mpc    ucapi.MaMPCInterface
	evsecc ucapi.CemEVSECCInterface
	evcc   ucapi.CemEVCCInterface
	evcem  ucapi.CemEVCEMInterface
	evsoc  ucapi.CemEVSOCInterface
	opev   ucapi.CemOPEVInterface
	oscev  ucapi.CemOSCEVInterface
	cevc   ucapi.CemCEVCInterface
}

func newEMS(n *node, names []string) (*ems, error) {
	e := &ems{node: n, useCases: map[string]api.UseCaseInterface{}}
	service := hubOnly{hub: n.hub}
	for _, name := range names {
		var useCase api.UseCaseInterface
		report := e.reporter(name)
		switch name {
		case "eg-lpc":
			e.lpc = eglpc.NewLPC(n.entity, report)
			useCase = e.lpc
		case "ma-mpc":
			e.mpc = mpc.NewMPC(n.entity, report)
			useCase = e.mpc
		case "cem-evsecc":
			e.evsecc = evsecc.NewEVSECC(n.entity, report)
			useCase = e.evsecc
		case "cem-evcc":
			e.evcc = evcc.NewEVCC(service, n.entity, report)
			useCase = e.evcc
		case "cem-evcem":
			e.evcem = evcem.NewEVCEM(service, n.entity, report)
			useCase = e.evcem
		case "cem-evsoc":
			e.evsoc = evsoc.NewEVSOC(n.entity, report)
			useCase = e.evsoc
		case "cem-opev":
			e.opev = opev.NewOPEV(n.entity, report)
			useCase = e.opev
		case "cem-oscev":
			e.oscev = oscev.NewOSCEV(n.entity, report)
			useCase = e.oscev
		case "cem-cevc":
			e.cevc = cevc.NewCEVC(n.entity, report)
			useCase = e.cevc
		default:
			return nil, fmt.Errorf("unknown use case %q", name)
		}
		e.useCases[name] = useCase
		useCase.AddFeatures()
		useCase.AddUseCase()
	}
	e.readings, e.byEvent = e.allReadings()
	return e, nil
}

// reporter makes an event of what a use case reports: of a value under the name of its reading, with the value;
// of anything else under eebus-go's own name, with the scenarios the peer has.
func (e *ems) reporter(name string) api.EntityEventCallback {
	return func(_ string, _ spineapi.DeviceRemoteInterface, entity spineapi.EntityRemoteInterface, event api.EventType) {
		fields := map[string]any{"usecase": name, "as": event}
		if entity != nil {
			fields["entity"] = entity.Address().Entity
		}
		key, known := e.byEvent[event]
		if !known {
			if entity != nil {
				fields["scenarios"] = e.useCases[name].AvailableScenariosForEntity(entity)
			}
			e.out.event(string(event), fields)
			return
		}
		value, err := e.readings[key].read(entity)
		if err != nil {
			fields["failed"] = err.Error()
		} else {
			fields["value"] = value
		}
		e.out.event(key, fields)
	}
}

// entityFor is the peer's first entity with the use case.
func (e *ems) entityFor(name string) (spineapi.EntityRemoteInterface, error) {
	if e.useCases[name] == nil {
		return nil, fmt.Errorf("%s is not registered", name)
	}
	for _, each := range e.supporting(name) {
		return each.Entity, nil
	}
	return nil, api.ErrNoCompatibleEntity
}

// supporting is what the use case knows of the peer. This version of eebus-go keeps the entities of a connection that
// ended and takes them for those of the next one, so each is looked up again.
func (e *ems) supporting(name string) []api.RemoteEntityScenarios {
	var found []api.RemoteEntityScenarios
	_, remote, err := e.peer()
	if err != nil || len(useCasesOf(remote)) == 0 {
		return nil
	}
	for _, each := range e.useCases[name].RemoteEntitiesScenarios() {
		if entity := remote.Entity(each.Entity.Address().Entity); entity != nil {
			found = append(found, api.RemoteEntityScenarios{Entity: entity, Scenarios: each.Scenarios})
		}
	}
	return found
}

// scenarios is the order "usecases": what the peer supports of what is registered.
func (e *ems) scenarios(nothing) (any, error) {
	all := map[string]any{}
	for name := range e.useCases {
		found := []any{}
		for _, each := range e.supporting(name) {
			found = append(found, map[string]any{"entity": each.Entity.Address().Entity, "scenarios": each.Scenarios})
		}
		all[name] = found
	}
	return all, nil
}
