"""The budgets of the heap on the 32-bit runtime, whose words are those of an ESP32: what `make size` measures by
halving is tried here at each gate alone."""

import heap
import pytest
import runtimes

from host_tests.conftest import missing_peer

_TRIES = 2  # under the load of other tests an EMS may give up; a heap that is too small fails each time


@pytest.fixture(scope="module", autouse=True)
def peer():
    try:
        runtimes.go_peer("ems_go")
    except runtimes.Missing as why:
        missing_peer("ems_go", str(why))


def fits(kilobytes, profile):
    return any(heap.enough_with_ems(kilobytes, profile) for _ in range(_TRIES))


def test_core_without_an_ems_in_64_kb():
    assert any(heap.enough(64) for _ in range(_TRIES))


def test_core_with_an_ems_over_tls_and_a_charging_car_in_80_kb():
    assert fits(80, "core")


def test_full_with_all_use_cases_of_an_ems_over_tls_in_its_goal_of_96_kb():
    assert fits(96, "full")


def test_a_heap_that_is_too_small_is_seen():
    assert not heap.enough_with_ems(70)
