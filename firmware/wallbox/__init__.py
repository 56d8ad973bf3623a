"""The wallbox: guard (evse), arbiter (limits), use case functions, their protocol maps, and the app that joins them."""
