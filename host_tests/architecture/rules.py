"""Who may import whom, as the design says, and what no file of the device may contain. `check` reads one file."""

import ast
import os

# Standard library that MicroPython has on the unix port and on the ESP32.
STANDARD = frozenset(
    "array asyncio binascii collections cryptolib deflate errno gc hashlib heapq io json micropython os random re"
    " select socket struct sys time tls uctypes vfs".split()
)
HARDWARE = frozenset("esp32 machine network neopixel _thread bluetooth espnow".split())
# A folder that computes from what it is given: no clock, no network, no files, no hardware.
PURE = frozenset("array binascii collections gc json micropython struct sys".split())

# Longest matching folder decides: what of ours it may import, and what of the standard library.
RULES = {
    "lib/bounded": (("bounded",), STANDARD),
    "lib/echonet": (("bounded", "echonet"), STANDARD),
    "lib/ship": (("bounded", "ship"), STANDARD),
    "lib/spine": (("bounded", "spine"), STANDARD),
    "firmware": (("wallbox", "slots"), STANDARD | {"machine"}),
    "firmware/slots.py": ((), STANDARD),
    "firmware/wallbox": (("bounded", "echonet", "ship", "slots", "spine", "wallbox"), STANDARD | {"machine"}),
    "firmware/wallbox/app.py": (  # a board that is frozen in says its name
        ("bounded", "echonet", "ship", "spine", "wallbox"), STANDARD | {"installed_board"}),
    "firmware/wallbox/evse": (("bounded", "wallbox.board", "wallbox.evse"), PURE),
    "firmware/wallbox/limits": (("bounded", "wallbox.board", "wallbox.limits"), PURE),
    "firmware/wallbox/functions": (
        ("bounded", "wallbox.board", "wallbox.evse", "wallbox.limits", "wallbox.functions"), PURE),
    "firmware/wallbox/echonet_map": (
        ("bounded", "echonet", "wallbox.board", "wallbox.evse", "wallbox.functions", "wallbox.limits",
         "wallbox.echonet_map"), STANDARD),
    "firmware/wallbox/spine_map": (
        ("bounded", "ship", "spine", "wallbox.board", "wallbox.evse", "wallbox.functions", "wallbox.limits",
         "wallbox.spine_map"), STANDARD),
    "firmware/wallbox/board.py": (("bounded",), PURE),
}
OURS = ("bounded", "echonet", "ship", "slots", "spine", "wallbox", "boards", "host_tests", "tools", "plant")
# these know which Python this is
COMPATIBILITY = ("lib/bounded/compat.py", "lib/bounded/cpython.py", "lib/bounded/wait.py")
BOARDS = "boards/"  # a board imports `bounded`, the board interface, itself and what it shares with others
APP = "firmware/wallbox/app.py"  # the only one that imports a board
_LOADER = "lib/bounded/on_demand.py"  # loads functions that the build took out of modules which are checked
LINES = 400


def check(path, source, exists=lambda module: False):
    """Sentences about what the file `path` (from the root, with `/`) must not do; `exists` knows our modules."""
    tree = ast.parse(source, path)
    found = []
    if source.count("\n") > LINES:
        found.append("%s: %d lines, at most %d" % (path, source.count("\n"), LINES))
    if not path.startswith(("lib/", "firmware/", BOARDS)):
        return found
    ours, standard = _rule(path)
    for node in ast.walk(tree):
        where = "%s:%d: " % (path, getattr(node, "lineno", 0))
        for module in _imports(node, path, exists):
            top = module.split(".")[0]
            if module == "boards" or module.startswith("boards."):
                fine = path == APP or _within(module, ours)
            elif top in OURS:
                fine = _within(module, ours)
            else:
                fine = top in standard or path in COMPATIBILITY
            if not fine:
                found.append(where + "may not import " + module)
        if _integers_only(path):
            found += [where + words for words in _not_integers(node)]
    return found


def _rule(path):
    if path.startswith(BOARDS):
        board = "boards." + path.split("/")[1]
        # boards on this chip share its drivers; a board with nothing attached has the simulated plant
        shared = ("boards.esp32",) + (("boards.sim",) if board == "boards.devkit" else ())
        return ("bounded", "wallbox.board", "wallbox.evse.led", board) + shared, STANDARD | HARDWARE
    matching = [folder for folder in RULES if path == folder or path.startswith(folder + "/")]
    return RULES[max(matching, key=len)] if matching else ((), STANDARD)


def _integers_only(path):
    """All that runs on the device but a board's drivers, and the plant that the simulated board stands for."""
    plant = path.startswith("boards/sim/") and path != "boards/sim/__init__.py"
    return plant or path.startswith(("lib/", "firmware/")) and path not in COMPATIBILITY


def _within(module, allowed):
    return any(module == name or module.startswith(name + ".") for name in allowed)


def _imports(node, path, exists):
    """Dotted names that an AST node imports."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        base = node.module or ""
        if node.level:
            package = _module(path).split(".")[:-node.level]
            base = ".".join(package + ([base] if base else []))
        return [base + "." + alias.name if exists(base + "." + alias.name) else base for alias in node.names]
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "__import__":
        if path == _LOADER:
            return []
        name = node.args[0]
        if isinstance(name, ast.BinOp):  # "wallbox.functions." + word
            name = name.left
        text = name.value if isinstance(name, ast.Constant) and isinstance(name.value, str) else "?"
        return [text.split("%")[0].rstrip(".")]
    return []


def _module(path):
    """The dotted name under which the file is imported; a package's is that of its __init__."""
    parts = path[:-3].split("/")
    return ".".join(parts[1:] if parts[0] in ("lib", "firmware") else parts)


def _not_integers(node):
    if isinstance(node, ast.Constant) and isinstance(node.value, (float, complex)):
        yield "the literal %r is not an integer" % node.value
    if isinstance(node, (ast.BinOp, ast.AugAssign)) and isinstance(node.op, ast.Div):
        yield "`/` makes a float, use `//`"
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "float":
        yield "float() is not an integer"


def files(root):
    """Every Python file of the project, with `/`, from `root`."""
    for top in ("lib", "firmware", "boards", "host_tests", "tools"):
        for folder, folders, names in os.walk(os.path.join(root, top)):
            folders[:] = sorted(each for each in folders if each not in ("__pycache__", "node_modules"))
            for name in sorted(names):
                if name.endswith(".py"):
                    yield os.path.relpath(os.path.join(folder, name), root).replace(os.sep, "/")


def modules(root):
    """The dotted names of every module and package of ours."""
    names = set()
    for path in files(root):
        name = _module(path)
        names.add(name[:-len(".__init__")] if name.endswith(".__init__") else name)
    return names
