package main

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	shipapi "github.com/enbility/ship-go/api"
	"github.com/enbility/ship-go/ship"
	spineapi "github.com/enbility/spine-go/api"
	"github.com/enbility/spine-go/model"
	"github.com/enbility/spine-go/util"
)

// rawOrder is the order "raw": one hand-made command. spine-go's sender is given a write with a mark in it; when the
// datagram passes the tap, header and command are replaced and it goes on its way.
type rawOrder struct {
	Classifier string                     `json:"classifier"` // default "write"
	To         string                     `json:"to"`         // type of the peer's server feature, or "NodeManagement"
	Entity     []model.AddressEntityType  `json:"entity"`     // of that feature; default: the first that has one
	From       *model.FeatureAddressType  `json:"from"`       // default: the own client feature of that type
	Header     map[string]json.RawMessage `json:"header"`     // elements to replace; null leaves one out
	Cmd        json.RawMessage            `json:"cmd"`        // one command in natural JSON, sent in the order given
	EEBUS      string                     `json:"eebus"`      // or: the text of the cmd element as it goes on the wire
	TimeoutMS  int                        `json:"timeout_ms"`
	NoWait     bool                       `json:"no_wait"`
}

var rawNumber atomic.Uint64

// headerOrder is the order of elements on the wire.
var headerOrder = []string{"specificationVersion", "addressSource", "addressDestination", "addressOriginator",
	"msgCounter", "msgCounterReference", "cmdClassifier", "ackRequest", "timestamp"}

func (n *node) raw(order rawOrder, reply answer) {
	tap, remote, err := n.peer()
	if err != nil {
		reply(nil, err)
		return
	}
	from, to, err := n.addresses(remote, &order)
	if err != nil {
		reply(nil, err)
		return
	}
	if (len(order.Cmd) == 0) == (order.EEBUS == "") {
		reply(nil, errors.New("one of cmd and eebus is needed"))
		return
	}
	mark := fmt.Sprintf("raw-%d", rawNumber.Add(1))
	tap.rawMutex.Lock()
	tap.raws[mark] = &order
	tap.rawMutex.Unlock()
	send := func() (*model.MsgCounterType, error) {
		return remote.Sender().Write(from, to, model.CmdType{Function: util.Ptr(model.FunctionType(mark))})
	}
	if order.NoWait {
		counter, err := send()
		reply(map[string]any{"counter": counter}, err)
		return
	}
	tap.ask(patience(order.TimeoutMS), reply, send)
}

func patience(ms int) time.Duration {
	if ms == 0 {
		ms = 15000 // spine-go's own devices take up to 10 s
	}
	return time.Duration(ms) * time.Millisecond
}

func (n *node) addresses(remote spineapi.DeviceRemoteInterface, order *rawOrder) (from, to *model.FeatureAddressType, err error) {
	wanted := model.FeatureTypeType(order.To)
	for _, entity := range remote.Entities() {
		if order.Entity != nil && fmt.Sprint(order.Entity) != fmt.Sprint(entity.Address().Entity) {
			continue
		}
		for _, feature := range entity.Features() {
			if to == nil && feature.Type() == wanted && feature.Role() != model.RoleTypeClient {
				to = feature.Address()
			}
		}
	}
	if to == nil {
		return nil, nil, fmt.Errorf("the peer has no server feature %q at %v", order.To, order.Entity)
	}
	from = order.From
	if from == nil && wanted == model.FeatureTypeTypeNodeManagement {
		from = n.device.NodeManagement().Address()
	}
	if from == nil {
		feature := n.entity.FeatureOfTypeAndRole(wanted, model.RoleTypeClient)
		if feature == nil {
			return nil, nil, fmt.Errorf("no own client feature %q: name one in from", order.To)
		}
		from = feature.Address()
	}
	if from.Device == nil {
		from.Device = n.device.Address()
	}
	return from, to, nil
}

// send replaces what spine-go made by what was ordered.
func (r *rawOrder) send(t *tap, made []byte) {
	var whole struct {
		Datagram struct {
			Header map[string]json.RawMessage `json:"header"`
		} `json:"datagram"`
	}
	if err := json.Unmarshal(made, &whole); err != nil {
		t.record.Error("raw: ", err)
		return
	}
	elements := whole.Datagram.Header
	if r.Classifier != "" {
		elements["cmdClassifier"], _ = json.Marshal(r.Classifier)
	}
	for name, value := range r.Header {
		if string(value) == "null" {
			delete(elements, name)
		} else {
			elements[name] = value
		}
	}
	head := inOrder(elements)
	if r.EEBUS == "" {
		text := []byte(`{"datagram":{"header":` + head + `,"payload":{"cmd":[` + string(r.Cmd) + `]}}}`)
		t.record.spine("out", text)
		t.ship.WriteShipMessageWithPayload(text)
		return
	}
	wire, err := ship.JsonIntoEEBUSJson([]byte(`{"header":` + head + `}`))
	if err == nil {
		err = t.frame(append([]byte{2}, `{"data":[{"header":[{"protocolId":"ee1.0"}]},{"payload":{"datagram":[`+wire+
			`,{"payload":[{"cmd":`+r.EEBUS+`}]}]}}]}`...))
	}
	if err != nil {
		t.record.Error("raw: ", err)
	}
}

func inOrder(elements map[string]json.RawMessage) string {
	var parts []string
	for _, name := range headerOrder {
		if value, ok := elements[name]; ok {
			parts = append(parts, fmt.Sprintf("%q:%s", name, value))
			delete(elements, name)
		}
	}
	for name, value := range elements { // unknown ones last
		parts = append(parts, fmt.Sprintf("%q:%s", name, value))
	}
	return "{" + strings.Join(parts, ",") + "}"
}

// frame puts bytes on the websocket as one binary message, the SHIP type byte first.
func (t *tap) frame(content []byte) error {
	connection, ok := t.ship.(shipapi.ShipConnectionInterface)
	if !ok {
		return errors.New("no access to the websocket")
	}
	t.record.put(map[string]any{"dir": "out", "frame": string(bytes.ToValidUTF8(content, []byte("?")))})
	return connection.DataHandler().WriteMessageToWebsocketConnection(content)
}

type frameOrder struct {
	Text string `json:"text"` // with the SHIP type byte in front, as \u0002
	Hex  string `json:"hex"`  // or so
}

func (n *node) frame(order frameOrder) (any, error) {
	tap, _, err := n.peer()
	if err != nil {
		return nil, err
	}
	content := []byte(order.Text)
	if order.Hex != "" {
		if content, err = hex.DecodeString(order.Hex); err != nil {
			return nil, err
		}
	}
	return len(content), tap.frame(content)
}
