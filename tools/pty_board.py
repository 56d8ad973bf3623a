"""A board made of nothing but this computer: MicroPython behind a pseudo-terminal, with a littlefs image as flash.

    python3 tools/pty_board.py --port /tmp/board --flash /tmp/board.img [--runtime mpy32|mpy64] [--heap 208K]

The port behaves like the serial port of an ESP32 with stock firmware: mpremote, `make deploy PORT=...` and `make repl`
work on it, Ctrl-C interrupts, resets restart (pty_repl.py). Its network is this computer's. SIGUSR1 cuts the power for
a moment, SIGTERM for good; the flash stays.
"""

import argparse
import contextlib
import fcntl
import os
import select
import signal
import sys
import termios
import time
import tty

import runtimes
import setup

_SHIM = os.path.join(os.path.dirname(os.path.abspath(__file__)), "pty_repl.py")
_FLASH_BYTES = 512 * 4096
_CAUSE = {64: "2", 65: "raw", 66: "5", -signal.SIGALRM: "3"}  # exit status: what machine.reset_cause() says then
_POWER_ON = "1"
_NOFLSH = termios.NOFLSH
_POWER = (signal.SIGUSR1, signal.SIGTERM)


class Board:
    """The port and the process behind it; `turn()` passes bytes on for a moment."""

    def __init__(self, port, flash, command, address, log=None):
        self._port = port
        self._flash = flash
        self._command = command
        self._address = address
        self._log = log
        self._cut = False
        if not os.path.exists(flash):
            with open(flash, "wb") as file:
                file.truncate(_FLASH_BYTES)
        self._outer, self._outer_slave = os.openpty()  # the slave stays open: nobody there is no hang-up
        tty.setraw(self._outer_slave)
        os.set_blocking(self._outer, False)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(port)
        os.symlink(os.ttyname(self._outer_slave), port)
        self._start(_POWER_ON)

    def _start(self, cause):
        inner, slave = os.openpty()
        tty.setraw(slave)
        modes = termios.tcgetattr(slave)
        modes[3] |= termios.ISIG | _NOFLSH  # byte 3 interrupts, and what follows it is not lost
        modes[6][termios.VINTR] = b"\3"
        modes[6][termios.VQUIT] = modes[6][termios.VSUSP] = b"\0"
        termios.tcsetattr(slave, termios.TCSANOW, modes)
        signal.pthread_sigmask(signal.SIG_BLOCK, _POWER)
        self._pid = os.fork()
        if self._pid:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _POWER)
        else:
            try:
                for number in _POWER:
                    signal.signal(number, signal.SIG_DFL)
                signal.signal(signal.SIGINT, signal.SIG_IGN)  # byte 3 ends nothing before MicroPython listens to it
                signal.pthread_sigmask(signal.SIG_UNBLOCK, _POWER)
                os.setsid()
                fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
                for number in (0, 1, 2):
                    os.dup2(slave, number)
                os.closerange(3, 64)
                environment = dict(os.environ, MICROPYPATH=".frozen")
                os.execve(self._command[0], self._command + [_SHIM, self._flash, cause, self._address], environment)
            finally:
                os._exit(127)
        os.close(slave)
        self._inner = inner
        self._begun = time.monotonic()

    def power_cut(self, *_):
        """End the process at this instant; it starts again as after power-on."""
        self._cut = True
        with contextlib.suppress(ProcessLookupError):  # it was about to start again anyway
            os.kill(self._pid, signal.SIGKILL)

    def turn(self):
        """Pass on what there is, for at most a second; start MicroPython again where it ended."""
        try:
            ready, _, _ = select.select((self._outer, self._inner), (), (), 1)
        except InterruptedError:
            return
        if self._outer in ready:
            os.write(self._inner, os.read(self._outer, 256))
        if self._inner in ready:
            try:
                data = os.read(self._inner, 4096)
            except OSError:  # EIO: the process has ended
                data = b""
            if not data:
                self._again()
                return
            if self._log:
                self._log.write(data)
                self._log.flush()
            self._out(data)

    def _out(self, data):
        """To whoever listens; a serial line waits for nobody, but a reader that is slow gets a moment."""
        end = time.monotonic() + 0.2
        while data:
            try:
                data = data[os.write(self._outer, data):]
            except BlockingIOError:
                if time.monotonic() > end:
                    return
                time.sleep(0.002)

    def _again(self):
        os.close(self._inner)
        _, status = os.waitpid(self._pid, 0)
        code = os.waitstatus_to_exitcode(status)
        cause = _POWER_ON if self._cut else _CAUSE.get(code)
        self._cut = False
        if cause is None:
            raise SystemExit("pty_board: MicroPython ended with %d" % code)
        if time.monotonic() - self._begun < 0.1:
            time.sleep(0.1)
        self._start(cause)

    def close(self):
        """Power off, and take the port away."""
        with contextlib.suppress(ProcessLookupError, ChildProcessError):
            os.kill(self._pid, signal.SIGKILL)
            os.waitpid(self._pid, 0)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._port)


def main():
    parser = argparse.ArgumentParser(description="Run MicroPython as a board behind a pseudo-terminal.")
    parser.add_argument("--port", required=True, help="path under which the serial port appears")
    parser.add_argument("--flash", required=True, help="file that is the flash; made when it is not there")
    parser.add_argument("--runtime", choices=("mpy64", "mpy32"), default="mpy32")
    parser.add_argument("--heap", help="MicroPython's heap (default: 256K on mpy32, twice that on mpy64)")
    parser.add_argument("--address", default="127.0.0.1", help="what its network interface says its address is")
    parser.add_argument("--log", help="file that gets everything the board prints")
    given = parser.parse_args()
    setup.inside("run", *(["mpy32"] if given.runtime == "mpy32" else []))
    heap = given.heap or {"mpy32": "256K", "mpy64": "512K"}[given.runtime]
    log = open(given.log, "ab") if given.log else None
    board = Board(os.path.abspath(given.port), os.path.abspath(given.flash),
                  runtimes.command(given.runtime) + ["-X", "heapsize=" + heap], given.address, log)
    signal.signal(signal.SIGUSR1, board.power_cut)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    print("board at %s" % given.port, flush=True)
    try:
        while True:
            board.turn()
    except KeyboardInterrupt:
        pass
    finally:
        board.close()


if __name__ == "__main__":
    main()
