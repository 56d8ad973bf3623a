package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"sync"
)

// record writes the log file: {"t":1.2,"dir":"out","spine":{"datagram":...}} for each SPINE message as spine-go made
// or got it, {"t":1.2,"trace":"..."} for what the modules log (which has the SHIP frames as they were on the wire).
type record struct {
	mutex sync.Mutex
	file  *os.File
}

func openRecord(path string) (*record, error) {
	if path == "" {
		return &record{}, nil
	}
	file, err := os.Create(path)
	return &record{file: file}, err
}

func (r *record) put(line map[string]any) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	if r.file == nil {
		return
	}
	line["t"] = seconds()
	text, err := json.Marshal(line)
	if err != nil { // a peer may send what is no JSON
		text, _ = json.Marshal(map[string]any{"t": line["t"], "unreadable": fmt.Sprint(line)})
	}
	_, _ = r.file.Write(append(text, '\n'))
}

func (r *record) spine(direction string, message []byte) {
	r.put(map[string]any{"dir": direction, "spine": json.RawMessage(message)})
}

func (r *record) close() {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	if r.file != nil {
		_ = r.file.Close()
		r.file = nil
	}
}

// The logging interface of ship-go.

func (r *record) write(level string, text string) {
	r.put(map[string]any{level: strings.TrimSpace(text)})
}

func (r *record) Trace(args ...interface{}) { r.write("trace", fmt.Sprintln(args...)) }
func (r *record) Tracef(format string, args ...interface{}) {
	r.write("trace", fmt.Sprintf(format, args...))
}
func (r *record) Debug(args ...interface{}) { r.write("debug", fmt.Sprintln(args...)) }
func (r *record) Debugf(format string, args ...interface{}) {
	r.write("debug", fmt.Sprintf(format, args...))
}
func (r *record) Info(args ...interface{}) { r.write("info", fmt.Sprintln(args...)) }
func (r *record) Infof(format string, args ...interface{}) {
	r.write("info", fmt.Sprintf(format, args...))
}
func (r *record) Error(args ...interface{}) { r.write("error", fmt.Sprintln(args...)) }
func (r *record) Errorf(format string, args ...interface{}) {
	r.write("error", fmt.Sprintf(format, args...))
}
