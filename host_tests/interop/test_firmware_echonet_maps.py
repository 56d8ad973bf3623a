"""The firmware's property maps against its behaviour, for every choice of objects, and what settings change in them.

Every EPC in the Get map answers with a value that the Appendix allows, every EPC in the Set map accepts a legal one,
and nothing outside them succeeds (reference 8, item 5).
"""

import pytest

from host_tests.peers.echonet_box import Box, Raw
from host_tests.peers.echonet_values import BATTERY, FIRST, LEGAL, MUST, flaw

BOX, OWN = "127.0.65.2", "127.0.65.3"
CHARGER, V2X, PROFILE = "02a101", "027e01", "0ef001"

CHOICES = {
    "charger": ((CHARGER,), ()),
    "charger and charger/discharger": ((CHARGER, V2X), ("echonet_v2x=true",)),
    "charger/discharger": ((V2X,), ("echonet_v2x=true", "echonet_charger=false")),
    "minimal": ((CHARGER, V2X), ("echonet_v2x=true", "echonet_minimal=true")),
    "battery known": ((CHARGER, V2X), ("echonet_v2x=true", "ratings.ev_data=true")),
}

# the superset that gives every use case function an answer (reference 4); battery items only with a source
SUPERSET = {
    CHARGER: {
        "get": "80 81 82 83 87 88 89 8a 8c 93 99 9d 9e 9f c5 c7 c8 ca cc d2 d3 d8 da e6 e7 eb ed",
        "set": "80 81 87 93 99 cd d9 da e7 eb ed",
        "inf": "80 81 88 99 c7 da eb ed",
    },
    V2X: {
        "get": "80 81 82 83 87 88 89 8a 8c 93 99 9d 9e 9f c5 c6 c7 c8 c9 ca cb cc d2 d3 d4 d5 d6 d8 da dc dd de df"
               " e0 e1 e6 e7 eb ec ed ee",
        "set": "80 81 87 93 99 cd d7 d9 da dc dd e0 e7 eb ec ed ee",
        "inf": "80 81 88 99 c7 da dc dd e0 e1 eb ec ed ee",
    },
}


def settings(words):
    return [part for word in words for part in ("--set", word)]


@pytest.fixture(scope="module", params=list(CHOICES))
def served(request):
    objects, words = CHOICES[request.param]
    with Box(*settings(words), bind=BOX) as box, Raw(OWN, BOX) as ems:
        box.wait(lambda state: state["session_wh"] is not None)  # the meter has been read
        yield request.param, objects, box, ems


def everything(ems, objects):
    """All values of all objects, without those that move by themselves."""
    return {eoj: ems.exchange(0x62, *[(epc, "") for epc in sorted(ems.maps(eoj)["get"])], eoj=eoj) for eoj in objects}


def test_the_profile_lists_exactly_the_objects(served):
    _, objects, _, ems = served
    classes = sorted({eoj[:4] for eoj in objects})
    assert ems.get("d6", PROFILE) == ems.get("d5", PROFILE) == "%02x%s" % (len(objects), "".join(objects))
    assert ems.get("d3", PROFILE) == "%06x" % len(objects)
    assert ems.get("d4", PROFILE) == "%04x" % (len(classes) + 1)
    listed = ems.get("d7", PROFILE)
    assert listed[:2] == "%02x" % len(classes)
    assert sorted(listed[at:at + 4] for at in range(2, len(listed), 4)) == classes
    assert ems.get("80", PROFILE) == "30" and ems.get("82", PROFILE) == "010e0100"
    for eoj in {CHARGER, V2X} - set(objects):
        assert ems.silent("1081 0001 05FF01 %s 62 01 80 00" % eoj)


def test_the_maps_hold_what_release_r_demands(served):
    name, objects, _, ems = served
    for eoj in objects + (PROFILE,):
        maps = ems.maps(eoj)
        for word in maps:
            assert MUST[eoj][word] <= maps[word], (eoj, word)
            if name == "minimal":
                assert maps[word] - MUST[eoj][word] <= {"80", "83", "dc", "dd"}, (eoj, word)
            elif eoj != PROFILE:
                wanted = set(SUPERSET[eoj][word].split())
                assert wanted <= maps[word], (eoj, word, wanted - maps[word])
        assert maps["inf"] - {"d5"} <= maps["get"], "every announced value can be read"
        has_battery = bool(maps["get"] & BATTERY)
        assert has_battery == (name == "battery known" and eoj != PROFILE)
    assert ems.maps(PROFILE) == {"get": MUST[PROFILE]["get"], "set": set(), "inf": {"80", "d5"}}


def test_every_property_of_the_get_map_answers_within_its_range(served):
    _, objects, _, ems = served
    for eoj in objects:
        for epc in sorted(ems.maps(eoj)["get"] - {"9d", "9e", "9f"}):
            value = ems.get(epc, eoj)
            if epc not in BATTERY:
                assert value is not None, (eoj, epc)
            assert value is None or flaw(epc, value, eoj) is None
        whole = sorted(ems.maps(eoj)["get"])
        esv, properties = ems.exchange(0x62, *[(epc, "") for epc in whole], eoj=eoj)
        assert [epc for epc, _ in properties] == whole
        assert esv == (0x72 if all(edt for _, edt in properties) else 0x52)


def test_every_property_of_the_set_map_accepts_a_legal_value(served):
    _, objects, _, ems = served
    for eoj in objects:
        maps = ems.maps(eoj)
        for epc in sorted(maps["set"]):
            if epc in FIRST:
                assert ems.set(*FIRST[epc], eoj=eoj)
            assert ems.set(epc, LEGAL[epc], eoj), (eoj, epc)
            if epc in maps["get"]:
                assert ems.get(epc, eoj) == LEGAL[epc], (eoj, epc)


def test_nothing_outside_the_maps_succeeds(served):
    _, objects, _, ems = served
    before = everything(ems, objects)
    for eoj in objects + (PROFILE,):
        maps = ems.maps(eoj)
        epcs = ["%02x" % code for code in range(256)]
        gets = [(epc, "") for epc in epcs if epc not in maps["get"]]
        assert ems.exchange(0x62, *gets, eoj=eoj) == (0x52, gets)
        assert ems.exchange(0x63, *gets, eoj=eoj) == (0x53, gets)
        sets = [(epc, edt) for epc in epcs if epc not in maps["set"]
                for edt in ("30", "0001", "00000000", "0102030405060708")]
        while sets:  # as many as fit
            assert ems.exchange(0x61, *sets[:80], eoj=eoj) == (0x51, sets[:80]), eoj
            del sets[:80]
    assert everything(ems, objects) == before


def test_values_outside_a_property_are_refused_and_change_nothing(served):
    _, objects, _, ems = served
    wrong = {
        "80": ("00", "32", "ff", "3030"), "81": ("0808", "02" + "00" * 16, "01" + "00" * 15, "01" + "00" * 17),
        "87": ("65", "fd", "ff", "0064"), "93": ("40", "43", "4141"), "99": ("fffe", "ffff", "64", "00000064"),
        "cd": ("00", "11", "1010"), "d7": ("01", "0000"), "d9": ("01", "0000"),
        "da": ("00", "40", "41", "43", "45", "46", "48", "49", "ff", "4242"), "dc": ("07", "41", "0101"),
        "dd": ("07", "01", "03", "06", "0000"), "e7": ("3b9aca00", "ffffffff", "00", "000001"),
        "e0": ("3b9aca00", "ffffffff", "80000000", "c4653600", "7fffffff", "01"),
        "eb": ("3b9aca00", "00005641", "fffffffe", "2af8", "0000002af8"),
        "ec": ("00000001", "ffffffff", "0000"), "ed": ("0141", "fffe", "ffff", "64"), "ee": ("0001", "00"),
    }
    for eoj in objects:
        settable = ems.maps(eoj)["set"]
        assert settable <= set(wrong)
        before = everything(ems, objects)
        for epc in settable:
            for edt in wrong[epc]:
                assert ems.set(epc, edt, eoj) is False, (eoj, epc, edt)
            assert ems.exchange(0x61, (epc, ""), eoj=eoj) == (0x51, [(epc, "")])
            assert ems.exchange(0x60, (epc, wrong[epc][0]), eoj=eoj) == (0x50, [(epc, wrong[epc][0])])
        assert everything(ems, objects) == before


def test_identity_and_ratings_follow_the_settings():
    words = ('echonet_release="5102"', "echonet_maker=FFFFF0", "echonet_unique=000102030405060708090A0B0C",
             "echonet_charger_type=18", "model=Wallbox 22", "serial=A-1", "ratings.phases=1", "ratings.max_ma=16000",
             "min_ma=8000", "echonet_v2x=true")
    with Box(*settings(words), bind=BOX) as box, Raw(OWN, BOX) as ems:
        for eoj in (CHARGER, V2X):
            assert ems.get("82", eoj) == "00005102"
            assert ems.get("8a", eoj) == "fffff0"
            assert ems.get("83", eoj) == ems.get("83", PROFILE) == "fefffff0000102030405060708090a0b0c"
            assert ems.get("cc", eoj) == "12"
            assert bytes.fromhex(ems.get("8c", eoj)) == b"Wallbox 22  "
            assert bytes.fromhex(ems.get("8d", eoj)) == b"A-1         "
            assert ems.get("c5", eoj) == "%08x" % 3680
            assert ems.get("c8", eoj) == "%08x%08x" % (1840, 3680), "8 A is the least here"
            assert ems.get("ca", eoj) == "%04x%04x" % (80, 160)
            assert ems.get("d2", eoj) == "%04x" % 230
            assert ems.set("eb", "%08x" % 3680, eoj) and not ems.set("eb", "%08x" % 3681, eoj)
            assert ems.set("ed", "%04x" % 160, eoj) and not ems.set("ed", "%04x" % 161, eoj)
        assert ems.get("8a", PROFILE) == "fffff0"
        box.restart()
        assert ems.get("83") == "fefffff0000102030405060708090a0b0c"


def test_a_new_box_makes_up_its_number_once(tmp_path):
    numbers = []
    for _ in range(2):
        with Box(bind=BOX, state=str(tmp_path / "one")), Raw(OWN, BOX) as ems:
            numbers.append(ems.get("83"))
    with Box(bind=BOX, state=str(tmp_path / "two")), Raw(OWN, BOX) as ems:
        numbers.append(ems.get("83"))
    assert numbers[0] == numbers[1] != numbers[2]
