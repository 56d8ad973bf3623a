# heap: 320K
"""Factory reset (S1): what goes and what stays, power cuts at every step."""

from boards.sim.flash import Flash, PowerCut
from bounded.records import Slots
from wallbox import config, factory_reset, starts

SKI = "0123456789abcdef0123456789abcdef01234567"


def used():
    """A box that somebody has used."""
    flash = Flash()
    settings = config.load(flash)
    for key, value in (("wifi_ssid", "home"), ("wifi_password", "secret12"), ("supply_ma", 10000), ("own_w", 9),
                       ("page_password", "page"), ("model", "Named"), ("trust", [SKI])):
        settings.set(key, value)
    assert settings.save()
    Slots(flash, "trust", 672).write(b"x" * 21)
    Slots(flash, "asked", 160).write(b"[true, 1, 2000]")
    starts.begin(flash, 3)
    flash.files["journal.0"] = bytearray(48)
    flash.files["identity/key.der"] = bytearray(b"key")
    return flash


def mark(flash, how):
    flash.write(factory_reset.MARK, bytes((how,)))


def owner_is_gone(flash, unique):
    settings = config.load(flash)
    assert settings.wifi_ssid == settings.wifi_password == settings.page_password == "" and settings.trust == ()
    assert settings.own_w == 5 and settings.echonet_unique == unique and settings.model == "Named"
    assert settings.supply_ma == 10000  # the installation bears no more
    assert not Slots(flash, "trust", 672).read() and Slots(flash, "asked", 160).read() == b"[]"
    assert flash.size("journal.0") == 48 and flash.size("identity/key.der") == 3
    assert not flash.size(factory_reset.MARK)


def test_what_the_owner_set_goes_and_who_the_device_is_stays():
    flash = used()
    unique = config.load(flash).echonet_unique
    mark(flash, 1)
    factory_reset.perform(flash, config.load)
    owner_is_gone(flash, unique)
    assert starts.begin(flash, 3) == 0


def test_a_refused_import_does_not_come_back():
    flash = used()
    flash.files["settings.json"] = bytearray(b'{"own_w": "x"}')
    mark(flash, 2)
    factory_reset.perform(flash, config.load)
    assert not flash.size("settings.json")


def test_wipe_leaves_nothing():
    flash = used()
    mark(flash, 3)
    factory_reset.perform(flash, config.load)
    assert not [name for name in flash.files if flash.size(name)]
    assert config.load(flash).supply_ma == 0


def test_f2_power_cut_at_every_step_leaves_the_rest_to_the_next_start():
    for how in (1, 3):
        cut = 0
        done = False
        while not done:
            flash = used()
            unique = config.load(flash).echonet_unique
            mark(flash, how)
            flash.cut_after(cut)
            try:
                factory_reset.perform(flash, config.load)
                done = True
            except PowerCut:
                pass
            flash.power_on()
            assert config.load(flash).supply_ma in (10000, 0 if how == 3 else 10000, 6000 if how == 3 else 10000)
            if not done:
                assert flash.size(factory_reset.MARK)
                factory_reset.perform(flash, config.load)
            if how == 1:
                owner_is_gone(flash, unique)
            else:
                assert not flash.size("identity/key.der") and not flash.size("trust.0") + flash.size("trust.1")
            cut += 7
        assert cut > (100 if how == 1 else 20)


def test_a_store_that_fails_keeps_the_mark():
    flash = used()
    mark(flash, 1)
    flash.read_only = True
    try:
        factory_reset.perform(flash, config.load)
        raise AssertionError
    except OSError:
        pass
    assert flash.size(factory_reset.MARK)
