"""A charging plan: which power in which span of time, so that the energy is there by departure at the least cost.

Pure integers. Cheapest spans first, the earlier of two alike; each as high as it may. Only the last span taken may be
less than full. A span that allows less than the least power stays empty: the box never rounds up.
"""


def plan(seconds, most_w, price, count, need_wh, least_w, power_w):
    """Fill `power_w` for `count` spans of `seconds` length in which at most `most_w` may flow at `price` (any unit).

    Returns the Wh that find no place, rounded up; 0 when the need is met."""
    for i in range(count):
        power_w[i] = 0
    need_ws = need_wh * 3600
    for i in sorted(range(count), key=lambda span: price[span] * count + span):  # MicroPython's is not stable
        if need_ws <= 0:
            break
        high_w = most_w[i]
        if high_w < least_w or high_w <= 0 or seconds[i] <= 0:
            continue
        if high_w * seconds[i] > need_ws:
            high_w = max(-(-need_ws // seconds[i]), least_w)
        power_w[i] = high_w
        need_ws -= high_w * seconds[i]
    return max(-(-need_ws // 3600), 0)
