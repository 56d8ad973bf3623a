"""`make run` in brief: both controllers find the box, lower the current and lift what they set. 35 s, of waiting."""

import contextlib
import os
import signal
import subprocess

import runtimes


def run(*arguments):
    """Exit code and output; nothing of it lives on."""
    process = subprocess.Popen(
        runtimes.cpython() + [os.path.join(runtimes.ROOT, "tools", "demo.py"), *arguments],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True)
    try:
        return process.communicate(timeout=150)[0], process.returncode
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def test_the_demonstration_tells_its_story_and_every_step_does_what_it_should(tmp_path):
    said, status = run("--brief", "--state", str(tmp_path))
    assert status == 0, said
    summary = said[said.index("Summary"):].splitlines()
    assert len([line for line in summary if line.startswith("  ok ")]) == 11, said
    assert "heap free" in summary[-1]


def test_without_its_simulator_it_says_so(tmp_path):
    said, status = run("--state", str(tmp_path), "--runtime", "none")
    assert status and "demo: the simulator did not start" in said, said
