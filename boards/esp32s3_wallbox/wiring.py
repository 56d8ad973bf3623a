"""How the ESP32-S3 is wired; the words are those of boards/esp32/schema.py.

Pins 26 to 37 belong to flash and PSRAM, 19 and 20 to USB. The converter that works beside Wi-Fi has 1 to 10.
"""

BOARD = {
    "name": "esp32s3_wallbox",
    "chip": "esp32s3",
    "ratings": {"max_ma": 16000, "phases": 1, "socket": True, "interlock": True, "generator_check": False},
    "pilot": {"pwm": 4, "adc": 1, "zero_uv": 1550000, "uv_per_v": 100000},
    "contactor": {"coil": 17, "feedback": (5,), "feedback_low": True},
    "rcm": {"trip": 15, "test": 16, "trip_low": False},
    "ntc": {"adc": 2, "pull_ohm": 10000, "supply_mv": 3300},
    "proximity": {"adc": 10, "pull_ohm": 1000, "supply_mv": 3300},
    "meter": {"kind": "s0", "pin": 18, "per_kwh": 1000},
    "led": 21,
    "button": 0,
    "alive": 14,
    "ethernet": None,
}
