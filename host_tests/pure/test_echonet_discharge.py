# heap: 256K
"""The charger/discharger 027E on a board that can discharge: ratings, modes, methods, set-points, E0, counters."""

from boards.sim.flash import Flash
from host_tests.pure.test_echonet_map import V2X, Box, meter
from wallbox import remembered


class BackBox(Box):
    """A board that can discharge, and a car that says so (`can`) unless told otherwise."""

    def __init__(self, settings=None, can=True, **ratings):
        super().__init__(settings, discharge=True, temperature=False, **ratings)
        self.tick(**meter(ev_discharge=can, exported_wh=500))
        self.station.guard.state = "C"

    def back_ma(self):
        self.setpoint.step()
        self.station.arbitrate()
        return self.station.discharge.ma


def test_ratings_of_a_board_that_can_discharge():
    box = BackBox()
    assert box.get(0xC6, V2X) == 22080 and box.get(0xC9, V2X) == 22080 and box.get(0xCB, V2X) == 320
    assert box.get(0xCC, V2X) == 0x13 and box.get(0xCC) == 0x11, "it takes high-level communication to discharge"
    assert box.get(0xEC, V2X) == 22080 and box.get(0xEE, V2X) == 320, "all there is, as long as nothing was set"
    assert BackBox({"echonet_charger_type": 0x12}).get(0xCC, V2X) == 0x12, "as the settings say"
    maps = [box.ask(0x62, V2X, epc)[1] for epc in (0x9D, 0x9E, 0x9F)]
    plain = Box()
    assert maps == [plain.ask(0x62, V2X, epc)[1] for epc in (0x9D, 0x9E, 0x9F)], "the same properties"


def test_c7_says_what_the_car_can():
    box = BackBox(can=None, ev_data=True)
    assert box.get(0xC7) == box.get(0xC7, V2X) == 0x41
    box.station.readings.ev_discharge = True
    assert box.get(0xC7, V2X) == 0x43 and box.get(0xC7) == 0x41, "02A1 knows no discharging"
    assert box.told(V2X)[0xC7] == b"\x43" and box.told(V2X).get(0xC7) is None
    box.station.readings.ev_soc_per_cent = 100
    assert box.get(0xC7, V2X) == 0x42
    box.station.guard.faults = 1
    assert box.get(0xC7, V2X) == 0x40
    box.station.guard.state = "A"
    assert box.get(0xC7, V2X) == 0x30 and box.set(0xCD, 0x10, 1, V2X)


def test_da_43_discharges_as_dd_says():
    box = BackBox()
    assert not box.set(0xDA, 0x43), "02A1 does not"
    assert box.set(0xDA, 0x43, 1, V2X) and box.get(0xDA, V2X) == 0x43 and box.get(0xDA) == 0x40
    assert box.told(V2X)[0xDA] == b"\x43"
    assert box.back_ma() == 31900  # 22080 W at the voltage measured
    assert box.set(0xEC, 6900, 4, V2X) and box.back_ma() == 9900 and box.get(0xEC, V2X) == 6900
    assert box.set(0xEE, 60, 2, V2X) and box.back_ma() == 6000 and box.get(0xEE, V2X) == 60
    for method, ma in ((3, 9900), (4, 6000), (1, 31900), (6, 0), (0, 6000)):
        assert box.set(0xDD, method, 1, V2X) and box.get(0xDD, V2X) == method and box.back_ma() == ma
    assert not box.set(0xDD, 2, 1, V2X) and not box.set(0xDD, 5, 1, V2X)
    assert not box.set(0xEC, 22081, 4, V2X) and not box.set(0xEE, 321, 2, V2X) and box.back_ma() == 6000
    assert box.station.decision.offer_ma == 0, "and nothing is drawn"
    assert box.set(0xDA, 0x44) and box.back_ma() == 0
    assert box.set(0xDA, 0x42) and box.back_ma() == 0
    box.station.arbitrate()
    assert box.station.decision.offer_ma == 32000
    box.tick(ev_discharge=False)
    assert box.set(0xDA, 0x43, 1, V2X) and box.back_ma() == 0 and box.station.decision.offer_ma == 0


def test_the_e0_rule_in_both_directions():
    box = BackBox()
    for value in (1000, 0, -1000):
        assert not box.set(0xE0, value, 4, V2X), "neither DC nor DD is 06"
    assert box.get(0xE0, V2X) == 0 and box.get(0xDA, V2X) == 0x42
    assert box.set(0xDD, 6, 1, V2X)
    assert not box.set(0xE0, 1000, 4, V2X), "DC is not 06: neither DA nor E0 changes"
    assert box.get(0xE0, V2X) == 0 and box.get(0xDA, V2X) == 0x42
    box.told(V2X)
    assert box.set(0xE0, -6900, 4, V2X) and box.get(0xE0, V2X) == (1 << 32) - 6900
    assert box.get(0xDA, V2X) == 0x43 and box.back_ma() == 9900
    told = box.told(V2X)
    assert told[0xDA] == b"\x43" and told[0xE0] == b"\xff\xff\xe5\x0c"
    assert box.set(0xE0, 0, 4, V2X) and box.get(0xDA, V2X) == 0x42 and box.operation_mode.mode == 1
    assert box.set(0xDC, 6, 1, V2X) and box.set(0xE0, 6900, 4, V2X) and box.get(0xDA, V2X) == 0x42
    assert box.back_ma() == 0 and box.station.decision.offer_ma == 9900
    assert box.set(0xE0, 0, 4, V2X) and box.get(0xDA, V2X) == 0x44, "both are 06: standby"
    assert not box.set(0xE0, -22081, 4, V2X) and not box.set(0xE0, 22081, 4, V2X)
    assert box.set(0xE0, -6900, 4, V2X) and box.back_ma() == 9900
    assert box.set(0xDA, 0x42) and box.back_ma() == 0 and box.get(0xDA, V2X) == 0x42
    assert box.get(0xE0, V2X) == (1 << 32) - 6900, "its value changes only by a write"
    assert box.set(0xDA, 0x43, 1, V2X) and box.back_ma() == 9900


def test_what_flows_out_of_the_car_has_a_sign_and_a_counter():
    box = BackBox()
    box.tick(**meter(power_w=-6900, current_ma=[-10000, -9900, -10040], exported_wh=500))
    assert box.get(0xD3, V2X) == (1 << 32) - 6900 and box.get(0xD4, V2X) == (1 << 16) - 101 and box.get(0xD3) is None
    assert box.get(0xD6, V2X) == 500 and box.get(0xD8, V2X) == 1000
    box.station.now_ms += 60000
    box.tick(exported_wh=507)
    assert box.get(0xD6, V2X) == 507 and box.get(0xD8, V2X) == 1000
    assert box.set(0xD7, 0, 1, V2X) and box.get(0xD6, V2X) == 0 and box.get(0xD8, V2X) == 1000
    assert box.get(0xD7, V2X) is None and not box.set(0xD7, 1, 1, V2X)
    box.station.guard.out.contactor = True
    assert box.get(0xE1, V2X) == 0x43


def test_discharging_is_kept_over_a_power_cut_as_standby():
    flash = Flash(4096)
    box = BackBox()
    assert box.set(0xDA, 0x43, 1, V2X) and box.set(0xDD, 3, 1, V2X) and box.set(0xEC, 6900, 4, V2X)
    assert box.station.written
    remembered.save(box, flash)
    fresh = BackBox()
    remembered.restore(fresh, flash)
    assert fresh.get(0xDA, V2X) == 0x44 and fresh.back_ma() == 0, "who asked for it may be gone"
    assert fresh.get(0xDD, V2X) == 3 and fresh.get(0xEC, V2X) == 6900
    assert fresh.set(0xDA, 0x43, 1, V2X) and fresh.back_ma() == 9900
