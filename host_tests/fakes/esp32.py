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


class PowerCut(BaseException):
    """The supply went (`Ota.left`)."""


class Ota:
    """The flash of a chip as far as updates see it: two places for MicroPython and the bootloader's records of them.

    As the bootloader with rollback has it: an image that is switched to is started once, unless it is marked as valid
    while it runs the next reset brings back the one before. `left` writes until the supply goes, None = never.
    """

    SIZE = 10 * 4096

    def __init__(self, second=True):
        self.places = [bytearray(b"\xff" * self.SIZE) for _ in range(2 if second else 1)]
        self.records = [[0, "valid"]]  # (place, state), the newest last
        self.running = 0
        self.left = None

    def use(self):
        """One write."""
        if self.left is not None:
            if self.left <= 0:
                raise PowerCut
            self.left -= 1

    def boot(self):
        """A reset: the place that runs now."""
        place, state = self.records[-1]
        if state == "pending":  # it ran once and did not prove itself
            self.records[-1][1] = "aborted"
        elif state == "new":
            self.records[-1][1] = "pending"
        while self.records[-1][1] == "aborted" or self.places[self.records[-1][0]][0] != 0xE9:
            self.records.pop()
        self.running = self.records[-1][0]
        return self.running


ota = None  # an Ota: the chip's flash; None is a layout without


class Partition:
    BOOT = 0
    RUNNING = 1
    TYPE_APP = 0

    def __init__(self, which):
        if which not in (Partition.BOOT, Partition.RUNNING):
            raise OSError(2)
        self._place = ota.running if ota else 0

    def info(self):
        return (0, 16 + self._place, 0x10000 + self._place * Ota.SIZE, Ota.SIZE, "ota_%d" % self._place, False)

    def get_next_update(self):
        if not ota or len(ota.places) < 2:
            raise OSError(2)
        other = Partition(Partition.RUNNING)
        other._place = 1 - self._place
        return other

    def readblocks(self, block, buffer, offset=0):
        at = block * 4096 + offset
        buffer[:] = ota.places[self._place][at : at + len(buffer)]

    def writeblocks(self, block, buffer, offset=None):
        """Erases what it writes to; a cut leaves it erased, or half of it written."""
        if self._place == ota.running:
            raise OSError(-261)
        content = ota.places[self._place]
        at = block * 4096
        if at + len(buffer) > len(content):
            raise OSError(-260)
        ota.use()
        content[at : at + 4096] = b"\xff" * 4096
        half = len(buffer) // 2
        ota.use()
        content[at : at + half] = buffer[:half]
        ota.use()
        content[at : at + len(buffer)] = buffer

    def set_boot(self):
        if ota.places[self._place][0] != 0xE9:
            raise OSError(-5379)  # ESP_ERR_OTA_VALIDATE_FAILED
        ota.use()
        ota.records.append([self._place, "new"])

    @classmethod
    def mark_app_valid_cancel_rollback(cls):
        if not ota:
            raise OSError(-1)
        ota.use()
        ota.records[-1][1] = "valid"
