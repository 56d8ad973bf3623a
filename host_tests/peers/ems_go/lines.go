package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"sync"
	"time"
)

// An order is {"id":1,"op":"lpc.write","with":{"value":4200}}; its answer is {"id":1,"ok":...} or {"id":1,"failed":"why"}.
// An event is {"event":"connected","t":1.234,...}, t in seconds since the start. Answers may come out of order.

var begun = time.Now()

func seconds() float64 { return float64(time.Since(begun).Milliseconds()) / 1000 }

type lines struct {
	mutex sync.Mutex
	to    io.Writer
}

func newLines(to io.Writer) *lines { return &lines{to: to} }

func (l *lines) put(line map[string]any) {
	text, err := json.Marshal(line)
	if err != nil {
		text, _ = json.Marshal(map[string]any{"event": "unprintable", "why": err.Error()})
	}
	l.mutex.Lock()
	defer l.mutex.Unlock()
	_, _ = l.to.Write(append(text, '\n'))
}

func (l *lines) event(name string, fields map[string]any) {
	line := map[string]any{"event": name, "t": seconds()}
	for key, value := range fields {
		line[key] = value
	}
	l.put(line)
}

// answer is called once for each order, now or later.
type answer func(value any, err error)

// op obeys one order.
type op func(with []byte, reply answer)

// now makes an op of a function that knows its answer when it returns.
func now[P any](do func(P) (any, error)) op {
	return later(func(with P, reply answer) { reply(do(with)) })
}

// later makes an op of a function that answers in its own time.
func later[P any](do func(P, answer)) op {
	return func(with []byte, reply answer) {
		var parameters P
		if len(with) > 0 {
			decoder := json.NewDecoder(bytes.NewReader(with))
			decoder.DisallowUnknownFields()
			if err := decoder.Decode(&parameters); err != nil {
				reply(nil, err)
				return
			}
		}
		do(parameters, reply)
	}
}

type nothing struct{}

// obey runs orders one after the other until "exit" or the end of the input.
func obey(from io.Reader, out *lines, ops map[string]op) {
	reader := bufio.NewReader(from)
	for {
		line, err := reader.ReadBytes('\n')
		if err != nil {
			return
		}
		var order struct {
			ID   any             `json:"id"`
			Op   string          `json:"op"`
			With json.RawMessage `json:"with"`
		}
		reply := func(value any, err error) {
			if err != nil {
				out.put(map[string]any{"id": order.ID, "failed": err.Error()})
			} else {
				out.put(map[string]any{"id": order.ID, "ok": value})
			}
		}
		if err := json.Unmarshal(line, &order); err != nil {
			reply(nil, err)
			continue
		}
		if order.Op == "exit" {
			reply(true, nil)
			return
		}
		do := ops[order.Op]
		if do == nil {
			reply(nil, fmt.Errorf("unknown op %q", order.Op))
			continue
		}
		do(order.With, reply)
	}
}
