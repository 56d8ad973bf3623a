"""uecho as a test peer: `echonet_uecho.py OWN_ADDRESS NODE_ADDRESS`, see echonet_controller.py.

Its own reading of long property maps loses the codes from C0 up, so the maps are read here from what it received.
It stops listening at an announcement of a node it does not know yet: discover first.
"""

import json
import sys
import time

from uecho import Controller, Message, Property
from uecho.protocol.observer import Observer

NODE = sys.argv[2]


class Ear(Observer):
    """Keeps the announcements of the node."""

    def __init__(self):
        self.told = []

    def message_received(self, msg):
        if msg.from_addr[0] == NODE and msg.ESV == 0x73:
            for each in msg.properties:
                self.told.append(["%06x" % msg.SEOJ, "%02x" % each.code, bytes(each.data).hex()])


def ask(controller, eoj, esv, epc, edt=b""):
    """EDT and ESV of the answer."""
    message = Message()
    message.DEOJ = int(eoj, 16)
    message.ESV = esv
    message.add_property(Property(int(epc, 16), edt))
    reply = controller.post_message(message, controller.get_node(NODE) or NODE)
    if reply is None:
        raise TimeoutError("no reply to %s" % epc)
    return bytes(reply.properties[0].data), reply.ESV


def codes(edt):
    if edt[0] < 16:
        return ["%02x" % code for code in sorted(edt[1:])]
    return ["%x%x" % (8 + bit, low) for bit in range(8) for low in range(16) if edt[1 + low] >> bit & 1]


def answer(controller, ear, asked):
    op, eoj, epc = asked["op"], asked.get("eoj"), asked.get("epc")
    if op == "told":
        told, ear.told[:] = list(ear.told), []
        return told
    if op == "discover":
        controller.search()
        for _ in range(30):
            time.sleep(0.1)
            node = controller.get_node(NODE)
            if node is not None:
                return ["%06x" % each.code for each in node.objects if each.code >> 8 != 0x0EF0]
        return []
    if op == "maps":
        return {word: codes(ask(controller, eoj, 0x62, code)[0])
                for word, code in (("get", "9f"), ("set", "9e"), ("inf", "9d"))}
    if op == "get":
        edt, esv = ask(controller, eoj, 0x62, epc)
        return edt.hex() if esv == 0x72 else None
    if op == "set":
        return ask(controller, eoj, 0x61, epc, bytes.fromhex(asked["edt"]))[1] == 0x71
    if op == "read":
        values = {}
        for code in codes(ask(controller, eoj, 0x62, "9f")[0]):
            if code not in ("9d", "9e", "9f"):
                edt, esv = ask(controller, eoj, 0x62, code)
                values[code] = edt.hex() if esv == 0x72 else None
        return values
    raise ValueError(op)


def main():
    controller = Controller()
    ear = Ear()
    controller.start()
    controller.add_observer(ear)
    for line in sys.stdin:
        try:
            result = {"result": answer(controller, ear, json.loads(line))}
        except Exception as error:
            result = {"error": repr(error)}
        print(json.dumps(result), flush=True)
    controller.stop()


main()
