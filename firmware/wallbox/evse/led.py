"""Patterns of the status LED: what `Outputs.led` means, and how a board shows it.

0 ready (breathing slowly)   1 car connected (on)        2 charging (breathing)
3 paused by a limit (slow double blink)                  4 starting (fast)
5 pairing: whoever asks is accepted (alternating)
6 EMS lost (on, with two short gaps), 7 the same while charging (breathing with gaps)
12 settings were refused or lost: 2 blinks, pause
13 residual current, 14 contactor, 15 pilot, 16 any other fault: 3, 4, 5 or 6 blinks
17 the firmware itself, in safe state or safe mode: 7 blinks
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
        turn = ms % 4000
        return 255 if turn < 1200 and turn % 800 < 400 else 0
    if pattern == 4:
        return 255 if ms % 200 < 100 else 0
    if pattern == 5:
        return 255 if ms % 1000 < 500 else 0
    turn = ms % 3000
    if pattern > 5 and turn < 600 and turn % 400 < 200:
        return 0
    if pattern == 6:
        return 255
    period = 6000 if pattern == 0 else 2000
    turn = ms % period
    return 16 + (min(turn, period - turn) * (478 if period == 2000 else 200)) // period
