"""The dependencies between folders are those of the design; and the checker sees each kind of violation."""

import os

import pytest

from host_tests.architecture import rules

_ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
_MODULES = rules.modules(_ROOT)


@pytest.mark.parametrize("path", list(rules.files(_ROOT)))
def test_file_keeps_the_rules(path):
    with open(os.path.join(_ROOT, path), encoding="utf-8") as file:
        found = rules.check(path, file.read(), _MODULES.__contains__)
    assert not found, "\n".join(found)


@pytest.mark.parametrize("path, source", [
    ("lib/bounded/ring.py", "import echonet"),
    ("lib/bounded/ring.py", "import ssl"),
    ("lib/bounded/ring.py", "import logging"),
    ("lib/echonet/node.py", "from ship.ski import ski"),
    ("lib/echonet/node.py", "import wallbox.functions"),
    ("lib/ship/server.py", "from spine import node"),
    ("lib/spine/node.py", "from ship import server"),
    ("lib/spine/node.py", "import machine"),
    ("firmware/wallbox/evse/guard.py", "import asyncio"),
    ("firmware/wallbox/evse/guard.py", "import machine"),
    ("firmware/wallbox/evse/guard.py", "import time"),
    ("firmware/wallbox/evse/guard.py", "from wallbox.limits import decide"),
    ("firmware/wallbox/limits/decide.py", "def f():\n    import asyncio"),
    ("firmware/wallbox/limits/decide.py", "from wallbox.evse import guard"),
    ("firmware/wallbox/limits/decide.py", "from ..evse import guard"),
    ("firmware/wallbox/functions/power_limit.py", "import echonet"),
    ("firmware/wallbox/functions/power_limit.py", "from wallbox import echonet_map"),
    ("firmware/wallbox/functions/power_limit.py", "import wallbox.app"),
    ("firmware/wallbox/functions/power_limit.py", "__import__('spine')"),
    ("firmware/wallbox/functions/power_limit.py", "__import__('wallbox.spine_map.' + name)"),
    ("firmware/wallbox/functions/power_limit.py", "__import__(name)"),
    ("firmware/wallbox/echonet_map/node.py", "import spine"),
    ("firmware/wallbox/spine_map/node.py", "from wallbox import echonet_map"),
    ("firmware/wallbox/config.py", "import boards.sim"),
    ("firmware/wallbox/config.py", "import esp32"),
    ("firmware/wallbox/config.py", "import dataclasses"),
    ("firmware/wallbox/config.py", "import host_tests"),
    ("firmware/main.py", "import boards.sim"),
    ("boards/sim/link.py", "import boards.other"),
    ("boards/sim/link.py", "import wallbox.app"),
    ("lib/bounded/ring.py", "x = 0.5"),
    ("firmware/wallbox/app.py", "x = a / b"),
    ("firmware/wallbox/app.py", "a /= b"),
    ("firmware/wallbox/app.py", "x = float(a)"),
    ("boards/sim/plant.py", "x = 1e3"),
    ("host_tests/pure/test_long.py", "pass\n" * 401),
])
def test_violation_is_seen(path, source):
    known = {"wallbox.echonet_map", "wallbox.evse", "wallbox.evse.guard", "wallbox.limits"}
    assert len(rules.check(path, source, known.__contains__)) == 1


@pytest.mark.parametrize("path, source", [
    ("lib/bounded/compat.py", "import traceback"),
    ("lib/bounded/records.py", "from bounded.compat import const"),
    ("lib/echonet/node.py", "from echonet.frame import put\nfrom bounded.compat import const\nimport socket"),
    ("firmware/wallbox/app.py", "__import__('boards.' + name)"),
    ("firmware/wallbox/evse/guard.py", "from wallbox.board import Readings\nx = a // b"),
    ("firmware/wallbox/functions/power_limit.py", "from wallbox.limits.sources import OBLIGATION"),
    ("boards/esp32/pilot.py", "import machine\nx = 1.5"),
    ("host_tests/pure/test_x.py", "import machine\nx = 1.5"),
])
def test_what_is_allowed_passes(path, source):
    assert rules.check(path, source) == []
