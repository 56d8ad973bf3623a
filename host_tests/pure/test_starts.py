"""Starts in quick succession lead to safe mode (L3), whatever happens to flash meanwhile."""

from boards.sim.flash import Flash, PowerCut
from wallbox import starts

POWER_ON, RESET, WATCHDOG, SOFT = 1, 2, 3, 5


def begins(flash, causes):
    return [starts.begin(flash, cause) for cause in causes]


def test_l3_five_bites_of_the_watchdog_or_ten_other_starts():
    flash = Flash()
    assert begins(flash, [WATCHDOG] * 6) == [0, 0, 0, 0, 10, 10]
    flash = Flash()
    assert begins(flash, [POWER_ON] * 11) == [0] * 9 + [10, 10]
    flash = Flash()
    assert begins(flash, [POWER_ON] + [WATCHDOG] * 5) == [0] * 5 + [11]
    assert begins(Flash(), [RESET, 0, 99] * 4)[9:] == [10, 10, 10]


def test_a_start_from_the_repl_counts_nothing():
    flash = Flash()
    assert begins(flash, [SOFT] * 50) == [0] * 50 and not flash.files
    begins(flash, [RESET] * 10)
    assert starts.begin(flash, SOFT) == 10  # but it is no way out


def test_who_ran_well_begins_anew():
    flash = Flash()
    begins(flash, [WATCHDOG] * 4)
    starts.forget(flash)
    assert begins(flash, [WATCHDOG] * 5) == [0, 0, 0, 0, 10]
    starts.forget(flash)
    assert starts.begin(flash, RESET) == 0


def test_flash_is_written_once_a_start_and_not_in_safe_mode():
    flash = Flash()
    begins(flash, [RESET] * 10)
    steps = flash.steps
    begins(flash, [WATCHDOG] * 100)
    assert flash.steps == steps
    starts.forget(flash)
    steps = flash.steps
    starts.forget(flash)
    assert flash.steps == steps


def test_flash_that_cannot_be_written_counts_nothing():
    flash = Flash()
    flash.read_only = True
    assert begins(flash, [WATCHDOG] * 20) == [0] * 20


def test_f2_power_cut_while_counting_loses_that_start_at_most():
    for cut in range(30):
        flash = Flash()
        begins(flash, [RESET] * 3)
        flash.cut_after(cut)
        whole = False
        try:
            starts.begin(flash, RESET)
            whole = True
        except PowerCut:
            pass
        flash.power_on()
        left = begins(flash, [RESET] * 7).index(10)
        assert left == 5 if whole else left in (5, 6), cut


def test_nonsense_in_flash_is_no_safe_mode():
    flash = Flash()
    for raw in (b"", b"\xff" * 13, b"\0" * 40):
        flash.files["starts.0"] = bytearray(raw)
        flash.files["starts.1"] = bytearray(raw)
        assert starts.begin(flash, RESET) == 0
        starts.forget(flash)
