package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"runtime"
	"time"

	"github.com/enbility/ship-go/ship"
	"github.com/enbility/spine-go/model"
)

const decodeRuns = 50

// decodeAll prints for each file, a SHIP data message, how many us ship-go and spine-go take to decode it (the best of
// many runs) and how many bytes of memory they allocate for it.
func decodeAll(names []string) error {
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		best := time.Hour
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		for i := 0; i < decodeRuns; i++ {
			start := time.Now()
			if err := decode(text); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			best = min(best, time.Since(start))
		}
		runtime.ReadMemStats(&after)
		fmt.Println(best.Microseconds(), (after.TotalAlloc-before.TotalAlloc)/decodeRuns)
	}
	return nil
}

// decode does what ship-go and spine-go do with a message that arrives, up to the datagram in its types.
func decode(text []byte) error {
	var data struct {
		Data struct {
			Payload json.RawMessage `json:"payload"`
		} `json:"data"`
	}
	if err := json.Unmarshal(ship.JsonFromEEBUSJson(text), &data); err != nil {
		return err
	}
	var datagram model.Datagram
	if err := json.Unmarshal(data.Data.Payload, &datagram); err != nil {
		return err
	}
	if len(datagram.Datagram.Payload.Cmd) != 1 {
		return errors.New("not one command")
	}
	return nil
}
