"""The pointer to the program that starts (firmware/slots.py), with power cuts at every byte of every write."""

from host_tests.pure.test_records import CutFlash, PowerCut
from slots import FILES, Pointer


def _at(store):
    pointer = Pointer(store)
    return pointer.folder, pointer.left


def test_without_a_pointer_nothing_starts():
    pointer = Pointer(CutFlash())
    assert pointer.begin() is None and pointer.other() == "a"
    pointer.prove()
    assert pointer.begin() is None


def test_switching_lasts():
    store = CutFlash()
    for folder in "abbab":
        pointer = Pointer(store)
        pointer.switch(folder)
        assert pointer.other() == ("b" if folder == "a" else "a")
        assert Pointer(store).begin() == folder and _at(store) == (folder, 0)


def test_a_program_on_trial_has_so_many_starts():
    store = CutFlash()
    Pointer(store).switch("a")
    Pointer(store).switch("b", 3)
    assert [Pointer(store).begin() for _ in range(5)] == ["b", "b", "b", "a", "a"]
    assert _at(store) == ("a", 0)


def test_a_program_that_proves_itself_stays():
    store = CutFlash()
    Pointer(store).switch("a")
    Pointer(store).switch("b", 1)
    pointer = Pointer(store)
    assert pointer.begin() == "b"
    pointer.prove()
    assert [Pointer(store).begin() for _ in range(3)] == ["b"] * 3


def test_starts_that_cannot_be_counted_are_no_starts():
    store = CutFlash()
    Pointer(store).switch("a")
    Pointer(store).switch("b", 2)
    store.full = True
    assert Pointer(store).begin() == "a"


def test_a_cut_at_any_byte_leaves_the_old_or_the_new():
    for torn in (0, 1):
        for atomic in (False, True):
            for before, act, after in (
                (("a", 0), lambda pointer: pointer.switch("b"), ("b", 0)),
                (("a", 0), lambda pointer: pointer.switch("b", 3), ("b", 4)),
                (("b", 4), lambda pointer: pointer.begin(), ("b", 3)),
                (("b", 1), lambda pointer: pointer.begin(), ("a", 0)),
                (("b", 2), lambda pointer: pointer.prove(), ("b", 0)),
            ):
                for steps in range(20):
                    store = CutFlash(torn, atomic)
                    Pointer(store).switch("a")
                    Pointer(store).switch(before[0], max(before[1] - 1, 0))
                    if before[1] == 1:
                        Pointer(store).switch("b", 1)
                        Pointer(store).begin()
                    assert _at(store) == before
                    store.budget = steps
                    try:
                        act(Pointer(store))
                        done = True
                    except PowerCut:
                        done = False
                    store.budget = None
                    assert _at(store) in ((after,) if done else (before, after)), (steps, torn, atomic, _at(store))
                    assert done or steps < 12
                assert done


def test_a_damaged_pointer_is_the_one_before_it():
    store = CutFlash()
    Pointer(store).switch("a")
    Pointer(store).switch("b")
    raw = bytes(store.files[FILES[1]])
    for at in range(len(raw)):
        for bit in range(8):
            damaged = bytearray(raw)
            damaged[at] ^= 1 << bit
            store.files[FILES[1]] = damaged
            assert _at(store) == ("a", 0)
    for size in range(len(raw)):
        store.files[FILES[1]] = raw[:size]
        assert _at(store) == ("a", 0)
    store.files[FILES[1]] = raw + b"\0"
    assert _at(store) == ("a", 0)
