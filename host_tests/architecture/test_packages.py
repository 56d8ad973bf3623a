"""Each library installs alone: laid out as its package.json says, every module of it imports, with nothing beside it.

MicroPython's mip resolves the relative names since 1.26, mpremote since 1.25; the runtime here may be older.
"""

import json
import os
import shutil
import subprocess

import packages
import pytest
import runtimes


@pytest.mark.parametrize("package", packages.packages())
def test_description_is_up_to_date(package):
    with open(packages.path(package), encoding="utf-8") as file:
        assert file.read() == packages.description(package), "run `python3 tools/packages.py`"


@pytest.mark.parametrize("package", packages.packages())
def test_it_imports_alone(package, tmp_path):
    names = [package]
    base = os.path.dirname(packages.path(package))
    for target, source in json.loads(packages.description(package))["urls"]:
        (tmp_path / target).parent.mkdir(exist_ok=True)
        shutil.copy(os.path.join(base, source), tmp_path / target)
        if target.startswith(package + "/") and not target.endswith("__init__.py"):
            names.append(target[:-3].replace("/", "."))
    program = "".join("import %s\n" % name for name in names) + "print('imported %d' % len(__import__('sys').modules))"
    done = subprocess.run(
        runtimes.mpy64() + ["-X", "heapsize=2M", "-c", program], cwd=tmp_path, timeout=60,
        env=dict(os.environ, MICROPYPATH="%s:.frozen" % tmp_path), stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, universal_newlines=True)
    assert "imported" in done.stdout.splitlines()[-1], done.stdout
