"""Residual direct current monitor with a test input (IEC 62955: 6 mA in 10 s, 60 mA in 0.3 s, 200 mA in 0.1 s)."""


class ResidualCurrentMonitor:
    """`tripped` is its output; the test input raises it after `answer_ms`, letting go releases it."""

    def __init__(self):
        self.answer_ms = 30
        self.release_ms = 30
        self.tripped = False
        self._test_ms = 0
        self._free_ms = 0
        self._answered = False
        self._residual_ms = 0

    def step(self, dt_ms, test, energised, faults):
        """Live `dt_ms` with the test input at `test`; `energised`: a pole is closed and has voltage."""
        answer_ms = self.answer_ms
        release_ms = self.release_ms
        real = False
        if not faults:
            self._residual_ms = 0
        else:
            answer_ms = faults.get("rcm_answers_late", answer_ms)
            release_ms = faults.get("rcm_releases_late", release_ms)
            if "rcm_no_answer" in faults:
                test = False
            real = self._real(dt_ms, faults.get("residual_ma", 0) if energised else 0)
            real = real or "rcm_trip" in faults or "rcm_always_active" in faults
        if test:
            self._free_ms = 0
            self._test_ms += dt_ms
            if self._test_ms >= answer_ms:
                self._answered = True
        else:
            self._test_ms = 0
            self._free_ms += dt_ms
            if self._free_ms >= release_ms:
                self._answered = False
        self.tripped = real or self._answered

    def _real(self, dt_ms, residual_ma):
        if residual_ma < 6:
            self._residual_ms = 0
            return False
        self._residual_ms += dt_ms
        limit_ms = 10000 if residual_ma < 60 else 300 if residual_ma < 200 else 100
        return self._residual_ms >= limit_ms
