"""Patterns of the status LED: what `Outputs.led` means, and how a board shows it.

0 ready (breathing slowly)   1 car connected (on)        2 charging (breathing)
3 paused by a limit (slow double blink)                  4 starting (fast)
13 residual current, 14 contactor, 15 pilot, 16 anything else: 3, 4, 5 or 6 blinks, pause
"""

from bounded.compat import const

_FAULT = const(10)


def brightness(pattern, ms):
    """Brightness 0..255 of a pattern at time `ms` (any free-running count); both ends of a breath are dim, not off."""
    if pattern >= _FAULT:
        turn = ms % ((pattern - _FAULT) * 400 + 1200)
        return 255 if turn < (pattern - _FAULT) * 400 and turn % 400 < 200 else 0
    if pattern == 1:
        return 255
    if pattern == 3:
        turn = ms % 2000
        return 255 if turn < 600 and turn % 400 < 200 else 0
    if pattern == 4:
        return 255 if ms % 200 < 100 else 0
    period = 2000 if pattern == 2 else 6000
    turn = ms % period
    return 16 + (min(turn, period - turn) * (478 if pattern == 2 else 200)) // period
