"""Joining modules for the device (tools/link.py, tools/rom_names.py): the joined program does what the modules did."""

import ast
import os
import subprocess

import image
import link
import pytest
import rom_names
import runtimes

_COMPAT = "def const(value):\n    return value\n"
_UNITS = {"p": ("p.one", "p.two", "q"), "r": ("r.three",)}


def _run(folder, sources, program):
    """What `program`, a source, prints with the modules {dotted name: source} around it, on CPython."""
    folder.mkdir()
    for name, source in sources.items():
        path = folder.joinpath(*name.split("."))
        package = any(other.startswith(name + ".") for other in ("p.one", "r.three", "lazy.text"))
        path = path / "__init__.py" if package else path.with_suffix(".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source)
    (folder / "main.py").write_text(program)
    done = subprocess.run(runtimes.cpython() + ["-B", "main.py"], cwd=folder, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, universal_newlines=True)
    return done.stdout


def _both(tmp_path, sources, program):
    """The output of `program` with the modules apart; that with them joined and renamed must be the same."""
    sources = dict({"p": "", "r": "", "compat": _COMPAT}, **sources)
    apart = _run(tmp_path / "apart", sources, program)
    assert "Traceback" not in apart, apart
    joined = link.link(dict(sources, main=program), _UNITS)
    assert not set(joined) & {"p.one", "p.two", "q", "r.three"}
    assert _run(tmp_path / "joined", joined, joined.pop("main")) == apart
    main = link.link(dict(sources, main=program), _UNITS)["main"]
    renamed, words, _ = rom_names.rename(joined, _UNITS, [main])
    assert _run(tmp_path / "renamed", renamed, main) == apart
    return joined, renamed, words


def test_names_that_collide_stay_apart(tmp_path):
    joined, _, _ = _both(tmp_path, {
        "p.one": "_state = 1\nsize = 10\ndef step():\n    global _state\n    _state += 1\n    return _state\n",
        "p.two": "from p.one import step as first\n_state = 100\nsize = 20\n"
                 "def step():\n    global _state\n    _state += first()\n    return _state\n",
        "q": "from p import one\nfrom p.two import step, size\ndef all_of():\n"
             "    return one.step(), step(), one.size, size\n",
    }, "from q import all_of\nprint(all_of(), all_of())\n")
    assert joined["p"].count("import") == 0


def test_local_names_shadow(tmp_path):
    _both(tmp_path, {
        "p.one": "value = 1\ndef local(value):\n    return value\ndef inner():\n    value = 5\n    def f():\n"
                 "        return value\n    return f()\ndef listed():\n    return [value for value in (7, 8)], value\n",
        "p.two": "from p.one import value as one\nvalue = 2\nclass C:\n    value = 3\n    again = value\n"
                 "    def get(self):\n        return value\n"
                 "def f(one=one):\n    value = one\n    return value, (lambda value: value)(9)\n",
    }, "from p.one import local, inner, listed\nfrom p.two import C, f\n"
       "print(local(4), inner(), listed(), C.value, C.again, C().get(), f(), f(6))\n")


def test_a_builtin_that_one_module_hides_is_the_builtin_for_the_others(tmp_path):
    _both(tmp_path, {
        "p.one": "def sum(values):\n    return 'mine'\ndef f():\n    return sum((1, 2))\n",
        "p.two": "from p.one import f\ndef g():\n    return f(), sum((1, 2))\n",
    }, "from p.two import g\nprint(g())\n")


def test_constants_become_their_values_everywhere(tmp_path):
    joined, _, _ = _both(tmp_path, {
        "p.one": "from compat import const\nA = const(1 << 4)\n_B = const(A | 3)\nC = const(-_B * 2 + ~A)\n"
                 "def f():\n    return A, _B, C\n",
        "r.three": "from p.one import A, C as D\nfrom p import one\ndef g(A=A):\n    return A, D, one.C\n",
        "lazy": "def h():\n    from p.one import A\n    from r import three\n    return A, three.g()\n",
    }, "from p.one import f\nfrom r.three import g\nfrom lazy import h\nprint(f(), g(), g(2), h())\n")
    assert "const" not in joined["p"] + joined["r"] + joined["lazy"] and "<<" not in joined["p"]
    assert "import" not in joined["p"]


def test_an_import_in_a_function_waits_for_its_call(tmp_path):
    _both(tmp_path, {
        "p.one": "def f():\n    from p.two import g\n    return g() + 1\n",
        "p.two": "from p.one import f\nfrom r.three import later\ndef g():\n    return 1\ndef both():\n"
                 "    return f(), later()\n",
        "r.three": "def later():\n    from p.two import g as two\n    from p import one\n    return two(), one.f()\n",
    }, "from p.two import both\nprint(both())\n")


def test_names_from_outside_stay(tmp_path):
    _, renamed, words = _both(tmp_path, {
        "p.one": "class Ratings:\n    def __init__(self):\n        self.given_by_name = 1\n"
                 "class Thing:\n    def __init__(self):\n        self.in_a_string = 2\n        self.quite_private = 3\n"
                 "    def op_state(self):\n        return self.quite_private\n    def append(self, what):\n"
                 "        self.quite_private += what\n",
        "p.two": "from p.one import Thing, Ratings\ndef f(word):\n    thing = Thing()\n    thing.append(1)\n"
                 "    rows = []\n    rows.append(getattr(thing, 'op_' + word)())\n"
                 "    rows.append(getattr(thing, 'in_a_string'))\n"
                 "    rows.append(getattr(Ratings(), 'given_' + 'by_name'))\n"
                 "    return rows\n",
    }, "from p.two import f\nprint(f('state'))\n")
    assert set(words.values()) == {"Thing", "quite_private"}
    assert "quite_private" not in renamed["p"]


@pytest.mark.parametrize("source, words", [
    ("import p.two", "is linked"),
    ("from p.two import *", "import of *"),
    ("from p import two\nx = two", "as a value"),
    ("from p import two\ndef f(g):\n    return g(two)", "as a value"),
    ("from p import two\ntwo.a = 2", "two.a"),
    ("from .two import a", "relative"),
    ("from p import two\ndef f(a):\n    return two.a", "local name"),
])
def test_what_cannot_be_done_is_refused(source, words):
    with pytest.raises(link.LinkError) as error:
        joined = link.link({"p": "", "p.one": source, "p.two": "a = 1\n"}, {"p": ("p.one", "p.two")})
        if words == "local name":  # either refused or done right
            assert "a_two" in joined["p"]
            raise link.LinkError("local name")
    assert words in str(error.value)


def test_a_circle_is_refused():
    with pytest.raises(link.LinkError, match="circle"):
        link.link({"p": "", "p.one": "from p.two import a\n", "p.two": "from p.one import b\n"},
                  {"p": ("p.one", "p.two")})


def test_every_linked_module_exists():
    modules = {image.dotted(target) for target in image.sources("all")}
    missing = [name for unit, members in link.LINKED.items() for name in (unit,) + members if name not in modules]
    assert not missing


def test_nothing_that_micropython_knows_is_renamed(tmp_path):
    texts = {}
    for target, path in image.sources().items():
        with open(path, encoding="utf-8") as file:
            texts[image.dotted(target)] = file.read()
    _, words, _ = rom_names.rename(link.link(texts), link.LINKED)
    assert len(words) > 100 and "set_w" in words.values()
    program = "def f(x):\n" + "".join("    x.%s\n" % name for name in words.values())
    program += "import micropython\nmicropython.qstr_info(1)\n"
    (tmp_path / "names.py").write_text(program)
    done = subprocess.run(runtimes.mpy64() + ["-X", "heapsize=4M", str(tmp_path / "names.py")], timeout=60,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, universal_newlines=True)
    in_ram = {line[2:-1] for line in done.stdout.splitlines() if line.startswith("Q(")}
    assert "set_w" in in_ram
    known = set(words.values()) - in_ram
    assert not known, "in MicroPython's ROM: they cost nothing and may be meant, add them to FOREIGN: %s" % known


def test_a_linked_image_has_no_file_for_what_was_joined():
    folder = image.build("mpy64", linked=True)
    assert os.path.exists(os.path.join(folder, "wallbox/evse/__init__.mpy"))
    assert not os.path.exists(os.path.join(folder, "wallbox/evse/guard.mpy"))
    assert os.path.exists(os.path.join(folder, "wallbox/evse/texts.mpy"))
    with open(os.path.join(folder, "main.py"), encoding="utf-8") as file:
        ast.parse(file.read())
