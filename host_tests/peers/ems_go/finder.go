package main

import (
	"net"
	"strconv"
	"sync"
	"time"

	shipapi "github.com/enbility/ship-go/api"
)

// finder tells ship-go's hub where the peer is: by real mDNS, by a given address, or not at all. It is what the hub
// takes for mDNS, so that one address on the loopback serves as well as a network.
type finder struct {
	real  shipapi.MdnsInterface // nil without -mdns
	retry time.Duration
	queue func(ski string) // makes the hub dial at once instead of after up to 20 s

	mutex  sync.Mutex
	ski    string
	entry  *shipapi.MdnsEntry // nil without -address
	report shipapi.MdnsReportInterface
	held   bool        // no dialling until released
	timer  *time.Timer // of the next `show`; one at a time, else the hub dials twice at once
}

// point sets the address of the peer, host:port.
func (f *finder) point(ski, address, path string) error {
	host, portText, err := net.SplitHostPort(address)
	if err != nil {
		return err
	}
	port, err := strconv.Atoi(portText)
	if err != nil {
		return err
	}
	f.mutex.Lock()
	defer f.mutex.Unlock()
	f.ski = ski
	f.entry = &shipapi.MdnsEntry{Name: "box", Ski: ski, Identifier: "box", Path: path, Host: host, Port: port}
	return nil
}

func (f *finder) hold(held bool) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	f.held = held
}

// soon makes the hub dial after `delay`, or when it was going to already.
func (f *finder) soon(delay time.Duration) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	if f.timer == nil {
		f.timer = time.AfterFunc(delay, f.show)
	}
}

func (f *finder) show() {
	f.mutex.Lock()
	f.timer = nil
	entry, report, ski := f.entry, f.report, f.ski
	if f.held || entry == nil || report == nil {
		f.mutex.Unlock()
		return
	}
	f.mutex.Unlock()
	if f.retry > 0 {
		f.queue(ski)
	}
	copied := *entry // the hub sorts the addresses in place
	report.ReportMdnsEntries(map[string]*shipapi.MdnsEntry{ski: &copied}, true)
}

// ReportMdnsEntries passes on what real mDNS found.
func (f *finder) ReportMdnsEntries(entries map[string]*shipapi.MdnsEntry, newEntries bool) {
	f.mutex.Lock()
	held, report := f.held, f.report
	f.mutex.Unlock()
	if !held {
		report.ReportMdnsEntries(entries, newEntries)
	}
}

// What follows is shipapi.MdnsInterface.

func (f *finder) Start(report shipapi.MdnsReportInterface) error {
	f.mutex.Lock()
	f.report = report
	f.mutex.Unlock()
	f.soon(0)
	if f.real == nil {
		return nil
	}
	if err := f.real.Start(f); err != nil {
		return err
	}
	f.real.RequestMdnsEntries() // what ship-go found before it took note of whom to tell
	return nil
}

func (f *finder) RequestMdnsEntries() {
	f.soon(f.retry)
	if f.real != nil {
		f.real.RequestMdnsEntries()
	}
}

func (f *finder) Shutdown() {
	f.hold(true)
	if f.real != nil {
		f.real.Shutdown()
	}
}

func (f *finder) AnnounceMdnsEntry() error {
	if f.real != nil {
		return f.real.AnnounceMdnsEntry()
	}
	return nil
}

func (f *finder) UnannounceMdnsEntry() {
	if f.real != nil {
		f.real.UnannounceMdnsEntry()
	}
}

func (f *finder) SetAutoAccept(accept bool) {
	if f.real != nil {
		f.real.SetAutoAccept(accept)
	}
}
