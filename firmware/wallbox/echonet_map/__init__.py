"""ECHONET Lite 5.3: the six use case functions on the EV charger (02A1) and the EV charger/discharger (027E)."""
