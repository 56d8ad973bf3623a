"""What boards compute: plateaus of a sampled pilot, Modbus, S0 pulses, the NTC, the network's ladder, SNTP."""

from array import array

from boards.esp32 import ladder, modbus, ntc, sntp
from boards.esp32.plateau import STEADY, plateaus
from boards.esp32.pulses import Pulses


def _plateaus(samples, least=300000):
    found = array("i", (0, 0))
    plateaus(array("i", samples), len(samples), least, found)
    return tuple(found)


def _square(permille, high, low, step_us=45, phase_us=0, slope=None):
    samples = []
    for i in range(2050 // step_us + 1):
        at = (phase_us + i * step_us) % 1000
        samples.append(high if at < permille else low)
        if slope is not None and at < step_us // 2:
            samples[-1] = slope
    return samples


def test_plateaus_of_every_duty_and_phase():
    for permille in (100, 160, 266, 500, 533, 850, 960):
        for phase_us in range(0, 1000, 37):
            assert _plateaus(_square(permille, 2640000, 330000, 45 if permille < 950 else 30, phase_us)) == (
                2640000, 330000), (permille, phase_us)


def test_a_slope_and_a_spike_are_no_plateau():
    high, low = _plateaus(_square(100, 2640000, 330000, slope=1700000))
    assert (high, low) == (2640000, 330000)
    samples = _square(500, 2640000, 330000)
    samples[3] = 3300000
    assert _plateaus(samples)[0] == 2640000


def test_a_level_that_does_not_swing():
    assert _plateaus([2970000] * 40) == (2970000, STEADY)
    assert _plateaus([1000, 3000] * 20) == (2000, STEADY)


def test_modbus_frames():
    assert modbus.request(1, 4, 0x34, 2) == b"\x01\x04\x00\x34\x00\x02\x30\x05"
    frame = bytearray(b"\x01\x04\x04\x43\x66\x33\x34\x1b\x38")
    assert modbus.crc16(b"123456789", 9) == 0x4B37
    crc = modbus.crc16(frame, 7)
    frame[7], frame[8] = crc & 255, crc >> 8
    assert modbus.good(frame, 9, 1, 4, 2)
    assert modbus.value(frame, 0, "f32") == 230200
    for size in range(9):
        assert not modbus.good(frame, size, 1, 4, 2)
    assert not modbus.good(frame, 9, 2, 4, 2) and not modbus.good(frame, 9, 1, 3, 2)
    for at in range(9):
        for bit in range(8):
            frame[at] ^= 1 << bit
            assert not modbus.good(frame, 9, 1, 4, 2)
            frame[at] ^= 1 << bit
    refused = bytearray(b"\x01\x84\x02\xc2\xc1")
    assert not modbus.good(refused, 5, 1, 4, 2)


def test_numbers_of_a_meter():
    def number(raw, kind):
        return modbus.value(b"\x01\x04\x04" + raw, 0, kind)

    assert number(b"\xff\xfe\xff\xff", "s16") == -2 and number(b"\xff\xfe\xff\xff", "u16") == 65534
    assert number(b"\xff\xff\xff\xfe", "s32") == -2 and number(b"\x80\0\0\0", "u32") == 1 << 31
    assert number(b"\x3f\x80\0\0", "f32") == 1000 and number(b"\xbf\x80\0\0", "f32") == -1000
    assert number(b"\0\0\0\0", "f32") == 0 and number(b"\0\0\0\1", "f32") == 0
    assert number(b"\x3a\x83\x12\x6f", "f32") in (0, 1)  # 0.001
    assert number(b"\x45\x77\x30\0", "f32") == 3955000
    for unknown in (b"\x7f\xc0\0\0", b"\x7f\x80\0\0", b"\xff\x80\0\0", b"\x7f\x7f\xff\xff"):
        assert number(unknown, "f32") is None


def test_pulses():
    pulses = Pulses(1000)
    assert pulses.power_w is None and not pulses.step(500, 0)
    pulses.step(500, 1)
    assert pulses.power_w is None and pulses.energy_wh == 1  # one pulse has no interval
    for count in range(2, 12):
        pulses.step(500, count)
    assert pulses.power_w == 7200 and pulses.energy_wh == 11
    pulses.step(500, 11)
    assert pulses.power_w == 7200
    pulses.step(500, 11)
    assert pulses.power_w == 3600  # it cannot be more
    for _ in range(120):
        pulses.step(500, 11)
    assert pulses.power_w == 0 and pulses.energy_wh == 11


def test_a_pulse_counter_that_is_cleared_loses_nothing():
    pulses = Pulses(500)
    assert pulses.step(500, 16384)
    pulses.cleared(16386)
    pulses.step(500, 1)
    assert pulses.energy_wh == 16387 * 2


def test_quiet_from_the_start_is_unknown_before_it_is_nothing():
    pulses = Pulses(1000)
    for _ in range(119):
        pulses.step(500, 0)
        assert pulses.power_w is None
    pulses.step(500, 0)
    assert pulses.power_w == 0


def test_ntc():
    assert ntc.degrees_dc(10000) == 250 and ntc.degrees_dc(401860) == -400 and ntc.degrees_dc(357) == 1250
    assert ntc.degrees_dc(ntc.OPEN_OHM) is None and ntc.degrees_dc(300) is None and ntc.degrees_dc(0) is None
    last = 1 << 20
    for degrees in range(357, 401860, 111):
        now = ntc.degrees_dc(degrees)
        assert now <= last
        last = now
    assert abs(ntc.degrees_dc(2943) - 550) < 12  # 55 degrees
    assert ntc.ohm(1650, 3300, 10000) == 10000 and ntc.ohm(3290, 3300, 10000) == ntc.OPEN_OHM
    assert ntc.ohm(0, 3300, 10000) == 0 and ntc.ohm(-5, 3300, 10000) == 0


def test_the_ladder_of_reconnecting():
    steps = ladder.Ladder()
    found = [(at, what) for at in range(0, 300000, 500) for what in (steps.step(500, ""),) if what]
    assert found[0] == (0, ladder.CONNECT)
    assert [what for _, what in found[:6]] == [ladder.CONNECT, ladder.CONNECT, ladder.RESTART] * 2
    waits = [found[i + 1][0] - found[i][0] for i in range(len(found) - 1)]
    assert waits[0] == 15000 and waits == sorted(waits) and max(waits) == 60000
    assert steps.step(500, "10.0.0.2") == ladder.UP and steps.step(500, "10.0.0.2") == ladder.NOTHING
    assert steps.step(500, "") == ladder.NOTHING  # a blink
    assert steps.step(500, "10.0.0.2") == ladder.NOTHING
    assert steps.step(500, "10.0.0.3") == ladder.UP  # DHCP gave another
    assert steps.step(500, "") == ladder.NOTHING and steps.step(500, "") == ladder.DOWN
    alone = 0
    while steps.step(500, "") == ladder.NOTHING:
        alone += 500
    assert 13000 <= alone <= 15000 and steps.tries == 1


def test_sntp():
    cookie = b"\1\2\3\4\5\6\7\x08"
    packet = sntp.request(cookie)
    assert len(packet) == 48 and packet[0] == 0x23
    answer = bytearray(48)
    answer[0], answer[1] = 0x24, 2
    answer[24:32] = cookie
    answer[40:44] = (1800000000 + 2208988800).to_bytes(4, "big")
    assert sntp.seconds(answer, cookie) == 1800000000
    answer[40:44] = (2100000000 + 2208988800 - (1 << 32)).to_bytes(4, "big")  # after 2036
    assert sntp.seconds(answer, cookie) == 2100000000
    for at, value in ((0, 0x23), (0, 0xE4), (1, 0), (1, 16), (24, 9)):
        wrong = bytearray(answer)
        wrong[at] = value
        assert sntp.seconds(wrong, cookie) is None
    assert sntp.seconds(answer[:47], cookie) is None


def _board():
    from boards.esp32_wallbox.wiring import BOARD

    def copied(value):
        return {name: copied(value[name]) for name in value} if isinstance(value, dict) else value

    return copied(BOARD)


def test_the_boards_are_right():
    from boards.esp32 import schema
    from boards.esp32s3_wallbox.wiring import BOARD

    schema.check(BOARD)
    schema.check(_board())


def test_a_wrong_board_is_refused_by_a_sentence():
    from boards.esp32 import schema

    for path, value, words in (
        ("name", None, "name must be text"),
        ("chip", "esp8266", "chip must be esp32 or esp32s3"),
        ("pilot", None, "pilot is missing"),
        ("pilot.pwm", 36, "pin 36 of an esp32 can only read"),
        ("pilot.adc", 4, "no converter"),
        ("pilot.adc", 39, ".adc already"),
        ("pilot.pwm", 6, "no free pin 6"),
        ("pilot.pwm", 25, "needed for RMII"),
        ("pilot.zero_uv", 1.5, "pilot.zero_uv must be 100000 to 3000000, not 1.5"),
        ("pilot.uv_per_v", 0, "pilot.uv_per_v must be"),
        ("pilot.hz", 1000, "pilot has no hz"),
        ("contactor.coil", None, "no free pin None"),
        ("contactor.feedback", (34, 13), "is contactor.feedback already"),
        ("contactor.feedback", (), "ratings.aux_contacts is True, but contactor.feedback is missing"),
        ("rcm", None, "ratings.rcm is True, but rcm is missing"),
        ("ratings.max_ma", 90000, "ratings.max_ma must be 6000 to 80000"),
        ("ratings.interlock", True, "ratings.interlock is True, but alive is missing"),
        ("ratings.lock", True, "there is no driver"),
        ("ratings.volts", 1, "there is no rating volts"),
        ("ratings.phases", "3", "ratings.phases must be like"),
        ("meter.kind", "sml", "meter.kind must be modbus or s0"),
        ("meter.baud", 100, "meter.baud must be 1200 to 115200"),
        ("meter.parity", "none", "meter.parity must be None, even or odd"),
        ("meter.blocks", ((0, 99),), "a block has 1 to 60 registers"),
        ("meter.values", (("voltage_mv", 0, 80, "f32", 1, 1),), "register 80 of voltage_mv is in no block"),
        ("meter.values", (("voltage", 0, 0, "f32", 1, 1),), "is none of voltage_mv"),
        ("meter.values", (("power_w", 0, 52, "f32", 1, 1),), "power_w of phase 0"),
        ("meter.values", (("power_w", None, 52, "f64", 1, 1),), "'f64' is none of"),
        ("meter", {"kind": "s0", "pin": 13, "per_kwh": 1000}, "ratings.phases must be 1"),
        ("ethernet.phy_type", "LAN8720", "ethernet.phy_type must be a name such as PHY_LAN8720"),
        ("wifi", {}, "there is no word wifi"),
    ):
        board = _board()
        *folder, name = path.split(".")
        if folder:
            board[folder[0]][name] = value
        else:
            board[name] = value
        said = "nothing"
        try:
            schema.check(board)
        except ValueError as error:
            said = str(error)
        assert words in said, (path, value, said)
