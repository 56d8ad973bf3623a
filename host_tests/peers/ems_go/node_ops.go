package main

import (
	"errors"
	"time"

	shipapi "github.com/enbility/ship-go/api"
	"github.com/enbility/spine-go/model"
	"github.com/enbility/spine-go/util"
)

// ops are the orders that an EMS and a box have in common.
func (n *node) ops() map[string]op {
	return map[string]op{
		"state":           now(n.state),
		"disconnect":      now(n.disconnect),
		"reconnect":       now(n.reconnect),
		"trust":           now(n.trust),
		"raw":             later(n.raw),
		"frame":           now(n.frame),
		"heartbeat.stop":  now(n.heartbeatStop),
		"heartbeat.start": now(n.heartbeatStart),
		"heartbeat.send":  now(n.heartbeatSend),
		"operating_state": now(n.operatingState),
	}
}

func (n *node) state(nothing) (any, error) {
	n.mutex.Lock()
	ski, connected := n.tapSKI, n.tap != nil
	if ski == "" {
		ski = n.options.remoteSKI
	}
	shipID := n.shipIDs[ski]
	n.mutex.Unlock()
	state := map[string]any{
		"ski": n.ski, "device": n.device.Address(), "connected": connected, "peer_ski": ski, "peer_ship_id": shipID,
		"heartbeat_running": n.entity.HeartbeatManager().IsHeartbeatRunning(),
	}
	if ski != "" {
		detail := n.hub.PairingDetailForSki(ski)
		state["pairing"] = pairingNames[detail.State()]
		if detail.Error() != nil {
			state["why"] = detail.Error().Error()
		}
	}
	if _, remote, err := n.peer(); err == nil {
		state["peer_device"], state["peer_type"] = remote.Address(), remote.DeviceType()
		entities := []any{}
		for _, entity := range remote.Entities() {
			features := []any{}
			for _, feature := range entity.Features() {
				features = append(features, map[string]any{"type": feature.Type(), "role": feature.Role(),
					"feature": feature.Address().Feature})
			}
			entities = append(entities, map[string]any{"entity": entity.Address().Entity, "type": entity.EntityType(),
				"features": features})
		}
		state["entities"] = entities
		state["peer_use_cases"] = useCasesOf(remote)
	}
	return state, nil
}

// disconnect ends the connection and stays away until "reconnect".
func (n *node) disconnect(with struct {
	How    string `json:"how"` // "announce" (default) as SHIP 13.4.7 wants it, "drop" closes the socket only
	Reason string `json:"reason"`
}) (any, error) {
	tap, remote, err := n.peer()
	n.finder.hold(true)
	if err != nil {
		return false, nil
	}
	switch with.How {
	case "", "announce":
		n.hub.DisconnectSKI(remote.Ski(), with.Reason)
	case "drop":
		tap.ship.(shipapi.ShipConnectionInterface).CloseConnection(false, 0, "")
	default:
		return nil, errors.New("how is announce or drop")
	}
	return true, nil
}

// reconnect dials again, at another address and another SKI if they are given.
func (n *node) reconnect(with struct {
	SKI     string `json:"ski"`
	Address string `json:"address"`
}) (any, error) {
	if with.SKI != "" {
		n.options.remoteSKI = with.SKI
	}
	if with.Address != "" {
		if err := n.finder.point(n.options.remoteSKI, with.Address, n.options.path); err != nil {
			return nil, err
		}
	}
	n.finder.hold(false)
	n.hub.RegisterRemoteSKI(n.options.remoteSKI)
	return true, nil
}

func (n *node) trust(with struct {
	SKI string `json:"ski"`
	On  *bool  `json:"on"` // default true
}) (any, error) {
	if with.On != nil && !*with.On {
		n.hub.UnregisterRemoteSKI(with.SKI)
	} else {
		n.hub.RegisterRemoteSKI(with.SKI)
	}
	return true, nil
}

func (n *node) heartbeatStop(nothing) (any, error) {
	n.entity.HeartbeatManager().StopHeartbeat()
	return true, nil
}

func (n *node) heartbeatStart(nothing) (any, error) {
	return true, n.entity.HeartbeatManager().StartHeartbeat()
}

// heartbeatSend notifies one heartbeat of any content, whether the periodic one runs or not.
func (n *node) heartbeatSend(with struct {
	Counter   *uint64 `json:"counter"`
	TimeoutMS int     `json:"timeout_ms"`
	Timestamp string  `json:"timestamp"` // default now
}) (any, error) {
	feature := n.entity.FeatureOfTypeAndRole(model.FeatureTypeTypeDeviceDiagnosis, model.RoleTypeServer)
	if feature == nil {
		return nil, errors.New("no use case with a heartbeat")
	}
	data := &model.DeviceDiagnosisHeartbeatDataType{HeartbeatCounter: with.Counter,
		HeartbeatTimeout: model.NewDurationType(n.options.heartbeat),
		Timestamp:        model.NewAbsoluteOrRelativeTimeTypeFromTime(time.Now().UTC())}
	if with.TimeoutMS > 0 {
		data.HeartbeatTimeout = model.NewDurationType(time.Duration(with.TimeoutMS) * time.Millisecond)
	}
	if with.Timestamp != "" {
		data.Timestamp = model.NewAbsoluteOrRelativeTimeType(with.Timestamp)
	}
	if data.HeartbeatCounter == nil {
		old, _ := feature.DataCopy(model.FunctionTypeDeviceDiagnosisHeartbeatData).(*model.DeviceDiagnosisHeartbeatDataType)
		data.HeartbeatCounter = util.Ptr(uint64(1))
		if old != nil && old.HeartbeatCounter != nil {
			*data.HeartbeatCounter = *old.HeartbeatCounter + 1
		}
	}
	feature.SetData(model.FunctionTypeDeviceDiagnosisHeartbeatData, data)
	return data.HeartbeatCounter, nil
}

// operatingState sets the own DeviceDiagnosis state, "normalOperation", "failure"...
func (n *node) operatingState(with struct {
	State string `json:"state"`
	Code  string `json:"code"` // lastErrorCode
}) (any, error) {
	feature := n.entity.FeatureOfTypeAndRole(model.FeatureTypeTypeDeviceDiagnosis, model.RoleTypeServer)
	if feature == nil {
		return nil, errors.New("no use case with a state")
	}
	feature.AddFunctionType(model.FunctionTypeDeviceDiagnosisStateData, true, false)
	data := &model.DeviceDiagnosisStateDataType{OperatingState: util.Ptr(model.DeviceDiagnosisOperatingStateType(with.State))}
	if with.Code != "" {
		data.LastErrorCode = util.Ptr(model.LastErrorCodeType(with.Code))
	}
	feature.SetData(model.FunctionTypeDeviceDiagnosisStateData, data)
	return true, nil
}
