"""An ECHONET Lite node in fixed memory: frames, objects made of property rows, node profile, UDP port 3610.

`frame` checks and writes frames in place, `object` serves properties from compact rows, `node` answers requests,
`udp` carries them. What the properties mean is up to the program that uses it.
"""
