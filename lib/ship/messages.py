"""What SHIP control messages say, word for word as sent and by place as read, and its timers
(SHIP 13.4); and the mask of websocket frames."""

from bounded.compat import const, micropython, ptr8  # noqa: F401  (ptr8: a word of the viper compiler)

# Timers in ms.
T_HELLO = const(60000)  # T_hello_init and T_hello_inc
T_PROLONG_THR = const(30000)
T_PROLONG_GAP = const(15000)
T_PROLONG_MIN = const(1000)
T_STEP = const(10000)  # CMI, protocol handshake, PIN, access methods
T_LEAVE = const(500)
T_END = const(1000)
T_PING = const(45000)
SILENCE = const(60000)
LONGEST = const(600000)

# Messages in EEBUS JSON, each a whole frame: first byte of the websocket header, type of the SHIP message, text.
HELLO_FRAME = const(b'\x82\x01{"connectionHello":[{"phase":"%s"},{"waiting":%d}]}')
PROLONG_FRAME = const(b'\x82\x01{"connectionHello":[{"phase":"pending"},{"prolongationRequest":true}]}')
ABORT_FRAME = const(b'\x82\x01{"connectionHello":[{"phase":"aborted"}]}')
PROTOCOL_FRAME = const(
    b'\x82\x01{"messageProtocolHandshake":[{"handshakeType":"%s"},'
    b'{"version":[{"major":1},{"minor":0}]},{"formats":[{"format":["JSON-UTF8"]}]}]}'
)
ERROR_FRAME = const(b'\x82\x01{"messageProtocolHandshakeError":[{"error":%d}]}')
PIN_FRAME = const(b'\x82\x01{"connectionPinState":[{"pinState":"none"}]}')
ASK_FRAME = const(b'\x82\x01{"accessMethodsRequest":[]}')
ID_FRAME = const(b'\x82\x01{"accessMethods":[{"id":"%s"}]}')
LEAVE_FRAME = const(b'\x82\x03{"connectionClose":[{"phase":"announce"},{"maxTime":500},{"reason":"%s"}]}')
CONFIRM_FRAME = const(b'\x82\x03{"connectionClose":[{"phase":"confirm"}]}')

# What is read of control messages, and where it lies in the reader's row; no two messages share a place.
SCHEMA = const(
    b"connectionHello:(phase:s waiting:u prolongationRequest:b) "
    b"messageProtocolHandshake:(handshakeType:s version:(major:u) formats:(format:S)) "
    b"messageProtocolHandshakeError:e error:e connectionPinState:(pinState:s) "
    b"accessMethodsRequest:e accessMethods:(id:s) connectionClose:(phase:s))"
)
PHASE = const(0)
WAITING = const(1)
REQUEST = const(2)
TYPE = const(3)
MAJOR = const(4)
FORMATS = const(5)
REFUSED = const(6)  # an error frame, or the flat form of an old stack (pitfall 18)
FLAT = const(7)
PIN_STATE = const(8)
ASKED = const(9)
SHIP_ID = const(10)
CLOSING = const(11)
VALUES = const(12)

CONTROL = const(1024)  # of a control message no more is read
MESSAGE = const(131072)  # the longest message taken


@micropython.viper
def mask(buf: ptr8, key: ptr8, at: int, end: int):
    """Exclusive-or `buf[at:end]` with the four bytes of `key`; key[4] is where in the key to go on."""
    turn = int(key[4])
    while at < end:
        buf[at] = buf[at] ^ key[turn]
        turn = (turn + 1) & 3
        at += 1
    key[4] = turn
