"""Makes MicroPython's unix port behave like a board: littlefs in a host file, boot.py and main.py, REPL, resets.

    micropython -X heapsize=208K tools/pty_repl.py FLASH CAUSE [ADDRESS]       started by pty_board.py, never by hand

CAUSE is what machine.reset_cause() says, or `raw` after a soft reset out of the raw REPL, which leaves out main.py.
The unix port's own REPL has no raw mode before 1.27; this one speaks the protocol that mpremote uses (raw, raw paste,
soft reset). A reset ends the process with a status of its own and the bridge starts it again.
"""

import io
import os
import sys

_SOFT, _SOFT_RAW, _HARD = 66, 65, 64  # exit status
_BLOCK = 4096
_BLOCKS = 512  # 2 MiB, as an ESP32 with 4 MiB of flash has for files
_WINDOW = 128


class Flash:
    """A block device in a host file; nothing is kept back, so that ending the process is a power cut."""

    def __init__(self, path):
        self._file = open(path, "r+b")

    def readblocks(self, block, buffer, offset=0):
        self._file.seek(block * _BLOCK + offset)
        self._file.readinto(buffer)

    def writeblocks(self, block, buffer, offset=None):
        if offset is None:
            offset = 0
        self._file.seek(block * _BLOCK + offset)
        self._file.write(buffer)

    def ioctl(self, what, argument):
        if what == 4:
            return _BLOCKS
        if what == 5:
            return _BLOCK
        return 0  # an erased block keeps what it held: littlefs does not rely on it


def _mount(path):
    import vfs

    flash = Flash(path)
    try:
        root = vfs.VfsLfs2(flash, progsize=256, readsize=256)
    except OSError:
        vfs.VfsLfs2.mkfs(flash, progsize=256, readsize=256)
        root = vfs.VfsLfs2(flash, progsize=256, readsize=256)
    vfs.umount("/")
    vfs.mount(root, "/")
    os.chdir("/")
    sys.path[:] = ["", ".frozen", "/lib"]


def _hardware(cause, address):
    """The modules of an ESP32, from host_tests/fakes; a reset ends this process, a watchdog bites by SIGALRM."""
    import ffi

    libc = ffi.open(None)
    end = libc.func("v", "_exit", "i")
    alarm = libc.func("I", "alarm", "I")
    sys.path.insert(0, sys.argv[0].rsplit("/", 2)[0] + "/host_tests/fakes")
    import esp32  # noqa: F401
    import machine
    import network

    def exit_process(what):
        if what < 0:
            alarm(-what)
        else:
            end(_HARD)

    machine.exit_process = exit_process
    machine.cause = cause
    network.address = address
    network.air["any"] = None  # an open network is always there
    return end


def _kbd_intr():
    """Let `micropython.kbd_intr(-1)` pass byte 3 on: `mpremote mount` sends bytes of any value."""
    import micropython
    import termios

    class Proxy:
        pass

    def kbd_intr(char):
        attributes = termios.tcgetattr(0)
        attributes[3] = attributes[3] & ~1 if char < 0 else attributes[3] | 1  # ISIG
        termios.tcsetattr(0, termios.TCSANOW, attributes)

    proxy = Proxy()
    for name in dir(micropython):
        if name[0] != "_":
            setattr(proxy, name, getattr(micropython, name))
    proxy.kbd_intr = kbd_intr
    sys.modules["micropython"] = proxy


_in = sys.stdin.buffer
_globals = {"__name__": "__main__"}


def _put(text):
    sys.stdout.write(text)


def _get():
    while True:
        try:
            data = _in.read(1)
        except KeyboardInterrupt:
            return b"\3"
        except OSError:  # interrupted by a signal
            continue
        except MemoryError:  # Ctrl-C hit the unix port within a collection and left the heap locked, as no board does
            end(_SOFT_RAW)
        if not data:
            end(_HARD)
        return data


def _run_file(name):
    try:
        os.stat(name)
    except OSError:
        return
    with open(name) as file:
        source = file.read()
    try:
        exec(compile(source, name, "exec"), _globals)
    except SystemExit:
        end(_SOFT)
    except BaseException as error:
        sys.print_exception(error)


def _execute(source):
    """Run raw code; what it raised, as a traceback."""
    error = io.StringIO()
    try:
        exec(source, _globals)
    except SystemExit:
        pass
    except BaseException as raised:
        sys.print_exception(raised, error)
    _put("\4" + error.getvalue() + "\4")


def _paste():
    """Raw paste: the code comes in windows, so that nothing of it is lost."""
    sys.stdout.buffer.write(bytes((82, 1, _WINDOW & 255, _WINDOW >> 8)))
    source = bytearray()
    left = _WINDOW
    while True:
        data = _get()
        if data == b"\4":
            _put("\4")
            _execute(source)
            return
        if data == b"\3":
            _put("\4\4\4")
            return
        source += data
        left -= 1
        if not left:
            left = _WINDOW
            _put("\1")


def _raw():
    """The raw REPL, until byte 2."""
    _put("raw REPL; CTRL-B to exit\r\n>")
    source = bytearray()
    while True:
        data = _get()
        if data == b"\1":
            _put("raw REPL; CTRL-B to exit\r\n>")
            source = bytearray()
        elif data == b"\2":
            return
        elif data == b"\3":
            source = bytearray()
        elif data == b"\4":
            if not source:
                _put("OK\r\nMPY: soft reboot\r\n")
                end(_SOFT_RAW)
            _put("OK")
            _execute(source)
            _put(">")
            source = bytearray()
        elif data == b"\5" and not source:
            if _get() == b"A" and _get() == b"\1":
                _paste()
                _put(">")
        else:
            source += data


def _friendly():
    """The REPL for people: a line at a time."""
    line = ""
    _put("MicroPython on a pseudo-terminal\r\n>>> ")
    while True:
        data = _get()
        if data == b"\1":
            _put("\r\n")
            _raw()
            _put("\r\n>>> ")
            line = ""
        elif data == b"\3":
            _put("\r\n>>> ")
            line = ""
        elif data == b"\4" and not line:
            _put("\r\nMPY: soft reboot\r\n")
            end(_SOFT)
        elif data == b"\x7f":
            if line:
                line = line[:-1]
                _put("\b \b")
        elif data in b"\r\n":
            _put("\r\n")
            try:
                try:
                    value = eval(line, _globals) if line.strip() else None
                    if value is not None:
                        print(repr(value))
                except SyntaxError:
                    exec(line, _globals)
            except SystemExit:
                end(_SOFT)
            except BaseException as error:
                sys.print_exception(error)
            _put(">>> ")
            line = ""
        elif data >= b" ":
            line += str(data, "utf-8")
            _put(str(data, "utf-8"))


raw = sys.argv[2] == "raw"
end = _hardware(5 if raw else int(sys.argv[2]), sys.argv[3] if len(sys.argv) > 3 else "127.0.0.1")
_kbd_intr()
_mount(sys.argv[1])
try:
    _run_file("boot.py")
    if raw:
        _raw()
    else:
        _run_file("main.py")
    while True:
        _friendly()
except MemoryError:  # of telling what Ctrl-C ended, with the heap locked as in _get
    end(_SOFT_RAW)
