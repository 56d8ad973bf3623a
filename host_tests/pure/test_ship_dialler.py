# heap: 256K
"""When the SHIP node dials a peer that does not answer (5.2: 0-3 s, 3-10 s, 10-20 s, then 20-60 s). Without TLS, which
CPython's `ssl` does not give in MicroPython's form, there is no node."""

try:
    from ship.node import Node
except ImportError:
    Node = None

SKI = "a" * 40
WAITS_S = ((0, 3), (3, 10), (10, 20), (20, 60), (20, 60))


class Trusting:
    def is_trusted(self, ski):
        return True


class Gone:
    """A session that was."""

    pair = None
    open = False

    def __init__(self, why):
        self.ski = SKI
        self.why = why


class Clock:
    """Time of a node that dials nobody, but writes down in `dials` when (s) it would have."""

    def __init__(self):
        class Dialler(Node):
            def __init__(self):  # no TLS, no sockets
                pass

        self.now_s = 0
        self.dials = []
        self.node = node = Dialler()
        node.sessions = []
        node.counts = {}
        node.shaking = None
        node.trust = Trusting()
        node._most = 5
        node._targets = {}
        node._begin = self.begin
        node.seen(SKI, "127.0.0.1", 4712)

    def begin(self, raw, ski, *rest):
        raw.close()
        self.dials.append(self.now_s)

    def next(self):
        """Wait for the next dial; how long after the one before, or after the last end of a session."""
        begun = self.now_s
        count = len(self.dials) + 1
        while len(self.dials) < count:
            self.now_s += 1
            assert self.now_s < 1000
            self.node.tick(1000)
        return self.now_s - begun


def test_a_dial_that_fails_is_repeated_one_step_later():
    for _ in range(20 if Node else 0):
        clock = Clock()
        for low, high in WAITS_S:
            assert low <= clock.next() <= high + 1
            clock.node.left(Gone("refused"))


def test_a_connection_that_was_open_is_dialled_again_at_once():
    for _ in range(20 if Node else 0):
        clock = Clock()
        for _ in range(3):
            clock.next()
            clock.node.left(Gone("refused"))
        clock.node._targets[SKI][3] = 0  # as `opened` does
        clock.node.left(Gone("left"))
        for low, high in WAITS_S[:3]:
            assert low <= clock.next() <= high + 1
            clock.node.left(Gone("refused"))


def test_one_who_rejected_us_is_left_alone_for_20_s():
    for _ in range(20 if Node else 0):
        clock = Clock()
        clock.next()
        clock.node.left(Gone("rejected"))
        assert 20 <= clock.next() <= 61


def test_a_dial_without_a_session_is_repeated_after_a_minute():
    if Node:
        clock = Clock()
        clock.next()
        assert 60 <= clock.next() <= 61
