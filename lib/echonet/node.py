"""The ECHONET Lite node: requests in, replies out; node profile 0EF0 (Appendix, release R); announcements.

What is answered and what is met with silence follows the five cases of clause 4.2.2 of the protocol: object absent
and service unknown are silent; property absent, service not available and wrong EDT give the "not possible" form.

A reply is at most 512 bytes, or as long as its request where that is longer: who sends more can take more. What does
not fit is "not possible" (52, PDC 0) beside the values that do, so that every property asked for is in the reply.
A Set, SetGet or SetI longer than the reply buffer is met with silence and does nothing, since its EDT could not be
echoed.
"""

from bounded.compat import const
from echonet.frame import begin, check
from echonet.object import EchonetObject, constant

_REPLY = const(512)
_PROFILE = const(0x0EF001)
_REQUESTS = b"\x60\x61\x62\x63\x6e\x74"
_SETS = b"\x60\x61\x6e"


class Node:
    """A node profile and the device `objects` (EchonetObject) behind it.

    `maker` is the maker code (3 bytes), `unique` what tells this unit from all others of the maker (13 bytes);
    `parts` are the profile's optional properties (88, 89, 8B..8E), as parts of an EchonetObject.

    `counts` are the datagrams by what became of them: 0 processed, 1 too short, 2 other header, 3 unknown service,
    4 no property, 5 cut off, 6 not a request (our own announcements heard again, too), 7 no such object,
    8 Set too long.
    """

    def __init__(self, maker, unique, objects, parts=()):
        self.counts = [0] * 9
        self._tid = 0x8000
        instances = bytes((len(objects),))
        classes = []
        for each in objects:
            instances += each.eoj.to_bytes(3, "big")
            if instances[-3:-1] not in classes:
                classes.append(instances[-3:-1])
        rows = (
            b"\x80\x57\x01\x30"  # on
            b"\x82\x17\x04\x01\x0e\x01\x00"  # version 1.14, specified message format
            b"\x83\x17\x11\xfe" + maker + unique
            + b"\x8a\x17\x03" + maker
            + constant(0xD3, bytes((0, 0, len(objects))))
            + constant(0xD4, bytes((0, len(classes) + 1)))
            + constant(0xD5, instances, 5)
            + constant(0xD6, instances)
            + constant(0xD7, bytes((len(classes),)) + b"".join(classes))
        )
        self.objects = (EchonetObject(_PROFILE, ((rows, None),) + tuple(parts)),) + tuple(objects)

    def handle(self, rx, length, out, reply):
        """Process the first `length` bytes of `rx`; call `reply(size, to_group)` for each answer put into `out`.

        `to_group` is True for what goes to the multicast group. `out` holds at least 522 bytes.
        Returns the service (ESV) that was processed, 0 when the datagram was dropped (see `counts`).
        """
        reason = check(rx, length)
        if not reason:
            esv = rx[10]
            if esv not in _REQUESTS:
                reason = 6
            elif length > len(out) and esv in _SETS:
                reason = 8
            else:
                reason = 7
                kind = rx[7] << 8 | rx[8]
                instance = rx[9]
                for each in self.objects:
                    if each.eoj >> 8 == kind and (not instance or each.eoj & 255 == instance):
                        reason = 0
                        size = self._answer(each, rx, length, out)
                        if size:
                            reply(size, out[10] == 0x73)
        self.counts[reason] += 1
        return 0 if reason else esv

    def _answer(self, each, rx, length, out):
        esv = rx[10]
        limit = _REPLY if length < _REPLY else min(length, len(out))
        setting = esv in _SETS
        good = True
        i = n = 11
        while True:
            opc = rx[i]
            out[n] = opc
            i += 1
            n += 1
            while opc:
                opc -= 1
                epc = rx[i]
                given = rx[i + 1]
                i += 2
                out[n] = epc
                n += 2
                size = 0
                if setting:
                    if not each.set(epc, rx, i, given):
                        good = False
                        size = given
                        for k in range(given):
                            out[n + k] = rx[i + k]
                elif esv != 0x74:
                    size = each.get(epc, out, n, limit - 2 * opc)
                    if not size:
                        good = False
                out[n - 1] = size
                n += size
                i += given
            if esv != 0x6E or not setting:
                break
            setting = False  # SetGet: now the second list
        if good:
            if esv == 0x60:
                return 0
            esv = 0x7A if esv == 0x74 else esv | 0x10
        else:
            esv -= 0x10
        begin(out, rx[2] << 8 | rx[3], each.eoj, rx[4] << 16 | rx[5] << 8 | rx[6], esv)
        return n

    def instances(self, out):
        """Write the announcement of the instance list (D5) into `out`; return its length."""
        self._inform(_PROFILE, out)
        out[11] = 1
        out[12] = 0xD5
        out[13] = size = self.objects[0].get(0xD5, out, 14, len(out))
        return 14 + size

    def announce(self, each, out):
        """Write the announcement of what changed in the object `each` into `out`; return its length or 0.

        One that could not be sent is made up for by `each.forget()`.
        """
        size = each.changes(out)
        if size:
            self._inform(each.eoj, out)
        return size

    def _inform(self, eoj, out):
        # Our own frames count in 8000..FFFF: some controllers match replies by TID alone, counting up from 1.
        self._tid = self._tid + 1 & 0xFFFF | 0x8000
        begin(out, self._tid, eoj, _PROFILE, 0x73)
