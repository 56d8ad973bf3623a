"""The story of 200 cars and 50 connections, one after the other, with the whole firmware and an unmodified EMS."""

from host_tests.interop.firmware_spine import CAR, Wallbox, again
from host_tests.peers.ems import STATION

USE_CASES = ("cem-evcc", "cem-evcem", "cem-evsoc", "cem-opev", "cem-oscev")
_CARS = 200
_EVERY = 4  # cars a connection
_LOOK = 50


def many_cars(identity, address):
    """Each is seen and forgotten; every fourth time the connection ends, with or without a word, with a car or none."""
    used = []
    with Wallbox(address, "--profile", "full", "--heap", "260K", "--set", "ratings.ev_data=true",
                 trusted=(identity.ski,), car=None) as box, box.guarded(identity, usecases=STATION + USE_CASES) as ems:
        for car in range(_CARS):
            if car % (2 * _EVERY) == 0:
                again(ems, "drop" if car % (4 * _EVERY) else "announce")
            box.control.call("plug", **dict(CAR, soc=car % 100))
            if car % (2 * _EVERY) == _EVERY:
                again(ems, "drop" if car % (4 * _EVERY) == _EVERY else "announce")
            ems.wait_usecase(*USE_CASES)
            if car % _EVERY == 0:
                ems.until(lambda: ems.call("read").get("evsoc.soc") == car % 100)
            box.control.call("unplug")
            ems.until(lambda: not any(ems.call("usecases").get(name) for name in USE_CASES))
            if car % _LOOK == _LOOK - 1:
                used.append(box.used())
        box.survived()
        assert box.control.state()["ship"]["counts"].get("left", 0) <= _CARS // _EVERY
    # what leaks grows in every span; the collector may keep one dead session by a stale word in some
    grown = [b - a for a, b in zip(used, used[1:])]
    assert min(grown) < 400 and used[-1] - used[0] < 6000, used
