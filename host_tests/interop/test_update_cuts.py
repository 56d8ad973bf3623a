"""An update whose power is cut at every operation of a real littlefs: the old program or the new one, never neither."""

import os
import re
import subprocess

import image
import pytest
import runtimes


@pytest.mark.parametrize("runtime", ["mpy64", "mpy32"])
def test_a_cut_at_any_flash_operation_leaves_the_old_or_the_new(runtime):
    folder = image.build(runtime, "all")
    environment = dict(os.environ, MICROPYPATH=":".join((folder, folder + "/lib", runtimes.ROOT, ".frozen")))
    program = os.path.join(runtimes.ROOT, "host_tests", "interop", "update_cuts.py")
    done = subprocess.run(
        runtimes.command(runtime) + ["-X", "heapsize=3M", program],
        cwd=runtimes.ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        universal_newlines=True, timeout=240)
    found = re.search(r"^cuts (\d+) old (\d+)$", done.stdout, re.MULTILINE)
    assert done.returncode == 0 and found, done.stdout
    cuts, old = int(found[1]), int(found[2])
    assert cuts > 60 and cuts - 20 < old <= cuts, done.stdout
