"""EEBUS SPINE 1.3.0: datagrams, addresses, filters, features and node management. Knows no charger and no socket."""
