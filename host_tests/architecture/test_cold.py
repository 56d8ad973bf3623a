"""Functions that stay on flash (tools/cold.py, lib/bounded/on_demand.py), on MicroPython as on a device."""

import ast
import os
import subprocess

import cold
import cold_anew
import cold_texts
import image
import link
import mpy_strings
import pytest
import rom_names
import rom_words
import runtimes

_SAMPLE = '''
import sys
from bounded.compat import const
TABLE = (10, 20, 30)
_PAIR = const((3, 4))
COUNT = [0]

class Base:
    def __init__(self, start):
        self.value = start

    def step(self, by=1):
        self.value += by + TABLE[0]
        return self.value

    def twice(self):
        return self.step() + self.step(by=2)

    def same(self):
        return "base"

class Derived(Base):
    def __init__(self, start, more):
        super().__init__(start)
        self.more = more

    def both(self):
        return self.twice() + self.more

    def same(self):
        return "derived"

class Plain:
    def other(self):
        return [each * factor(each) + _PAIR[1] for each in TABLE]

class Pair:
    """Its methods are loaded together; one of them is handed on."""

    def __init__(self):
        self.act = self.first

    def first(self, number):
        return self.second(number) + 1

    def second(self, number):
        return double(number) + TABLE[1]

def double(number):
    return number + same(number)

def same(number):
    return number

def schema(text):
    return text

SHORT = schema(b"one:(value:u)")
BOTH = (schema(b"one:(value:u)"), schema(b"third:(flag:b)"))

def read(number):
    from bounded.on_demand import read_text
    return number if isinstance(number, bytes) else read_text(number)

def shrunk(number, by):
    """Only functions on flash call it: it needs no place in the module. (Long enough to be worth one on flash.)"""
    for step in range(by):
        if number > 1000 - step * 10:
            number = number - 1000 + step * 10
        else:
            number = number + step * 7 - by * 3
    return number % 997

def factor(number):
    """A function of the module, long enough to be worth a place of its own on flash."""
    COUNT[0] += 1
    total = 0
    for each in range(number):
        total = total + each * 3 - shrunk(shrunk(number, 1), 3) % 7
        if total > 1000:
            total = total - 1000
    return total
'''
_PROGRAM = '''
import sys
sys.path.insert(0, "lib")
import sample
from sample import BOTH, COUNT, SHORT, Base, Derived, Pair, Plain, factor, read
d = Derived(5, 100)
print(d.both(), d.same(), Base(1).same(), d.value, Base(3).step())
print(Plain().other(), factor(9), COUNT[0])
pair = Pair()
print(pair.act(4), pair.second(1), pair.act(0))
print(read(SHORT), read(BOTH[1]), SHORT == BOTH[0], SHORT == BOTH[1])
for wrong in (lambda: d.absent, lambda: Plain().both):
    try:
        wrong()
    except AttributeError:
        print("AttributeError")
'''
_PAGED = _PROGRAM + '''
from bounded import on_demand
before = on_demand.loads[0]
d.both(); factor(9)
print(on_demand.loads[0] - before)
kept = d.twice
on_demand.release()
print(d.both() - d.value > 0, kept() > 0, factor(9) == factor(9))
print(on_demand.loads[0] - before)
before = on_demand.loads[0]
print(pair.first(1), pair.second(1), on_demand.loads[0] - before)
on_demand.release(1)
print(len(on_demand._held), pair.act(1), on_demand.loads[0] - before)
import gc
on_demand.release()
free = gc.mem_free()
for _ in range(300):
    d.both(); factor(9); pair.act(2)
    on_demand.release()
print(abs(gc.mem_free() - free) < 200)
'''


def _micropython(name, folder, program):
    (folder / "main.py").write_text(program)
    done = subprocess.run(runtimes.command(name) + ["-X", "heapsize=400K", "main.py"], cwd=folder,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, universal_newlines=True)
    return done.stdout


@pytest.fixture(params=["mpy64", "mpy32"])
def device(request, tmp_path, monkeypatch):
    """A folder with `sample` whole in `apart/`, and split in `paged/`, and a function that runs a program there."""
    monkeypatch.setattr(cold, "COLD", ("sample",))
    monkeypatch.setattr(cold, "TOGETHER", {"sample": "Pair.*"})
    texts, head = cold_texts.move_texts({"sample": _SAMPLE})
    assert head.count(b"one:") == head.count(b"third:") == 1 and b"third:" not in texts["sample"].encode()
    texts, names = cold.mark(texts, {"sample": "sample"})
    found = cold.split({"sample.py": texts["sample"], "main.py": _PROGRAM}, lambda target: "sample", head)
    lib = os.path.join(runtimes.ROOT, "lib", "bounded")
    for kind in ("apart", "paged"):
        package = tmp_path / kind / "lib" / "bounded"
        package.mkdir(parents=True)
        (package / "__init__.py").write_text("" if kind == "apart" else
                                              "from bounded.on_demand import %s\n" % ", ".join(cold.OURS))
        for file in ("compat.py", "on_demand.py"):
            with open(os.path.join(lib, file)) as source:
                (package / file).write_text(source.read())
        (tmp_path / kind / "sample.py").write_text(_SAMPLE if kind == "apart" else found.texts["sample.py"])
    image._put_cold(str(tmp_path / "paged"), found, names, runtimes.mpy_cross(), runtimes.MARCH[request.param])
    return lambda kind, program: _micropython(request.param, tmp_path / kind, program), found, names


def test_a_program_does_the_same_with_its_functions_on_flash(device):
    run, found, names = device
    assert set(names) == {"sample.Base.__init__", "sample.Base.step", "sample.Base.twice", "sample.Derived.both",
                          "sample.Plain.other", "sample.factor", "sample.shrunk", "sample.Pair.__init__",
                          "sample.Pair.first", "sample.Pair.second"}
    whole = run("apart", _PROGRAM)
    assert whole.count("AttributeError") == 2 and "Traceback" not in whole, whole
    assert run("paged", _PROGRAM) == whole


def test_small_functions_go_along_with_those_that_need_them(device):
    _, found, _ = device
    assert "def double" not in found.texts["sample.py"] and "def same(number" not in found.texts["sample.py"]
    pair = {source for _, name, source, _ in found.functions if name == "second"}
    assert len(pair) == 1 and "def double" in "".join(pair) and "def same" in "".join(pair)
    assert sum("def double" in source for source in {source for _, _, source, _ in found.functions}) == 1


def test_a_small_function_stays_where_anybody_else_uses_it():
    text = ('def shared():\n    return below()\ndef below():\n    return 1\ndef lent():\n    return 2\n'
            'def again():\n    return 3\ndef held():\n    return shared()\nclass Thing:\n'
            '    def begin(self):\n        return shared() + below() + lent() + again()\n'
            '    def again(self):\n        return again()\n')
    texts, _ = cold.mark({"ship.p": text}, {"ship.p": "ship.p"})
    use = "from ship.p import lent, held\n"
    found = cold.split({"p.py": texts["ship.p"], "q.py": use}, lambda target: "ship." + target[0])
    assert all("def %s()" % name in found.texts["p.py"] for name in ("shared", "below", "lent", "held"))
    assert "def again()" in found.texts["p.py"]  # a method of this name had to stay, and uses it
    begin, = [source for _, name, source, _ in found.functions if name == "begin"]
    assert "import below, lent, shared" in begin and "def again()" in begin


def test_functions_load_once_until_released_and_leave_nothing(device):
    run, _, _ = device
    lines = run("paged", _PAGED).splitlines()[-6:]
    assert lines == ["0", "True True True", "5", "23 22 1", "1 23 1", "True"], lines


def test_a_module_that_is_on_flash_whole_is_loaded_anew_and_leaves_no_name(tmp_path, monkeypatch):
    monkeypatch.setattr(cold, "ANEW", ("outer", "inner"))
    program = """
import gc, micropython, sys
def used():
    from outer import both as doubled, more
    from inner import LONG_NAMED
    import_of = doubled("shortish") + more + LONG_NAMED
    return import_of
print(used(), used())
gc.collect()
free = gc.mem_free()
for _ in range(100):
    used()
gc.collect()
print(abs(gc.mem_free() - free) < 200, "outer" in sys.modules, "x" in sys.modules)
micropython.qstr_info(1)
"""
    texts = {
        "program.py": program,
        "outer.py": "from binascii import hexlify\nimport inner as _\nmore = 'another'\n",
        "inner.py": "LONG_NAMED = 'inner'\ndef twice(text):\n    return text + 'quickly' + text\n",
    }
    with pytest.raises(cold_anew.AnewError, match="outer, line 2"):
        cold.split(texts, lambda target: target[:-3])
    texts["outer.py"] = ("from binascii import hexlify\nfrom inner import twice\nmore = 'another'\n"
                         "def both(text):\n    return twice(text) + str(hexlify(b'k'), 'ascii')\n")
    found = cold.split(texts, lambda target: target[:-3])
    assert set(found.texts) == {"program.py"}
    (tmp_path / "program.py").write_text(found.texts["program.py"])
    package = tmp_path / "lib" / "bounded"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("from bounded.on_demand import anew\n")
    for file in ("compat.py", "on_demand.py"):
        with open(os.path.join(runtimes.ROOT, "lib", "bounded", file)) as source:
            (package / file).write_text(source.read())
    image._put_cold(str(tmp_path), found, [], runtimes.mpy_cross(), "x86")
    lines = _micropython("mpy32", tmp_path, "import sys\nsys.path.insert(0, 'lib')\nimport program\n").splitlines()
    said = "shortishquicklyshortish6banotherinner"
    assert lines[:2] == ["%s %s" % (said, said), "True False False"], lines
    assert not {"Q(quickly)", "Q(inner)", "Q(another)"} & set(lines) and "Q(shortish)" in lines


def test_only_what_does_not_stay_imports_what_is_loaded_anew():
    for text, words in (("from inner import f\n", "stays in memory"), ("import inner\n", "import inner")):
        with pytest.raises(cold_anew.AnewError, match=words):
            cold_anew.import_anew(text, "module", {"inner": 0})
    with pytest.raises(cold_anew.AnewError, match="lost"):
        cold_anew.import_anew("def f():\n    global a\n    a = 1\n", "inner", {"inner": 0})


def test_what_is_loaded_anew_exists():
    assert not set(cold.ANEW) - {image.dotted(target) for target in image.sources("all")}


def test_what_keeps_the_contactor_safe_is_never_taken_out():
    assert not any("bounded.on_demand.".startswith(each + ".") for each in cold.COLD)
    modules = [member for unit, members in link.LINKED.items() for member in (unit,) + members]
    safe = [each for each in modules if each.startswith(("wallbox.evse.", "wallbox.limits."))]
    assert len(safe) >= 10
    for module in ["wallbox.board", "wallbox.station"] + safe:
        if module not in ("wallbox.limits.failsafe", "wallbox.limits.plan"):
            assert cold.RESIDENT[module] == "*", module  # all but constructors
    for name in ("step", "_enter", "limit_w", "heartbeat"):
        assert "ConsumptionLimit." + name in cold.RESIDENT["wallbox.limits.failsafe"].split()
    for name in ("App._arbitrate", "run"):  # which opens it at the end
        assert name in cold.RESIDENT["wallbox.app"].split()
    for name in ("_guard", "_count", "_failed", "_report", "_unheard", "run"):
        assert name in cold.RESIDENT["wallbox.supervisor"].split()


def test_what_stays_in_memory_exists():
    sources = {image.dotted(target): path for target, path in image.sources("all").items()}
    for module, words in list(cold.RESIDENT.items()) + list(cold.TOGETHER.items()):
        with open(sources[module]) as file:
            tree = ast.parse(file.read())
        known = {"*"}  # also behind the name of a class
        for node in tree.body:
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                known.update((node.name, node.name + ".*"))
                known.update("%s.%s" % (node.name, each.name) for each in node.body
                             if isinstance(each, (ast.FunctionDef, ast.AsyncFunctionDef)))
        assert not set(words.split()) - known, module
    members = {member for unit, members in link.LINKED.items() for member in (unit,) + members}
    for module in list(cold.RESIDENT) + list(cold.TOGETHER):
        assert module in members and any((module + ".").startswith(each + ".") for each in cold.COLD), module


def test_a_literal_that_is_compared_by_identity_keeps_its_place():
    """Each load of a function makes its literals anew: a datagram's schema would be another one after a release."""
    text = ('SAME = b"which"\nOTHER = b"what"\nclass Thing:\n'
            '    @cold_(0, False)\n    def begin(self):\n        self.schema = SAME\n        return OTHER\n'
            '    @cold_(1, False)\n    def began(self):\n        return self.schema is SAME\n')
    found = cold.split({"p.py": text}, lambda target: "p")
    assert "SAME = b'which'" in found.texts["p.py"] and "OTHER" not in found.texts["p.py"]
    assert all("b'which'" not in source for _, _, source, _ in found.functions)


def _compiled(folder, text):
    (folder / "a.py").write_text(text)
    subprocess.run([*runtimes.mpy_cross(), "-march=x86", "-O3", "-s", "_", "-o", str(folder / "a.mpy"),
                    str(folder / "a.py")], check=True)
    (folder / "a.py").unlink()
    return (folder / "a.mpy").read_bytes()


def test_what_has_no_name_is_told_none(tmp_path):
    code = _compiled(tmp_path, "def f(n):\n    return [(lambda m: m * 2)(m) for m in range(n)]\n")
    less = mpy_strings.restored(code)
    assert b"<listcomp>" in code and b"<lambda>" in code and b"<" not in less
    (tmp_path / "a.mpy").write_bytes(less)
    assert _micropython("mpy32", tmp_path, "import a\nprint(a.f(3))\n") == "[0, 2, 4]\n"


def test_a_word_costs_as_many_bytes_as_are_reckoned(tmp_path):
    base = len(_compiled(tmp_path, "a.q")) - 3
    for word in rom_words.NUMBERED + ["GS8", "EPERM", "localtime"]:
        assert len(_compiled(tmp_path, "a." + word)) - base == rom_names._bytes(word), word
