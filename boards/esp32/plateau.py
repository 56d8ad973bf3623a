"""The two plateaus of a pilot that was sampled without regard to its phase. Pure integers; allocates nothing.

Compiled to native code: five passes over a hundred samples at each look.

The mean of the upper and of the lower half would take slopes and a spike for plateaus. So each half is averaged
twice: the second time without what is farther from the first mean than an eighth of the swing.
"""

from bounded.compat import const, micropython

STEADY = const(-(1 << 29))  # instead of a low plateau: the level does not swing


@micropython.native
def plateaus(samples, count, least, found):
    """Put the upper and lower level of `samples[:count]` into `found`; swings below `least` are noise of one level."""
    low = high = samples[0]
    for i in range(1, count):
        value = samples[i]
        if value < low:
            low = value
        elif value > high:
            high = value
    if high - low < least:
        total = 0
        for i in range(count):
            total += samples[i]
        found[0] = total // count
        found[1] = STEADY
        return
    middle = (low + high) // 2
    near = (high - low) // 8
    for upper in (0, 1):
        mean = -1
        for again in (0, 1):
            total = used = 0
            for i in range(count):
                value = samples[i]
                if (value > middle) is not (upper == 1) or again and not mean - near <= value <= mean + near:
                    continue
                total += value
                used += 1
            if used:
                mean = total // used
        found[1 - upper] = mean
