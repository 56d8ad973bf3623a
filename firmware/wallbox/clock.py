"""Wall time: only for time stamps and absolute schedules, and it may be unknown."""

import time

_PLAUSIBLE_S = 1767225600  # 2026-01-01: a clock before that was never set


class Clock:
    """Seconds since 1970, whatever the platform counts from; `board.wall_offset_s` is its error, None: not set."""

    def __init__(self, board):
        self._board = board
        year = time.gmtime(0)[0]
        self._epoch_s = 946684800 if year == 2000 else 0
        self._text = bytearray(24)
        self._borrowed_s = None  # error of a clock that was never set, as an EMS knows it

    def now_s(self):
        """The time, None while it is unknown."""
        offset_s = getattr(self._board, "wall_offset_s", 0)
        now_s = int(time.time()) + self._epoch_s
        if offset_s is not None and now_s + offset_s >= _PLAUSIBLE_S:
            return now_s + offset_s
        return None if self._borrowed_s is None else now_s + self._borrowed_s

    def borrow(self, timestamp):
        """An EMS told the time: better than none. True when it will do; a clock that was set never moves."""
        from bounded.iso8601 import epoch_s  # not above: without an EMS nobody needs it

        told_s = epoch_s(timestamp.encode(), len(timestamp))
        if told_s is None or told_s < _PLAUSIBLE_S:
            return False
        self._borrowed_s = told_s - int(time.time()) - self._epoch_s
        return True

    def until_ms(self, when):
        """ms from now until `when`, as SPINE's time periods have it: these ms, or a time stamp (0 when it is over).
        None: negative, not said, no time stamp, or nobody knows the time."""
        if not isinstance(when, str):
            return None if when is None or when < 0 else when
        from bounded.iso8601 import epoch_s

        then_s = epoch_s(when.encode(), len(when))
        now_s = self.now_s()
        return None if then_s is None or now_s is None else max(then_s - now_s, 0) * 1000

    def timestamp(self):
        """The time as SPINE writes it, None while it is unknown."""
        now_s = self.now_s()
        if now_s is None:
            return None
        from bounded.iso8601 import put_timestamp

        size = put_timestamp(now_s, self._text)
        return str(self._text[:size], "ascii")
