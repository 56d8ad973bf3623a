"""Whom the node trusts: adding, removing, the accept-any window, and what is left after a power cut."""

from bounded.records import Slots
from host_tests.pure.support import raises
from ship.trust import PEER_BYTES, Trust, normalise

A = "0123456789abcdef0123456789abcdef01234567"
B = "b" * 40
C = "c" * 40


class Store:
    """Bytes that outlive the Trust object; can be told to fail like a full flash."""

    def __init__(self):
        self.kept = None
        self.writes = 0
        self.full = False

    def read(self):
        return self.kept

    def write(self, record):
        if self.full:
            raise OSError(28)
        self.kept = record
        self.writes += 1


def sentence(function, *arguments):
    try:
        function(*arguments)
    except ValueError as error:
        return str(error)
    return None


def test_a_typed_ski_is_read_as_people_write_it():
    assert normalise(A) == A
    assert normalise("0123 4567 89AB CDEF 0123 4567 89AB CDEF 0123 4567\n") == A
    assert normalise("01:23:45:67:89:ab:cd:ef:01:23:45:67:89:ab:cd:ef:01:23:45:67") == A
    assert normalise("01234567-89ABCDEF-01234567-89ABCDEF-01234567") == A


def test_a_mistyped_ski_is_refused_with_the_reason():
    assert "39" in sentence(normalise, A[:39])
    assert "41" in sentence(normalise, A + "0")
    assert "digits 0-9" in sentence(normalise, "g" + A[1:])
    assert "digits 0-9" in sentence(normalise, A[:20] + "o" + A[21:])
    assert "digits 0-9" in sentence(normalise, A[:39] + "\u0660")
    assert sentence(normalise, "")


def test_nobody_is_trusted_at_first():
    trust = Trust(Store(), 3)
    assert not trust.is_trusted(A)
    assert trust.ship_id(A) is None
    assert trust.known() == []
    assert not trust.window_open(0)


def test_what_was_added_survives_a_power_cut():
    store = Store()
    trust = Trust(store, 3)
    trust.add(A.upper(), None)
    trust.add(B, "Demo-EMS-\u00e4")
    again = Trust(store, 3)
    assert again.is_trusted(A) and again.is_trusted(B) and not again.is_trusted(C)
    assert again.ship_id(A) is None
    assert again.ship_id(B) == "Demo-EMS-\u00e4"
    assert sorted(again.known()) == [A, B]


def test_the_ship_id_is_learnt_later_and_kept():
    store = Store()
    trust = Trust(store, 3)
    trust.add(A)
    trust.add(A, "EMS-1")
    assert trust.ship_id(A) == "EMS-1" and store.writes == 2
    trust.add(A, "EMS-1")
    trust.add(A)
    assert trust.ship_id(A) == "EMS-1" and store.writes == 2  # nothing new, nothing written
    trust.add(A, "EMS-2")
    assert Trust(store, 3).ship_id(A) == "EMS-2"


def test_a_ship_id_cannot_smuggle_in_another_peer():
    store = Store()
    trust = Trust(store, 3)
    trust.add(A, "x\n%s y" % B)
    again = Trust(store, 3)
    assert again.known() == [A]
    assert again.ship_id(A) == "x\n%s y" % B


def test_the_longest_list_fits_its_declared_size():
    store = Store()
    trust = Trust(store, 2)
    trust.add(A, "i" * 63)
    trust.add(B, "\u00e4" * 31)
    trust.proven(A, "10.0.0.7", 0)
    trust.proven(B, "10.0.0.8", 600000)
    assert len(store.kept) == 2 * PEER_BYTES - 1
    assert raises(ValueError, trust.add, B, "i" * 64)
    assert raises(ValueError, trust.add, C)
    assert sorted(Trust(store, 2).known()) == [A, B]


def test_a_removed_peer_stays_removed():
    store = Store()
    trust = Trust(store, 3)
    trust.add(A)
    trust.add(B)
    assert trust.remove(A.upper()) is True
    assert trust.remove(A) is False
    assert not trust.is_trusted(A) and trust.is_trusted(B)
    assert Trust(store, 3).known() == [B]


def test_a_store_that_fails_changes_nothing():
    store = Store()
    trust = Trust(store, 3)
    trust.add(A)
    store.full = True
    assert raises(OSError, trust.add, B)
    assert raises(OSError, trust.remove, A)
    assert trust.known() == [A]


def test_a_damaged_store_never_stops_the_start():
    store = Store()
    trust = Trust(store, 3)
    trust.add(A, "EMS-1")
    whole = store.kept
    for length in range(len(whole)):
        store.kept = whole[:length]
        Trust(store, 3).known()
    store.kept = whole[:-1] + b"\xff"
    assert Trust(store, 3).known() == [A]
    store.kept = whole * 9
    assert Trust(store, 3).known() == [A]


def test_a_longer_list_than_there_is_room_for_is_cut():
    store = Store()
    trust = Trust(store, 3)
    for ski in (A, B, C):
        trust.add(ski)
    assert len(Trust(store, 2).known()) == 2


def test_an_asker_is_remembered_and_the_newest_four_kept():
    trust = Trust(Store(), 9)
    skis = ["%040x" % number for number in range(6)]
    for ski in skis:
        assert trust.admit(ski, 0) is False
    assert trust.askers == skis[2:]
    trust.admit(skis[3], 0)
    assert trust.askers == [skis[2], skis[4], skis[5], skis[3]]
    trust.add(skis[4])
    assert skis[4] not in trust.askers
    assert trust.admit(skis[4], 0) is True


def test_the_window_takes_whoever_asks_until_it_closes():
    store = Store()
    trust = Trust(store, 2)
    trust.open_window(1000, 120000)
    assert trust.window_open(1000) and trust.window_open(120999)
    assert not trust.window_open(121000)
    assert trust.admit(A, 120999) is True
    assert trust.admit(B, 121000) is False
    assert Trust(store, 2).known() == [A]
    trust.open_window(200000, 120000)
    trust.open_window(200001, 0)
    assert not trust.window_open(200001)


def test_a_full_list_takes_nobody_even_with_the_window_open():
    trust = Trust(Store(), 1)
    trust.open_window(0, 1000)
    assert trust.admit(A, 1) and not trust.admit(B, 1)
    assert trust.askers == [B]


def test_who_waits_is_told_at_once():
    told = []
    trust = Trust(Store(), 3)
    trust.on_change = told.append
    trust.admit(A, 0)
    assert told == []
    trust.add(A)
    trust.add(A)
    trust.open_window(0, 100)
    trust.admit(B, 1)
    trust.remove(A)
    assert told == [A, None, B, A]


class Flash:
    """The store of a `Slots`; the supply fails after `left` more bytes."""

    def __init__(self):
        self.files = {}
        self.left = 1 << 20

    def read(self, name, at, count):
        return self.files.get(name, b"")[at : at + count]

    def write(self, name, data):
        self.files[name] = bytes(data[: self.left])
        if self.left < len(data):
            raise OSError(5)
        self.left -= len(data)


def test_a_power_cut_at_any_byte_costs_at_most_the_last_change():
    for left in range(0, 2 * PEER_BYTES + 12):
        flash = Flash()
        trust = Trust(Slots(flash, "trust", 3 * PEER_BYTES), 3)
        trust.add(A, "EMS-1")
        flash.left = left
        try:
            trust.add(B, "EMS-2")
        except OSError:
            assert not trust.is_trusted(B)
        flash.left = 1 << 20
        again = Trust(Slots(flash, "trust", 3 * PEER_BYTES), 3)
        assert again.ship_id(A) == "EMS-1"
        assert again.is_trusted(B) == trust.is_trusted(B)
        again.add(C)
        assert Trust(Slots(flash, "trust", 3 * PEER_BYTES), 3).is_trusted(C)


def test_the_address_of_a_trusted_peer_survives_a_power_cut():
    store = Store()
    trust = Trust(store, 3)
    trust.add(A, "EMS")
    trust.add(B)
    assert not trust.is_at("10.0.0.7")
    trust.proven(B, "10.0.0.7", 0)
    trust.proven(C, "10.0.0.9", 0)  # not trusted
    again = Trust(store, 3)
    assert again.is_at("10.0.0.7") and not again.is_at("10.0.0.9") and not again.is_at("10.0.0.70")
    assert again.ship_id(A) == "EMS" and again.ship_id(B) is None and sorted(again.known()) == [A, B]
    again.add(B, "Other")  # its ID leaves the address
    assert Trust(store, 3).is_at("10.0.0.7") and Trust(store, 3).ship_id(B) == "Other"
    again.remove(B)
    assert not again.is_at("10.0.0.7") and not Trust(store, 3).is_at("10.0.0.7")


def test_addresses_that_change_all_the_time_do_not_wear_the_flash():
    store = Store()
    trust = Trust(store, 3)
    trust.add(A)
    for i in range(60):
        trust.proven(A, "10.0.0.%d" % (i % 2), i * 60000)
        assert trust.is_at("10.0.0.%d" % (i % 2))
    assert store.writes == 7  # the peer, and an address every ten minutes
    trust.proven(A, "10.0.0.1", 10**7)
    assert store.writes == 7  # nothing new


def test_an_address_that_cannot_be_kept_counts_until_the_restart():
    store = Store()
    trust = Trust(store, 3)
    trust.add(A)
    store.full = True
    trust.proven(A, "10.0.0.7", 0)
    assert trust.is_at("10.0.0.7") and not Trust(store, 3).is_at("10.0.0.7")
    for odd in ("", "fe80::1", "10.0.0", "10.0.0.300", "here"):
        trust.proven(A, odd, 0)
        assert not trust.is_at(odd) and trust.is_at("10.0.0.7")


def test_a_record_of_before_addresses_is_read():
    store = Store()
    store.kept = bytes(range(20)) + b"\3EMS" + b"\xbb" * 20 + b"\0"
    trust = Trust(store, 3)
    assert sorted(trust.known()) == ["000102030405060708090a0b0c0d0e0f10111213", B]
    assert trust.ship_id("000102030405060708090a0b0c0d0e0f10111213") == "EMS" and not trust.is_at("0.0.0.0")
