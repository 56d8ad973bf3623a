// Command ems_go is a peer for tests: an energy management system (EMS) on the unmodified Go modules eebus-go,
// spine-go and ship-go. With -box it is a charging station instead, of the same modules, to try the EMS on.
//
// It obeys JSON lines on stdin and answers and reports in JSON lines on stdout (lines.go). It ends, with every
// connection closed, on the order "exit", when stdin closes and on SIGTERM.
package main

import (
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

type options struct {
	identity   string
	port       int
	remoteSKI  string
	address    string
	path       string
	mdns       bool
	interfaces string
	useCases   string
	heartbeat  time.Duration
	retry      time.Duration
	log        string
	box        bool
	serial     string
}

func main() {
	var o options
	var onlySKI, onlyDecode bool
	flag.StringVar(&o.identity, "identity", "", "folder of cert.pem and key.pem, which are made when absent; none: a new identity")
	flag.BoolVar(&onlySKI, "ski", false, "print the SKI of the identity and end")
	flag.BoolVar(&onlyDecode, "decode", false, "decode the messages in the files that are named, print us and bytes of each, and end")
	flag.IntVar(&o.port, "port", 0, "port of the own SHIP server; 0: any")
	flag.StringVar(&o.remoteSKI, "remote-ski", "", "SKI of the peer to trust and to look for")
	flag.StringVar(&o.address, "address", "", "host:port of the peer, dialled without mDNS")
	flag.StringVar(&o.path, "path", "/ship/", "path of the peer's websocket, with -address")
	flag.BoolVar(&o.mdns, "mdns", false, "announce this EMS by mDNS and find the peer by it")
	flag.StringVar(&o.interfaces, "interfaces", "", "names of the interfaces for mDNS, with commas; none: all")
	flag.StringVar(&o.useCases, "usecases", "eg-lpc,ma-mpc,cem-evsecc", "use cases, with commas")
	flag.DurationVar(&o.heartbeat, "heartbeat", 4*time.Second, "heartbeatTimeout promised; sent 2 s earlier if longer than 2 s")
	flag.DurationVar(&o.retry, "retry", 300*time.Millisecond, "between dials of -address; 0: the random delays of ship-go")
	flag.StringVar(&o.log, "log", "", "file for every SPINE message and the log of the modules, in JSON lines")
	flag.BoolVar(&o.box, "box", false, "be a charging station: cs/lpc, and MPC and EVSECC as their counterpart")
	flag.StringVar(&o.serial, "serial", "1", "serial number, part of the SPINE and SHIP addresses")
	flag.Parse()

	if onlyDecode {
		if err := decodeAll(flag.Args()); err != nil {
			fmt.Fprintln(os.Stderr, "ems_go:", err)
			os.Exit(1)
		}
		return
	}
	certificate, ski, err := identity(o.identity)
	if err != nil || flag.NArg() > 0 {
		fmt.Fprintln(os.Stderr, "ems_go:", err, flag.Args())
		os.Exit(2)
	}
	if onlySKI {
		fmt.Println(ski)
		return
	}
	out := newLines(os.Stdout)
	record, err := openRecord(o.log)
	if err != nil {
		fmt.Fprintln(os.Stderr, "ems_go:", err)
		os.Exit(2)
	}
	n := newNode(o, certificate, ski, out, record)
	ops := n.ops()
	if o.box {
		box, err := newBox(n)
		if err != nil {
			fmt.Fprintln(os.Stderr, "ems_go:", err)
			os.Exit(2)
		}
		box.addOps(ops)
	} else {
		ems, err := newEMS(n, strings.FieldsFunc(o.useCases, func(r rune) bool { return r == ',' }))
		if err != nil {
			fmt.Fprintln(os.Stderr, "ems_go:", err)
			os.Exit(2)
		}
		ems.addOps(ops)
	}
	if err := n.start(); err != nil {
		fmt.Fprintln(os.Stderr, "ems_go:", err)
		os.Exit(2)
	}
	out.event("started", map[string]any{"ski": ski, "port": o.port, "device": n.device.Address()})

	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)
	ended := make(chan struct{})
	go func() {
		obey(os.Stdin, out, ops)
		close(ended)
	}()
	select {
	case <-signals:
	case <-ended:
	}
	n.stop()
	record.close()
}
