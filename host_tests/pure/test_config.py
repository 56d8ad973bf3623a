# heap: 384K
"""Settings: defaults, checks, import, export, slots; row F1 of the fault table, power cuts at every step."""

import json

from bounded.records import Slots
from boards.sim.flash import Flash, PowerCut
from host_tests.pure.support import raises
from wallbox import config


def with_file(text, flash=None):
    flash = flash or Flash()
    flash.files["settings.json"] = bytearray(text.encode() if isinstance(text, str) else text)
    return flash


def message(function, *arguments):
    try:
        function(*arguments)
    except ValueError as error:
        return str(error)


def test_new_device_has_defaults_and_a_lasting_identity():
    flash = Flash()
    settings = config.load(flash)
    assert settings.problem is None and settings.ratings == {}
    assert settings.supply_ma == 0 and settings.min_ma == 6000 and settings.resume_hold_s == 5
    assert settings.profile == "core" and settings.bind == "" and settings.ship_port == 4712
    assert settings.echonet_charger is True and settings.echonet_v2x is False
    assert settings.echonet_release == b"R\x02" and settings.echonet_maker == b"\xff\xff\xff"
    assert settings.temperature_curve is None and settings.trust == ()
    assert len(settings.echonet_unique) == 13 and len(settings.serial) == 12
    again = config.load(flash)
    assert again.echonet_unique == settings.echonet_unique and again.serial == settings.serial
    assert config.load(Flash()).echonet_unique != settings.echonet_unique


def test_setting_put_back_to_its_default_is_forgotten_in_either_slot():
    flash = Flash()
    settings = config.load(flash)
    for value in (10000, 0, 0, 10000, 0, 0, 12000, 0):
        settings.set("supply_ma", value)
        settings.set("own_w", 5 if settings.own_w != 5 else 6)  # so that something is written each time
        settings.save()
        assert config.load(flash).supply_ma == value


SKI = "0123456789abcdef0123456789ABCDEF01234567"
CURVE = [500, 1000, 700, 500, 800, 0]
GOOD = (
    ("supply_ma", 0),
    ("supply_ma", 6000),
    ("supply_ma", 80000),
    ("profile", "full"),
    ("bind", "192.168.1.2"),
    ("model", "Wand-Ladestation \u00e4\u00f6\u00fc"),
    ("wifi_password", 'quote " and : and \\ '),
    ("echonet_minimal", True),
    ("echonet_charger_type", 0x21),
    ("echonet_lease_s", 0),
    ("temperature_curve", CURVE),
    ("temperature_curve", None),
    ("ratings.phases", 1),
    ("ratings.socket", True),
    ("ratings.max_ma", 63000),
)


def test_values_are_kept():
    for key, value in GOOD:
        flash = Flash()
        settings = config.load(flash)
        settings.set(key, value)
        assert settings.save()
        settings = config.load(flash)
        assert settings.problem is None
        if key[:8] == "ratings.":
            assert settings.ratings == {key[8:]: value}
        else:
            assert getattr(settings, key) == value


def test_texts_become_bytes_and_tuples():
    flash = Flash()
    settings = config.load(flash)
    settings.set("echonet_maker", "00000b")
    settings.set("trust", [SKI])
    assert settings.echonet_maker == b"\x00\x00\x0b" and settings.trust == (SKI.lower(),)
    settings.save()
    settings = config.load(flash)
    assert settings.echonet_maker == b"\x00\x00\x0b" and settings.trust == (SKI.lower(),)


BAD = (
    ("supply_ma", 5999, "supply_ma must be 0 or 6000 to 80000, not 5999"),
    ("supply_ma", 80001, "6000 to 80000"),
    ("supply_ma", "16000", "6000 to 80000, not '16000'"),
    ("supply_ma", True, "6000 to 80000"),
    ("supply_ma", None, "6000 to 80000"),
    ("min_ma", 0, "min_ma must be 6000 to 32000, not 0"),
    ("min_ma", 6000.0, "min_ma must be 6000"),
    ("min_ma", 10**30, "min_ma must be 6000"),
    ("failsafe_s", 7199, "7200 to 86400"),
    ("profile", "fuller", "profile must be core/full, not 'fuller'"),
    ("profile", 1, "core/full"),
    ("echonet_v2x", 1, "true or false"),
    ("model", "x" * 33, "text of at most 32 bytes"),
    ("model", "\u00e4" * 17, "text of at most 32 bytes"),
    ("model", "a\nb", "text of at most 32 bytes"),
    ("model", None, "text of at most 32 bytes"),
    ("echonet_maker", "12345", "3 bytes as hex digits"),
    ("echonet_maker", "12345g", "3 bytes as hex digits"),
    ("echonet_maker", "", "3 bytes as hex digits"),
    ("trust", SKI, "list of at most 8 SKIs"),
    ("trust", [SKI] * 9, "list of at most 8 SKIs"),
    ("trust", [SKI[1:]], "list of at most 8 SKIs"),
    ("temperature_curve", [500, 1000], "pairs"),
    ("temperature_curve", [500, 1000, 400, 0], "pairs"),
    ("temperature_curve", [500, 500, 600, 900, 700, 0], "pairs"),
    ("temperature_curve", [500, 1000, 600, 100], "pairs"),
    ("temperature_curve", [500, 1001, 600, 0], "pairs"),
    ("temperature_curve", [500, 1000, 600, -1], "pairs"),
    ("temperature_curve", [-500, 1000, 600, 0], "pairs"),
    ("temperature_curve", [500, 1000, "600", 0], "pairs"),
    ("temperature_curve", [n * 10 for n in range(14)], "pairs"),
    ("nonsense", 1, "there is no setting nonsense"),
    ("save", 1, "there is no setting save"),
    ("profile c core", 1, "there is no setting"),
    ("", 1, "there is no setting"),
    ("ratings", {}, "there is no setting"),
    ("ratings.nonsense", True, "there is no setting ratings.nonsense"),
    ("ratings.name", "other", "there is no setting ratings.name"),
    ("ratings.__class__", True, "there is no setting"),
    ("ratings.phases", 4, "ratings.phases must be 1 to 3, not 4"),
    ("ratings.rcm", 0, "ratings.rcm must be true or false, not 0"),
)


def test_bad_values_are_refused_by_name_and_range():
    settings = config.load(Flash())
    before = list(settings.items())
    for key, value, words in BAD:
        said = message(settings.set, key, value)
        assert said and words in said, (key, said)
        assert key in said
    assert list(settings.items()) == before and settings.ratings == {}
    assert "secret" not in message(settings.set, "wifi_password", "secret" * 20)


def test_import_is_whole_or_nothing():
    for key, value, words in BAD:
        flash = Flash()
        settings = config.load(flash)
        settings.set("supply_ma", 10000)
        settings.save()
        values = {"supply_ma": 20000, "own_w": 9}
        values[key] = value
        with_file(json.dumps(values), flash)
        settings = config.load(flash)
        assert settings.problem.startswith("settings.json: ") and words in settings.problem
        assert settings.own_w == 5 and settings.supply_ma == 10000 and settings.ratings == {}
        assert flash.size("settings.json") > 0  # it stays for the person to mend


def test_import_is_saved_and_the_file_removed():
    flash = with_file('{"version": 1, "supply_ma": 20000, "ratings.phases": 1}')
    settings = config.load(flash)
    assert settings.problem is None and settings.supply_ma == 20000 and settings.ratings == {"phases": 1}
    assert flash.size("settings.json") == 0
    settings = config.load(flash)
    assert settings.supply_ma == 20000 and settings.ratings == {"phases": 1}
    with_file('{"own_w": 0}', flash)  # on top of what is there
    settings = config.load(flash)
    assert settings.supply_ma == 20000 and settings.own_w == 0


def test_import_that_is_no_settings():
    texts = ["", " ", "[]", "1", "null", '"x"', "{", "}", '{"own_w": 1', "nonsense", "[" * 2000, "{" * 2000, "\x00"]
    texts += ['{"own_w": 1, "own_w": 2}', '{"own_w" 1}', '{"own_w": 1.5}', '{"version": 2}', '{"version": 0}']
    texts += ['{"version": "1"}', '{"version": null}', '{"version": true}', '{"bind": "%s"}' % ("x" * 5000)]
    texts += ["\ufeff{}", b"\xff\xfe{}", b'{"model": "\xc3"}', b"\x80"]
    for text in texts:
        flash = with_file(text)
        settings = config.load(flash)
        assert settings.own_w == 5 and settings.bind == "" and settings.model == "Wallbox"
        assert settings.problem is not None or not text, text
    assert "must be" in config.load(with_file('{"version": 2}')).problem
    assert config.load(with_file("{}")).problem is None
    assert config.load(with_file('{"bind": "a:\\"b", "model": "\\\\"}')).model == "\\"


def test_import_cut_anywhere_is_refused():
    text = '{"failsafe_w": 42000, "trust": ["%s"], "model": "}", "temperature_curve": [500, 1000, 600, 0]}' % SKI
    assert config.load(with_file(text)).problem is None
    for length in range(1, len(text)):
        settings = config.load(with_file(text[:length]))
        assert settings.problem and settings.failsafe_w == 4200 and settings.trust == ()


def test_import_with_any_byte_flipped_is_refused_or_within_range():
    text = b'{"supply_ma": 16000, "profile": "full", "temperature_curve": [500, 1000, 600, 0]}'
    for at in range(len(text)):
        for flip in (1, 4, 0x10, 0x80):
            raw = bytearray(text)
            raw[at] ^= flip
            settings = config.load(with_file(raw))
            if settings.problem:
                assert settings.supply_ma == 0 and settings.profile == "core" and not settings.temperature_curve
            else:
                assert 6000 <= settings.supply_ma <= 80000


def test_export_moves_everything_but_passwords_and_can_be_imported():
    settings = config.load(Flash())
    for key, value in GOOD:
        settings.set(key, value)
    settings.set("temperature_curve", CURVE)
    settings.set("trust", [SKI])
    text = "".join(settings.export())
    assert "wifi_password" not in text and json.loads(text)["version"] == 1
    other = config.load(with_file(text))
    assert other.problem is None
    settings.set("wifi_password", "")
    assert list(other.items()) == list(settings.items())
    assert "".join(other.export()) == text


def kept(supply_ma, own_w):
    """A flash with two good slots: an older supply_ma, then own_w set too."""
    flash = Flash()
    settings = config.load(flash)
    settings.set("supply_ma", supply_ma)
    settings.save()
    settings.set("own_w", own_w)
    settings.save()
    return flash


def newest_slot(flash):
    names = ("settings.0", "settings.1")
    return max((int.from_bytes(flash.files[name][:4], "little"), name) for name in names)[1]


def test_damaged_newest_slot_gives_the_last_good_one():
    flash = kept(10000, 50)
    name = newest_slot(flash)
    whole = flash.files[name]
    assert config.load(flash).own_w == 50
    for at in range(len(whole)):
        raw = bytearray(whole)
        raw[at] ^= 1 << at % 8
        flash.files[name] = raw
        settings = config.load(flash)
        assert settings.own_w == 5 and settings.supply_ma == 10000
    for length in range(0, len(whole), 3):
        flash.files[name] = whole[:length]
        settings = config.load(flash)
        assert settings.own_w == 5 and settings.supply_ma == 10000


def test_no_good_slot_gives_safe_defaults():
    flash = kept(32000, 50)
    for name in ("settings.0", "settings.1"):
        flash.files[name][9] ^= 1
    settings = config.load(flash)
    assert settings.supply_ma == 6000 and settings.own_w == 5 and settings.problem == "settings were lost"
    assert config.load(flash).supply_ma == 6000  # the identity was saved anew, and the caution with it


def crafted(flash, version, text):
    """Add a slot that is whole but holds `text` of `version`."""
    Slots(flash, "settings", 2048, version).write(text.encode())
    return flash


def test_slots_of_other_versions_and_with_nonsense_in_them():
    for version, text in (
        (2, '{"supply_ma": 32000}'),
        (0, '{"supply_ma": 32000}'),
        (65535, "{}"),
        (1, '{"supply_ma": 32000, "supply_ma": 32000}'),
        (1, '{"supply_ma": 32000, "gone": 1}'),
        (1, '{"supply_ma": 99999}'),
        (1, "[]"),
        (1, ""),
    ):
        flash = crafted(kept(10000, 50), version, text)
        settings = config.load(flash)
        assert settings.supply_ma == 10000 and settings.own_w == 50 and settings.problem
        settings.set("own_w", 60)
        assert settings.save() and config.load(flash).own_w == 60
        flash = crafted(Flash(), version, text)
        settings = config.load(flash)
        assert settings.supply_ma == 6000 and settings.problem == "settings were lost"


def state_of(settings):
    return settings.supply_ma, settings.own_w, settings.model


def test_power_cut_at_every_step_of_saving():
    base = kept(10000, 50)
    old = state_of(config.load(base))
    new = (16000, 60, "New")
    cut_after = 0
    done = False
    while not done:
        flash = Flash()
        for name in base.files:
            flash.files[name] = bytearray(base.files[name])
        settings = config.load(flash)
        settings.set("supply_ma", 16000)
        settings.set("own_w", 60)
        settings.set("model", "New")
        flash.cut_after(cut_after)
        try:
            done = settings.save()
        except PowerCut:
            pass
        flash.power_on()
        settings = config.load(flash)
        assert state_of(settings) == new if done else state_of(settings) in (old, new)
        assert settings.echonet_unique == config.load(base).echonet_unique
        cut_after += 3
    assert cut_after > 100


def test_power_cut_at_every_step_of_an_import():
    base = kept(10000, 50)
    old = state_of(config.load(base))
    new = (16000, 50, "New")
    cut_after = 0
    done = False
    while not done:
        flash = with_file('{"supply_ma": 16000, "model": "New"}')
        for name in base.files:
            flash.files[name] = bytearray(base.files[name])
        flash.cut_after(cut_after)
        try:
            assert state_of(config.load(flash)) == new
            done = True
        except PowerCut:
            pass
        flash.power_on()
        if flash.size("settings.json"):
            del flash.files["settings.json"]  # a person takes it away, else it would be imported now
            assert state_of(config.load(flash)) in (old, new)
        else:
            assert state_of(config.load(flash)) == new
        cut_after += 3
    assert cut_after > 100


def test_flash_that_cannot_be_written():
    flash = kept(10000, 50)
    flash.read_only = True
    settings = config.load(flash)
    settings.set("supply_ma", 16000)
    assert not settings.save() and "not saved" in settings.problem and settings.supply_ma == 16000
    with_file('{"own_w": 70}', flash)
    settings = config.load(flash)
    assert settings.own_w == 70 and "not saved" in settings.problem and flash.size("settings.json")
    fresh = Flash()
    fresh.read_only = True
    assert len(config.load(fresh).echonet_unique) == 13


def test_too_much_for_a_slot_is_told():
    settings = config.load(Flash())
    for key in ("bind", "hostname", "wifi_ssid", "wifi_password", "page_password", "vendor", "brand", "model"):
        settings.set(key, '"\\' * 16)  # each of them takes two bytes in JSON
    settings.set("trust", [SKI] * 8)
    assert settings.save()  # the most there can be fits
    assert raises(ValueError, settings.set, "trust", [SKI] * 9)


def test_table_is_sound():
    """Every default passes its own check, names are unique, and no setting hides a method."""
    settings = config.load(Flash())
    names = []
    for name, value, kind, usual in settings.items():
        if kind != "x" or value:
            settings.set(name, usual if usual or kind != "x" else value)
        assert name not in names and not hasattr(config.Settings, name)
        names.append(name)
    assert len(names) > 30
