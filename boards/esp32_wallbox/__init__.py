"""A wallbox on a bare ESP32 (wiring.py): Ethernet by RMII or Wi-Fi, attached cable, Modbus meter.

32 A on three phases. No hardware interlock: while software stands still nothing else opens the contactor, so the
firmware pauses charging before each TLS handshake.
"""


def create(settings):
    from boards.esp32 import board
    from boards.esp32_wallbox.wiring import BOARD

    return board.create(BOARD, settings)
