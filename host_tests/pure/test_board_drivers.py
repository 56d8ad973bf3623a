"""Drivers of the ESP32 boards against stand-ins for its hardware (host_tests/fakes), with the traps those have."""

import asyncio

from host_tests import fakes
from wallbox.board import PILOT_F, PILOT_X1, Outputs, Readings

machine, _, esp32 = fakes.install()

from boards.esp32 import board  # noqa: E402
from boards.esp32 import meter as meters  # noqa: E402
from boards.esp32 import pilot as pilots  # noqa: E402
from boards.esp32.modbus import crc16  # noqa: E402

_ZERO_UV, _UV_PER_V = 1650000, 110000


class _Settings:
    wifi_ssid = "home"
    wifi_password = "secret12"
    hostname = "wallbox"
    time_server = "off"
    ratings = {}


class _Line:
    """The pilot line as the converter sees it: it follows the PWM of pin `pwm`, 45 us later at each look."""

    def __init__(self, pwm, adc, high_mv=12000, low_mv=-12000):
        self.high_mv, self.low_mv = high_mv, low_mv
        self.us = 0
        self._pwm = pwm
        machine.adc_values[adc] = self.read
        pilots.ticks_us = self.ticks

    def ticks(self):
        return self.us

    def read(self):
        self.us += 45
        u16 = machine.pwms[self._pwm].duty_u16()
        high = u16 == 65535 or u16 and self.us % 1000 < u16 * 1000 // 65536
        return _ZERO_UV + (self.high_mv if high else self.low_mv) // 10 * (_UV_PER_V // 100)


def _pilot():
    line = _Line(4, 36)
    return pilots.Pilot({"pwm": 4, "adc": 36, "zero_uv": _ZERO_UV, "uv_per_v": _UV_PER_V}), line


def test_pilot_is_made_high_and_set_in_nanoseconds():
    pilot, _ = _pilot()
    pwm = machine.pwms[4]
    assert pwm.duty_u16() == 65535 and pwm.freq() in (998, 1000)
    pilot.drive(533)
    assert abs(pwm.duty_ns() - 533000) < 20
    pilot.drive(PILOT_X1)
    assert pwm.duty_u16() == 65535
    pilot.drive(PILOT_F)
    assert pwm.duty_u16() == 0
    for permille in range(100, 961):
        pilot.drive(permille)
        assert abs(pwm.duty_ns() - permille * 1000) < 20


def test_pilot_measures_both_plateaus_at_every_duty():
    pilot, line = _pilot()
    readings = Readings()
    pilot.measure(readings)
    assert abs(readings.pilot_high_mv - 12000) < 50 and readings.pilot_low_mv is None
    for permille in (100, 166, 266, 533, 850, 900):
        for high_mv in (12000, 9000, 6000, 3000):
            line.high_mv = high_mv
            pilot.drive(permille)
            begun = line.us
            pilot.measure(readings)
            assert abs(readings.pilot_high_mv - high_mv) < 50, (permille, high_mv, readings.pilot_high_mv)
            assert abs(readings.pilot_low_mv + 12000) < 50
            assert 2000 <= line.us - begun < 2300 and readings.pilot_age_ms == 0  # two periods
    line.high_mv = 12000
    pilot.drive(0)
    pilot.measure(readings)
    assert readings.pilot_high_mv == readings.pilot_low_mv and readings.pilot_high_mv < -11900


def test_a_dead_converter_gives_a_voltage_that_the_guard_refuses():
    pilot, line = _pilot()
    readings = Readings()
    for dead_uv in (0, 3300000):
        machine.adc_values[36] = dead_uv
        line.us = 0
        pilots.ticks_us = lambda: 0  # nor does time pass: it must end all the same
        pilot.measure(readings)
        assert not -13000 <= readings.pilot_high_mv <= 13000


# --- meters


def _sdm630(volts=230, amperes=10, damaged=None):
    import struct

    wire = {}
    for phase in range(3):
        wire[2 * phase] = volts
        wire[6 + 2 * phase] = amperes
    wire[52] = 3 * volts * amperes
    wire[70] = 50
    wire[72] = 1234.5

    def answers(request):
        assert crc16(request, 6) == request[6] | request[7] << 8 and machine.pins[14].value() == 1
        register, count = request[2] << 8 | request[3], request[5]
        frame = bytearray((request[0], request[1], 2 * count))
        for at in range(register, register + count, 2):
            frame += struct.pack(">f", wire.get(at, 0))
        crc = crc16(frame, len(frame))
        frame += bytes((crc & 255, crc >> 8))
        return bytes(damaged(frame) if damaged else frame)

    return answers


def _round(damaged=None, amperes=10):
    from boards.esp32_wallbox.wiring import BOARD

    meter = meters.ModbusMeter(dict(BOARD["meter"], timeout_ms=20))
    machine.uarts[1].answers = _sdm630(amperes=amperes, damaged=damaged)
    values = meters.Values()
    return asyncio.run(meter.round(values)), values, meter


def test_modbus_meter_reads_everything():
    good, values, _ = _round()
    assert good and values.voltage_mv == [230000] * 3 and values.current_ma == [10000] * 3
    assert values.power_w == 6900 and values.energy_wh == 1234500 and values.frequency_mhz == 50000
    assert machine.pins[14].value() == 0 and machine.pins[14].written == [1, 0] * 3  # listens again


def test_modbus_meter_that_says_nothing_is_unknown():
    def flipped(frame):
        frame[5] ^= 1
        return frame

    for damaged in (lambda frame: b"", flipped, lambda frame: frame[:-1], lambda frame: bytes(frame) + b"\0",
                    lambda frame: b"\1\x84\2\xc2\xc1"):
        good, values, meter = _round(damaged)
        assert not good and meter.failures == 1
        readings = Readings()
        meter.values.measure(readings)
        assert readings.meter_age_ms is None and readings.power_w is None and readings.current_ma == [None] * 3


def test_modbus_meter_without_a_number_is_unknown_not_zero():
    good, values, _ = _round(amperes=float("nan"))
    assert good and values.current_ma == [None] * 3 and values.power_w is None and values.voltage_mv[0] == 230000


def test_leftovers_of_a_late_answer_are_thrown_away():
    good, _, meter = _round(lambda frame: b"")
    machine.uarts[1]._in = b"\1\4\x18late"
    machine.uarts[1].answers = _sdm630()
    assert asyncio.run(meter.round(meters.Values()))


def test_s0_meter_by_counter():
    meter = meters.S0Meter({"kind": "s0", "pin": 18, "per_kwh": 1000}, 230000)
    counter = machine.Counter.made[-1]
    readings = Readings()
    meter.look(500)
    meter.values.measure(readings)
    assert readings.power_w is None and readings.meter_age_ms is None
    for counted in range(1, 4):
        counter.counted = counted
        meter.look(1000)
    meter.values.measure(readings)
    assert readings.power_w == 3600 and readings.energy_wh == 3 and readings.current_ma == [15652, None, None]
    counter.counted = 20000
    meter.look(1000)
    assert counter.counted == 0 and meter.values.energy_wh == 20000


def test_s0_meter_by_pcnt_where_there_is_no_counter():
    counter = machine.Counter
    del machine.Counter
    try:
        meters.S0Meter({"kind": "s0", "pin": 18, "per_kwh": 1000}, 230000)
    finally:
        machine.Counter = counter
    assert esp32.PCNT.made[-1].started


# --- the whole board


def _wallbox(name, **more):
    machine.pins.clear()
    machine.s3 = "s3" in name
    wiring = __import__("boards.%s.wiring" % name, None, None, ("BOARD",)).BOARD
    settings = _Settings()
    for word in more:
        setattr(settings, word, more[word])
    machine.adc_values[wiring["ntc"]["adc"]] = 1650000
    made = board.create(wiring, settings)
    _Line(wiring["pilot"]["pwm"], wiring["pilot"]["adc"])
    return made, wiring


def test_nothing_is_driven_before_the_guard_wants_it():
    for name in ("esp32_wallbox", "esp32s3_wallbox"):
        _, wiring = _wallbox(name)
        assert machine.pins[wiring["contactor"]["coil"]].value() == 0
        assert machine.pins[wiring["rcm"]["test"]].value() == 0
        assert machine.pwms[wiring["pilot"]["pwm"]].duty_u16() == 65535


def test_outputs_and_readings_reach_the_pins():
    made, wiring = _wallbox("esp32_wallbox")
    readings, outputs = Readings(), Outputs()
    made.sample(readings)
    assert readings.poles_closed == 0b111 and not readings.rcm_tripped  # the mirror contact reads 0 when closed
    machine.pins[34]._value = 1
    machine.pins[35]._value = 1
    machine.pins[15]._value = 0
    made.sample(readings)
    assert readings.poles_closed == 0 and readings.rcm_tripped and readings.button
    assert readings.temperature_dc == 250 and readings.temperature_age_ms < 1000
    outputs.contactor = outputs.rcm_test = True
    outputs.pilot_permille = 266
    outputs.led = 1
    made.apply(outputs)
    assert machine.pins[33].value() == 1 and machine.pins[32].value() == 1 and machine.pwms[2].duty_u16() == 65535
    assert abs(machine.pwms[4].duty_ns() - 266000) < 20
    made.apply(Outputs())
    assert machine.pins[33].value() == 0 and machine.pwms[4].duty_u16() == 65535


def test_the_interlock_is_told_at_every_tick():
    made, wiring = _wallbox("esp32s3_wallbox")
    assert made.ratings.interlock and made.ratings.socket and made.ratings.phases == 1
    alive = machine.pins[wiring["alive"]]
    for _ in range(4):
        made.apply(Outputs())
    assert alive.written == [1, 0, 1, 0]
    machine.adc_values[10] = 3290000
    readings = Readings()
    made.sample(readings)
    assert readings.proximity_ohm == 1 << 20
    machine.adc_values[10] = 3300000 * 220 // 1220
    made.sample(readings)
    assert 215 <= readings.proximity_ohm <= 225


def test_the_watchdog_waits_longer_at_the_start_and_for_a_person():
    machine.cause = machine.WDT_RESET
    made, _ = _wallbox("esp32_wallbox")
    assert made.reset_cause == 3 and machine._last.timeout == 60000
    made.feed_watchdog()
    dog = machine._last
    assert dog.timeout == 8000 and dog.fed == 2
    for _ in range(10):
        made.feed_watchdog()
    assert machine._last is dog and dog.fed == 12
    made.rest_watchdog()
    assert machine._last.timeout == 3600000
    made.feed_watchdog()
    assert machine._last.timeout == 8000
    machine.cause = machine.PWRON_RESET


def test_the_led_shows_the_pattern():
    made, wiring = _wallbox("esp32_wallbox")
    led = machine.pwms[wiring["led"]]
    outputs = Outputs()
    for pattern, levels in ((1, (255,)), (17, (0, 255)), (5, (0, 255))):
        outputs.led = pattern
        seen = set()
        for ms in range(0, 6000, 10):
            board.ticks_ms = lambda ms=ms: ms
            made.apply(outputs)
            seen.add(led.duty_u16() // 257)
        assert tuple(sorted(seen)) == levels, (pattern, seen)


def test_a_sensor_that_is_open_is_unknown():
    made, wiring = _wallbox("esp32_wallbox")
    machine.adc_values[39] = 3300000
    readings = Readings()
    made.sample(readings)
    assert readings.temperature_dc is None


def test_a_wrong_wiring_drives_no_pin():
    from boards.esp32_wallbox.wiring import BOARD

    machine.pins.clear()
    try:
        board.create(dict(BOARD, chip="esp8266"), _Settings())
        said = ""
    except ValueError as error:
        said = str(error)
    assert "chip must be" in said and not machine.pins
