"""A wallbox on an ESP32-S3 with PSRAM (wiring.py): Wi-Fi, socket outlet for any cable, one phase, S0 meter.

16 A on one phase. Its coil is fed through a retriggerable stage that `alive` keeps charged: when the guard no longer
runs, hardware opens the contactor within 100 ms.
"""


def create(settings):
    from boards.esp32 import board
    from boards.esp32s3_wallbox.wiring import BOARD

    return board.create(BOARD, settings)
