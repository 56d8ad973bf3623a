"""SPINE's scaled numbers (number * 10^scale) in exact integers."""

from bounded.json_reader import KEEP


def scaled(number, scale, to=0):
    """`number` * 10^`scale` in units of 10^`to`, rounded down: (65, -1, -3) is 6500 (6.5 A in mA).

    A scale that did not come (None, KEEP) counts as 0; None stays None.
    """
    if number is None:
        return None
    power = (0 if scale is None or scale is KEEP else scale) - to
    if power > 30:  # beyond any unit: saturate
        power = 30
    if power < 0:
        return number // 10 ** min(-power, 30)
    return number * 10**power
