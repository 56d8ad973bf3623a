"""For those who build MicroPython themselves and freeze the wallbox into it, to run from flash:

    make -C ports/esp32 BOARD=ESP32_GENERIC FROZEN_MANIFEST=/path/to/boards/devkit/manifest.py

Settings and identity stay files; folders a/ and b/, where make deploy puts them, win over what is frozen.
"""

include("$(PORT_DIR)/boards/manifest.py")  # noqa: F821 - words of MicroPython's manifests
for name in ("bounded", "echonet", "ship", "spine"):
    package(name, base_path="../../lib")  # noqa: F821
package("wallbox", base_path="../../firmware")  # noqa: F821
module("main.py", base_path="../../firmware")  # noqa: F821
module("slots.py", base_path="../../firmware")  # noqa: F821
module("installed_board.py")  # noqa: F821
package("boards", base_path="../..", files=(  # noqa: F821
    "devkit/__init__.py",
    "devkit/car.py",
    "devkit/script.py",
    "esp32/console.py",
    "esp32/ladder.py",
    "esp32/net.py",
    "esp32/ota.py",
    "esp32/restart.py",
    "esp32/sntp.py",
    "esp32/watchdog.py",
    "sim/car.py",
    "sim/contactor.py",
    "sim/faults.py",
    "sim/injected.py",
    "sim/meter.py",
    "sim/pilot_circuit.py",
    "sim/plant.py",
    "sim/rcm.py",
    "sim/thermal.py",
))
