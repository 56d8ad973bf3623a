"""Resistances at a converter: a sensor against ground with a pull-up resistor. Pure integers."""

from bounded.compat import const

OPEN_OHM = const(1 << 20)

# 10 kOhm at 25 degrees, B 3950: ohm, 0.1 degree Celsius, from cold to hot
NTC_10K = (
    401860, -400, 200204, -300, 105385, -200, 58246, -100, 33621, 0, 20174, 100, 12535, 200, 10000, 250, 8037, 300,
    5301, 400, 3588, 500, 2486, 600, 1759, 700, 1270, 800, 933, 900, 697, 1000, 529, 1100, 357, 1250,
)


def ohm(seen_mv, supply_mv, pull_ohm):
    """Resistance to ground that makes `seen_mv` behind `pull_ohm` from `supply_mv`; OPEN_OHM at the rail."""
    if seen_mv >= supply_mv * 98 // 100:
        return OPEN_OHM
    return max(0, seen_mv) * pull_ohm // (supply_mv - seen_mv)


def degrees_dc(resistance, table=NTC_10K):
    """0.1 degree Celsius, None when the sensor is open or shorted: beyond the ends of the table."""
    if not table[-2] <= resistance <= table[0]:
        return None
    for i in range(2, len(table), 2):
        if resistance >= table[i]:
            cold = table[i - 2]
            return table[i - 1] + (table[i + 1] - table[i - 1]) * (cold - resistance) // (cold - table[i])
    return None
