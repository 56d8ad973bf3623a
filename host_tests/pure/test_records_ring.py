"""The ring of events: order, loss of the oldest, no allocation when pushing."""

import gc

from bounded.compat import micropython
from bounded.ring import Ring


def test_ring():
    ring = Ring(3)
    assert len(ring) == 0 and ring.pop() is None and ring.newest() is None
    for n in range(5):
        ring.push(n, -n, 1 << 29, n * n)
    assert len(ring) == 3 and ring.lost == 2
    assert ring.newest() == (4, -4, 1 << 29, 16) and ring.newest(2)[0] == 2 and ring.newest(3) is None
    ring.again()
    assert ring.newest() == (4, -4, 1 << 29, 17)
    assert ring.pop()[0] == 2
    ring.push(5)
    assert [ring.pop()[0] for _ in range(3)] == [3, 4, 5] and ring.pop() is None and ring.lost == 2


def test_ring_push_allocates_nothing():
    ring = Ring(4)
    ring.push(1, 2, 3, 4)
    gc.collect()
    micropython.heap_lock()
    try:
        for n in range(10):
            ring.push(n, (1 << 30) - 1)
    finally:
        micropython.heap_unlock()
    assert ring.newest()[0] == 9
