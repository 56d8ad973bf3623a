// A SHIP peer in Go: crypto/tls and gorilla/websocket as the installed base uses them, our own SHIP handshake on top.
//
//	ship_gorilla client ADDRESS CERT.pem KEY.pem [1.2]
//	ship_gorilla server ADDRESS CERT.pem KEY.pem [1.2]
//
// It prints one JSON event a line (listening, connected, data, closed, failed) and takes orders on stdin, a line
// each: "send N" (a data message with N bytes of padding), "leave", "ping". A client ends with its connection.
package main

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

const (
	ready    = "\x01" + `{"connectionHello":[{"phase":"ready"},{"waiting":60000}]}`
	protocol = "\x01" + `{"messageProtocolHandshake":[{"handshakeType":"%s"},{"version":[{"major":1},{"minor":0}]},` +
		`{"formats":[{"format":["JSON-UTF8"]}]}]}`
	noPin   = "\x01" + `{"connectionPinState":[{"pinState":"none"}]}`
	ask     = "\x01" + `{"accessMethodsRequest":[]}`
	methods = "\x01" + `{"accessMethods":[{"id":"gorilla"}]}`
	leave   = "\x03" + `{"connectionClose":[{"phase":"announce"},{"maxTime":500},{"reason":"unspecific"}]}`
	confirm = "\x03" + `{"connectionClose":[{"phase":"confirm"}]}`
	data    = "\x02" + `{"data":[{"header":[{"protocolId":"ee1.0"}]},{"payload":{"datagram":[{"text":"%s"}]}}]}`
)

var mutex sync.Mutex // one writer; also guards the current peer
var current *websocket.Conn

func tell(event string, more any) {
	line, _ := json.Marshal(map[string]any{"event": event, "more": more})
	fmt.Println(string(line))
}

func say(peer *websocket.Conn, text string) error {
	mutex.Lock()
	defer mutex.Unlock()
	return peer.WriteMessage(websocket.BinaryMessage, []byte(text))
}

// expect reads one message and checks that it is the one wanted, or begins with it.
func expect(peer *websocket.Conn, wanted string) error {
	_ = peer.SetReadDeadline(time.Now().Add(20 * time.Second))
	kind, message, err := peer.ReadMessage()
	if err != nil {
		return err
	}
	if kind != websocket.BinaryMessage || !strings.HasPrefix(string(message), wanted) {
		return errors.New("not expected: " + string(message))
	}
	return nil
}

type step struct {
	send bool
	text string
}

func handshake(peer *websocket.Conn, server bool) error {
	announce, selected := fmt.Sprintf(protocol, "announceMax"), fmt.Sprintf(protocol, "select")
	steps := []step{{true, "\x00\x00"}, {false, "\x00\x00"}, {true, ready}, {false, ready}, {true, announce},
		{false, selected}, {true, selected}}
	if server {
		steps = []step{{false, "\x00\x00"}, {true, "\x00\x00"}, {false, ready}, {true, ready}, {false, announce},
			{true, selected}, {false, selected}}
	}
	steps = append(steps, step{true, noPin}, step{false, noPin}, step{true, ask}, step{false, ask}, step{true, methods},
		step{false, "\x01" + `{"accessMethods":[{"id":"`})
	for _, each := range steps {
		var err error
		if each.send {
			err = say(peer, each.text)
		} else {
			err = expect(peer, each.text)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func serve(peer *websocket.Conn, state *tls.ConnectionState, server bool) {
	defer peer.Close()
	if err := handshake(peer, server); err != nil {
		tell("failed", err.Error())
		return
	}
	peer.SetPongHandler(func(text string) error {
		tell("pong", text)
		return nil
	})
	mutex.Lock()
	current = peer
	mutex.Unlock()
	tell("connected", map[string]any{"suite": tls.CipherSuiteName(state.CipherSuite),
		"ski": fmt.Sprintf("%x", state.PeerCertificates[0].SubjectKeyId)})
	_ = peer.SetReadDeadline(time.Time{})
	for {
		_, message, err := peer.ReadMessage()
		if err != nil {
			tell("closed", err.Error())
			return
		}
		switch {
		case message[0] == 2:
			text := message
			if len(text) > 160 {
				text = text[:160]
			}
			tell("data", map[string]any{"bytes": len(message), "text": string(text[1:]),
				"padding": bytes.Count(message, []byte("y"))})
		case bytes.HasPrefix(message, []byte("\x03")) && bytes.Contains(message, []byte("announce")):
			_ = say(peer, confirm)
		}
	}
}

func orders() {
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		mutex.Lock()
		peer := current
		mutex.Unlock()
		if peer == nil {
			continue
		}
		word, size := "", 0
		_, _ = fmt.Sscan(lines.Text(), &word, &size)
		switch word {
		case "send":
			_ = say(peer, fmt.Sprintf(data, strings.Repeat("x", size)))
		case "leave":
			_ = say(peer, leave)
		case "ping":
			_ = peer.WriteControl(websocket.PingMessage, []byte("hello"), time.Now().Add(time.Second))
		}
	}
	os.Exit(0)
}

func main() {
	role, address := os.Args[1], os.Args[2]
	pair, err := tls.LoadX509KeyPair(os.Args[3], os.Args[4])
	if err != nil {
		panic(err)
	}
	config := &tls.Config{
		Certificates:       []tls.Certificate{pair},
		ClientAuth:         tls.RequireAnyClientCert,
		InsecureSkipVerify: true, // certificates are self-signed; SHIP compares the SKI instead
		MinVersion:         tls.VersionTLS12,
		CipherSuites: []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256,
			tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256},
		VerifyPeerCertificate: func(raw [][]byte, _ [][]*x509.Certificate) error {
			leaf, err := x509.ParseCertificate(raw[0])
			if err == nil && len(leaf.SubjectKeyId) != 20 {
				err = errors.New("no SKI")
			}
			return err
		},
	}
	if len(os.Args) > 5 {
		config.MaxVersion = tls.VersionTLS12
	}
	go orders()
	if role == "client" {
		dialer := websocket.Dialer{TLSClientConfig: config, Subprotocols: []string{"ship"}, HandshakeTimeout: 5 * time.Second}
		peer, _, err := dialer.Dial("wss://"+address+"/ship/", nil)
		if err != nil {
			tell("failed", err.Error())
			return
		}
		state := peer.UnderlyingConn().(*tls.Conn).ConnectionState()
		serve(peer, &state, false)
		return
	}
	upgrader := websocket.Upgrader{Subprotocols: []string{"ship"}, CheckOrigin: func(*http.Request) bool { return true }}
	listener, err := tls.Listen("tcp", address, config)
	if err != nil {
		panic(err)
	}
	tell("listening", address)
	server := http.Server{Handler: http.HandlerFunc(
		func(writer http.ResponseWriter, request *http.Request) {
			peer, err := upgrader.Upgrade(writer, request, nil)
			if err != nil {
				tell("failed", err.Error())
				return
			}
			serve(peer, request.TLS, true)
		})}
	panic(server.Serve(listener))
}
