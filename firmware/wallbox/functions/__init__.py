"""The use case functions (UCF) of IEC 63380, protocol-neutral: one module each, shared by both protocol maps.

A function keeps what was asked of it and hands it to the arbiter through the sources it alone writes; what it
reports are facts of the station. It knows no ECHONET Lite, no SPINE, no sockets and no tasks.
"""
