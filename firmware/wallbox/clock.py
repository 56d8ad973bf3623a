"""Wall time: only for time stamps and absolute schedules, and it may be unknown."""

import time

from bounded.iso8601 import put_timestamp

_PLAUSIBLE_S = 1767225600  # 2026-01-01: a clock before that was never set


class Clock:
    """Seconds since 1970, whatever the platform counts from; `board.wall_offset_s` is its error, None: not set."""

    def __init__(self, board):
        self._board = board
        year = time.gmtime(0)[0]
        self._epoch_s = 946684800 if year == 2000 else 0
        self._text = bytearray(24)

    def now_s(self):
        """The time, None while it is unknown."""
        offset_s = getattr(self._board, "wall_offset_s", 0)
        if offset_s is None:
            return None
        now_s = int(time.time()) + self._epoch_s + offset_s
        return now_s if now_s >= _PLAUSIBLE_S else None

    def timestamp(self):
        """The time as SPINE writes it, None while it is unknown."""
        now_s = self.now_s()
        if now_s is None:
            return None
        size = put_timestamp(now_s, self._text)
        return str(self._text[:size], "ascii")
