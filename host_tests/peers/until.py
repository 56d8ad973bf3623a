"""Waiting for a condition, for tests: how long a machine takes for something is no matter of right or wrong."""

import time


def until(condition, why=lambda: "", timeout_s=30, every_s=0.05):
    """Poll until `condition()` is true and return what it returned; AssertionError with `why()` else."""
    end = time.monotonic() + timeout_s
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < end, "not within %s s: %s" % (timeout_s, why())
        time.sleep(every_s)
