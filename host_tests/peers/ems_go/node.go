package main

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/enbility/eebus-go/api"
	shipapi "github.com/enbility/ship-go/api"
	"github.com/enbility/ship-go/hub"
	"github.com/enbility/ship-go/logging"
	"github.com/enbility/ship-go/mdns"
	spineapi "github.com/enbility/spine-go/api"
	"github.com/enbility/spine-go/model"
	"github.com/enbility/spine-go/spine"
)

// node joins ship-go's hub and spine-go's device as eebus-go's service does; that service makes its own mDNS and so
// cannot be told an address. It has one peer at a time.
type node struct {
	options options
	out     *lines
	record  *record

	ski    string
	finder *finder
	hub    *hub.Hub
	device *spine.DeviceLocal
	entity spineapi.EntityLocalInterface // CEM, or EVSE with -box

	mutex   sync.Mutex
	tap     *tap // of the connection that carries data, nil without
	tapSKI  string
	shipIDs map[string]string
}

var errNotConnected = errors.New("not connected")

func newNode(o options, certificate tls.Certificate, ski string, out *lines, record *record) *node {
	logging.SetLogging(record)
	n := &node{options: o, out: out, record: record, ski: ski, shipIDs: map[string]string{}}
	brand, deviceType, entityType := "EMS", model.DeviceTypeTypeEnergyManagementSystem, model.EntityTypeTypeCEM
	if o.box {
		brand, deviceType, entityType = "Box", model.DeviceTypeTypeChargingStation, model.EntityTypeTypeEVSE
	}
	id := "Tests-" + brand + "-" + o.serial
	n.finder = &finder{retry: o.retry}
	n.finder.queue = func(ski string) {
		n.hub.ServiceForSKI(ski).ConnectionStateDetail().SetState(shipapi.ConnectionStateQueued)
	}
	if o.mdns {
		var interfaces []string
		if o.interfaces != "" {
			interfaces = []string{o.interfaces}
		}
		n.finder.real = mdns.NewMDNS(ski, "Tests", brand, string(deviceType), id, id, o.port, interfaces,
			mdns.MdnsProviderSelectionGoZeroConfOnly)
	}
	self := shipapi.NewServiceDetails(ski)
	self.SetShipID(id)
	self.SetDeviceType(string(deviceType))
	n.hub = hub.NewHub(n, n.finder, o.port, certificate, self)
	n.device = spine.NewDeviceLocal("Tests", brand, o.serial, id, "d:_n:Tests_"+brand+"-"+o.serial, deviceType,
		model.NetworkManagementFeatureSetTypeSmart)
	n.entity = spine.NewEntityLocal(n.device, entityType, []model.AddressEntityType{1}, o.heartbeat)
	n.device.AddEntity(n.entity)
	_ = spine.Events.Subscribe(n)
	return n
}

// start fails when the port is taken, of which ship-go only logs.
func (n *node) start() error {
	if n.options.port != 0 {
		probe, err := net.Listen("tcp", fmt.Sprintf(":%d", n.options.port))
		if err != nil {
			return err
		}
		_ = probe.Close()
	}
	if n.options.address != "" {
		if err := n.finder.point(n.options.remoteSKI, n.options.address, n.options.path); err != nil {
			return err
		}
	}
	if n.options.remoteSKI != "" {
		n.hub.RegisterRemoteSKI(n.options.remoteSKI)
	}
	n.hub.Start()
	return nil
}

// stop says goodbye as SHIP wants it, then closes everything.
func (n *node) stop() {
	n.finder.hold(true)
	n.mutex.Lock()
	ski := n.tapSKI
	n.mutex.Unlock()
	if ski != "" {
		n.hub.DisconnectSKI(ski, "")
		for i := 0; i < 80 && n.connected(); i++ { // ship-go closes 500 ms after it said so
			time.Sleep(10 * time.Millisecond)
		}
	}
	n.hub.Shutdown()
}

func (n *node) connected() bool {
	n.mutex.Lock()
	defer n.mutex.Unlock()
	return n.tap != nil
}

// peer returns the connection and the remote device on it.
func (n *node) peer() (*tap, spineapi.DeviceRemoteInterface, error) {
	n.mutex.Lock()
	defer n.mutex.Unlock()
	if n.tap == nil {
		return nil, nil, errNotConnected
	}
	remote := n.device.RemoteDeviceForSki(n.tapSKI)
	if remote == nil {
		return nil, nil, errNotConnected
	}
	return n.tap, remote, nil
}

// useCasesOf is what the peer announced on this connection so far.
func useCasesOf(remote spineapi.DeviceRemoteInterface) []model.UseCaseInformationDataType {
	if len(remote.Entities()) == 0 || len(remote.Entities()[0].Features()) == 0 {
		return nil // before its discovery arrived
	}
	return remote.UseCases()
}

// What follows is shipapi.HubReaderInterface: the hub calls it.

func (n *node) SetupRemoteDevice(ski string, ship shipapi.ShipConnectionDataWriterInterface) shipapi.ShipConnectionDataReaderInterface {
	tap := newTap(ship, n.record)
	tap.spine = n.device.SetupRemoteDevice(ski, tap)
	n.mutex.Lock()
	n.tap, n.tapSKI = tap, ski
	n.mutex.Unlock()
	n.out.event("connected", map[string]any{"ski": ski})
	return tap
}

func (n *node) RemoteSKIConnected(ski string) {}

// RemoteSKIDisconnected: ship-go reports an announced close twice, the second time 500 ms later, when there may be a
// new connection already, and reports double connections that it closed.
func (n *node) RemoteSKIDisconnected(ski string) {
	n.mutex.Lock()
	tap := n.tap
	if tap != nil && !tap.gone() {
		n.mutex.Unlock()
		return
	}
	n.tap, n.tapSKI = nil, ""
	n.mutex.Unlock()
	if tap == nil {
		n.out.event("closed", map[string]any{"ski": ski})
		return
	}
	tap.close()
	n.device.RemoveRemoteDeviceConnection(ski)
	n.out.event("disconnected", map[string]any{"ski": ski})
}

func (n *node) VisibleRemoteServicesUpdated(entries []shipapi.RemoteService) {
	if n.finder.real == nil {
		return
	}
	for _, entry := range entries {
		n.out.event("visible", map[string]any{"ski": entry.Ski, "name": entry.Name, "id": entry.Identifier,
			"brand": entry.Brand, "type": entry.Type, "model": entry.Model})
	}
}

func (n *node) ServiceShipIDUpdate(ski string, shipID string) {
	n.mutex.Lock()
	defer n.mutex.Unlock()
	n.shipIDs[ski] = shipID
}

func (n *node) ServicePairingDetailUpdate(ski string, detail *shipapi.ConnectionStateDetail) {
	fields := map[string]any{"ski": ski, "state": pairingNames[detail.State()]}
	if detail.Error() != nil {
		fields["why"] = detail.Error().Error()
	}
	n.out.event("pairing", fields)
}

func (n *node) AllowWaitingForTrust(ski string) bool { return true }

var pairingNames = map[shipapi.ConnectionState]string{
	shipapi.ConnectionStateNone:                   "none",
	shipapi.ConnectionStateQueued:                 "queued",
	shipapi.ConnectionStateInitiated:              "initiated",
	shipapi.ConnectionStateReceivedPairingRequest: "pairing request",
	shipapi.ConnectionStateInProgress:             "in progress",
	shipapi.ConnectionStateTrusted:                "trusted",
	shipapi.ConnectionStatePin:                    "pin",
	shipapi.ConnectionStateCompleted:              "completed",
	shipapi.ConnectionStateRemoteDeniedTrust:      "denied by peer",
	shipapi.ConnectionStateError:                  "error",
}

// HandleEvent reports what spine-go learns from the peer, whichever use case it belongs to.
func (n *node) HandleEvent(payload spineapi.EventPayload) {
	change := map[spineapi.ElementChangeType]string{spineapi.ElementChangeAdd: "added",
		spineapi.ElementChangeUpdate: "updated", spineapi.ElementChangeRemove: "removed"}[payload.ChangeType]
	fields := map[string]any{"change": change}
	if payload.Entity != nil {
		fields["entity"] = payload.Entity.Address().Entity
		fields["entity_type"] = payload.Entity.EntityType()
	}
	switch payload.EventType {
	case spineapi.EventTypeDeviceChange:
		n.out.event("device", fields)
	case spineapi.EventTypeEntityChange:
		n.out.event("entity", fields)
	case spineapi.EventTypeSubscriptionChange, spineapi.EventTypeBindingChange:
		if payload.LocalFeature != nil {
			fields["feature"] = payload.LocalFeature.Type()
		}
		if payload.EventType == spineapi.EventTypeSubscriptionChange {
			n.out.event("subscription", fields)
		} else {
			n.out.event("binding", fields)
		}
	case spineapi.EventTypeDataChange:
		if beat, ok := payload.Data.(*model.DeviceDiagnosisHeartbeatDataType); ok {
			fields["counter"], fields["timeout"], fields["timestamp"] = beat.HeartbeatCounter, beat.HeartbeatTimeout, beat.Timestamp
			n.out.event("heartbeat", fields)
			return
		}
		fields["function"], fields["classifier"], fields["data"] = payload.Function, payload.CmdClassifier, payload.Data
		n.out.event("data", fields)
	}
}

// hubOnly is the part of eebus-go's service that its use cases call.
type hubOnly struct {
	api.ServiceInterface
	hub *hub.Hub
}

func (h hubOnly) DisconnectSKI(ski string, reason string) { h.hub.DisconnectSKI(ski, reason) }
