"""How the bare ESP32 is wired; the words are those of boards/esp32/schema.py.

Pins 0, 19, 21, 22, 25, 26 and 27 belong to RMII, 6 to 11 to the flash. 34 to 39 only read and have no pull-up.
"""

# Registers of an Eastron SDM630: input registers, IEEE 754 (f32 comes in thousandths)
BOARD = {
    "name": "esp32_wallbox",
    "chip": "esp32",
    "ratings": {"max_ma": 32000, "phases": 3, "interlock": False, "generator_check": False},
    "pilot": {"pwm": 4, "adc": 36, "zero_uv": 1650000, "uv_per_v": 110000},
    "contactor": {"coil": 33, "feedback": (34,), "feedback_low": True},
    "rcm": {"trip": 35, "test": 32, "trip_low": False},
    "ntc": {"adc": 39, "pull_ohm": 10000, "supply_mv": 3300},
    "meter": {
        "kind": "modbus", "uart": 1, "tx": 16, "rx": 13, "de": 14, "baud": 9600, "parity": None, "address": 1,
        "function": 4, "timeout_ms": 200,
        "blocks": ((0, 12), (52, 2), (70, 4)),
        "values": (
            ("voltage_mv", 0, 0, "f32", 1, 1), ("voltage_mv", 1, 2, "f32", 1, 1), ("voltage_mv", 2, 4, "f32", 1, 1),
            ("current_ma", 0, 6, "f32", 1, 1), ("current_ma", 1, 8, "f32", 1, 1), ("current_ma", 2, 10, "f32", 1, 1),
            ("power_w", None, 52, "f32", 1, 1000), ("frequency_mhz", None, 70, "f32", 1, 1),
            ("energy_wh", None, 72, "f32", 1, 1),
        ),
    },
    "led": 2,
    "button": 15,
    "ethernet": {"mdc": 23, "mdio": 18, "phy_type": "PHY_LAN8720", "phy_addr": 1, "power": None},
}
