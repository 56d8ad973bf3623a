"""SHIP 1.0.1: TLS listener, websocket, connection states, DNS-SD responder, trust. Knows no SPINE."""
