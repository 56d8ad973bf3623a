"""The time from an SNTP server (RFC 4330): one packet each way. Pure; net.py has the socket."""

from bounded.compat import const

_BYTES = const(48)
_SINCE_1900 = 2208988800  # 1970 in seconds since 1900
_ERA = 1 << 32  # the 32 bits start again in 2036
_PLAUSIBLE_S = 1767225600  # 2026-01-01


def request(cookie):
    """The packet to send; `cookie`, 8 bytes, comes back in the answer, so that nobody else can give one."""
    packet = bytearray(_BYTES)
    packet[0] = 0x23  # version 4, client
    packet[40:48] = cookie
    return packet


def seconds(packet, cookie):
    """Seconds since 1970 as an answer says, None when it is none that can be believed."""
    if len(packet) < _BYTES or packet[0] & 7 != 4 or packet[0] >> 6 == 3 or not 1 <= packet[1] <= 15:
        return None  # no server's, not synchronised, or "go away"
    if bytes(packet[24:32]) != bytes(cookie):
        return None
    since_1970 = int.from_bytes(bytes(packet[40:44]), "big") - _SINCE_1900
    if since_1970 < _PLAUSIBLE_S:
        since_1970 += _ERA
    return since_1970
