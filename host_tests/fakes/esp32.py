"""`esp32` as far as the firmware asks: its heaps, and the pulse counter of chips and versions without Counter."""

HEAP_DATA = 4


def idf_heap_info(kind):
    return [(150000, 94000, 90000, 88000)]


class PCNT:
    """16 bit: wraps at its limits unless told otherwise. A test sets `counted`."""

    INCREMENT = 1
    HOLD = 0
    made = []

    def __init__(self, number, pin=None, rising=0, falling=0, filter=0, min=-32768, max=32767):
        if not 0 <= filter <= 1023:
            raise ValueError("filter must be from 0 to 1023")
        self.counted = 0
        self.started = False
        PCNT.made.append(self)

    def start(self):
        self.started = True

    def value(self, value=None):
        counted = self.counted
        if value is not None:
            self.counted = value
        return counted
