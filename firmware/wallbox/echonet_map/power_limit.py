"""5.3.7 UCF_Power_Limit on ECHONET Lite: EPC 99, 87, C8 and the constant ratings that bound them."""

from echonet.frame import put
from echonet.object import constant


def _words(size, *values):
    data = bytearray(size * len(values))
    for i in range(len(values)):
        put(data, i * size, values[i], size)
    return bytes(data)


def ratings_rows(station, charger_type):
    """Rows of the ratings every object has: C5 rated power, CA range of current, CC type, D2 rated voltage."""
    ratings = station.ratings
    return (
        constant(0xC5, _words(4, station.rated_w))
        + constant(0xCA, _words(2, station.facts.min_ma // 100, ratings.max_ma // 100))
        + constant(0xCC, bytes((charger_type,)))
        + constant(0xD2, _words(2, ratings.nominal_mv // 1000))
    )


def discharge_rows(station, charger_type):
    """Rows of what a charger/discharger adds: C6 rated power, C9 and CB range of power and current for discharging, and
    with them D6 where nothing ever is discharged; CC where it is, since that takes high-level communication."""
    rated_w = max_ma = 0
    other = constant(0xD6, bytes(4))
    if station.ratings.discharge:
        rated_w = station.rated_w
        max_ma = station.ratings.max_ma
        other = constant(0xCC, b"\x13") if charger_type == 0x11 else b""
    return (
        constant(0xC6, _words(4, rated_w))
        + constant(0xC9, _words(4, 0, rated_w))
        + constant(0xCB, _words(2, 0, max_ma // 100))
        + other
        + constant(0xDE, _words(4, station.rated_w))
        + constant(0xDF, b"\x41")
    )


class PowerLimitMap:
    """Upper bounds in W (99) and per cent (87), and the range of power (C8) for the phases the car uses.

    99 reads as what counts: what was set, or the smaller limit of an energy guard; the setting itself stays.
    """

    def __init__(self, app):
        self._limit = app.power_limit
        self._station = app.station

    def get(self, epc):
        limit = self._limit
        if epc == 0x99:
            limit_w = limit.effective_w()
            return min(self._station.rated_w if limit_w is None else limit_w, 65533)
        return 100 if limit.limit_per_cent is None else limit.limit_per_cent

    def set(self, epc, value):
        return self._limit.set_w(value) if epc == 0x99 else self._limit.set_per_cent(value)

    def read(self, epc, out, at):
        station = self._station
        volts = station.ratings.nominal_mv // 1000
        put(out, at, station.facts.min_ma * station.facts.phases * volts // 1000, 4)
        put(out, at + 4, station.rated_w, 4)
        return 8
