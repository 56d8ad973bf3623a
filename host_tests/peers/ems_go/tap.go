package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	shipapi "github.com/enbility/ship-go/api"
	"github.com/enbility/spine-go/model"
)

// tap sits between spine-go and ship-go on one connection: it logs each SPINE message, finds the response to a
// request, and puts hand-made commands into datagrams of spine-go's sender (raw.go), whose counters thus stay right.
type tap struct {
	ship   shipapi.ShipConnectionDataWriterInterface
	spine  shipapi.ShipConnectionDataReaderInterface
	record *record

	mutex   sync.Mutex
	waiting map[uint64]*waiter
	early   map[uint64]map[string]any // responses nobody waits for, or not yet
	closed  bool

	rawMutex sync.Mutex
	raws     map[string]*rawOrder
}

type waiter struct {
	reply answer
	timer *time.Timer
}

type header struct {
	MsgCounter          *uint64 `json:"msgCounter"`
	MsgCounterReference *uint64 `json:"msgCounterReference"`
	CmdClassifier       string  `json:"cmdClassifier"`
}

type message struct {
	Datagram struct {
		Header  header `json:"header"`
		Payload struct {
			Cmd []json.RawMessage `json:"cmd"`
		} `json:"payload"`
	} `json:"datagram"`
}

var errNoResponse = errors.New("no response in time")
var errClosed = errors.New("disconnected")

func newTap(ship shipapi.ShipConnectionDataWriterInterface, record *record) *tap {
	return &tap{ship: ship, record: record, waiting: map[uint64]*waiter{}, early: map[uint64]map[string]any{},
		raws: map[string]*rawOrder{}}
}

// WriteShipMessageWithPayload is called by spine-go for each message it sends.
func (t *tap) WriteShipMessageWithPayload(text []byte) {
	defer func() { // ship-go writes into a closed channel when the connection ends in this moment
		if problem := recover(); problem != nil {
			t.record.Error("write failed: ", problem)
		}
	}()
	if raw := t.rawFor(text); raw != nil {
		raw.send(t, text)
		return
	}
	t.record.spine("out", text)
	t.ship.WriteShipMessageWithPayload(text)
}

// HandleShipPayloadMessage is called by ship-go for each message that came.
func (t *tap) HandleShipPayloadMessage(text []byte) {
	t.record.spine("in", text)
	var came message
	err := json.Unmarshal(text, &came)
	if err != nil {
		t.record.Error("unreadable message: ", err)
	}
	t.spine.HandleShipPayloadMessage(text)
	if err == nil && came.Datagram.Header.MsgCounterReference != nil {
		t.respond(*came.Datagram.Header.MsgCounterReference, came)
	}
}

func (t *tap) respond(reference uint64, came message) {
	t.mutex.Lock()
	found := t.waiting[reference]
	delete(t.waiting, reference)
	if found == nil { // it may have overtaken `ask`
		t.early[reference] = response(reference, came)
		delete(t.early, reference-200)
	}
	t.mutex.Unlock()
	if found != nil && found.timer.Stop() {
		found.reply(response(reference, came), nil)
	}
}

// response is what an order that sent something gets as its answer.
func response(counter uint64, came message) map[string]any {
	answer := map[string]any{"counter": counter, "classifier": came.Datagram.Header.CmdClassifier}
	if len(came.Datagram.Payload.Cmd) > 0 {
		cmd := came.Datagram.Payload.Cmd[0]
		var result struct {
			ResultData *struct {
				ErrorNumber *int   `json:"errorNumber"`
				Description string `json:"description"`
			} `json:"resultData"`
		}
		if err := json.Unmarshal(cmd, &result); err == nil && result.ResultData != nil {
			answer["error"] = result.ResultData.ErrorNumber
			answer["description"] = result.ResultData.Description
		} else {
			answer["cmd"] = cmd
		}
	}
	return answer
}

// ask sends with `send`, which returns the counter of its message, and replies with the response to it.
func (t *tap) ask(timeout time.Duration, reply answer, send func() (*model.MsgCounterType, error)) {
	counter, err := send() // may block until the connection ends, hence not under the lock
	if err == nil && counter == nil {
		err = errors.New("nothing was sent")
	}
	if err != nil {
		reply(nil, err)
		return
	}
	number := uint64(*counter)
	t.mutex.Lock()
	defer t.mutex.Unlock()
	if t.closed {
		reply(nil, errClosed)
		return
	}
	if come := t.early[number]; come != nil {
		delete(t.early, number)
		reply(come, nil)
		return
	}
	w := &waiter{reply: reply}
	w.timer = time.AfterFunc(timeout, func() {
		t.mutex.Lock()
		delete(t.waiting, number)
		t.mutex.Unlock()
		reply(nil, errNoResponse)
	})
	t.waiting[number] = w
}

func (t *tap) close() {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	t.closed = true
	for _, w := range t.waiting {
		if w.timer.Stop() {
			w.reply(nil, errClosed)
		}
	}
	t.waiting = map[uint64]*waiter{}
}

// gone tells whether the websocket under this connection is closed.
func (t *tap) gone() bool {
	connection, ok := t.ship.(shipapi.ShipConnectionInterface)
	if !ok {
		return true
	}
	closed, _ := connection.DataHandler().IsDataConnectionClosed()
	return closed
}

func (t *tap) rawFor(text []byte) *rawOrder {
	t.rawMutex.Lock()
	defer t.rawMutex.Unlock()
	for mark, raw := range t.raws {
		if strings.Contains(string(text), fmt.Sprintf("%q", mark)) {
			delete(t.raws, mark)
			return raw
		}
	}
	return nil
}
