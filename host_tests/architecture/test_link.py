"""Joining modules for the device (tools/link.py, tools/rom_names.py): the joined program does what the modules did."""

import ast
import os
import subprocess

import cold_texts
import image
import link
import pytest
import rom_names
import rom_words
import runtimes

_COMPAT = "def const(value):\n    return value\n"
_UNITS = {"p": ("p.one", "p.two", "q"), "r": ("r.three",)}


def _run(folder, sources, program):
    """What `program`, a source, prints with the modules {dotted name: source} around it, on CPython."""
    folder.mkdir()
    for name, source in sources.items():
        path = folder.joinpath(*name.split("."))
        package = any(other.startswith(name + ".") for other in ("p.one", "r.three", "bounded.attribute"))
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
    renamed, words, _ = rom_names.rename(joined, [main])
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
        "p.one": "class Thing:\n    def __init__(self):\n        self.literal = 2\n        self._quite_private = 3\n"
                 "        self.of_main = 4\n"
                 "    def op_state(self):\n        return self._quite_private\n    def append(self, what):\n"
                 "        self._quite_private += what\n",
        "p.two": "from p.one import Thing\ndef f(word):\n    thing = Thing()\n    thing.append(1)\n"
                 "    rows = [hasattr(thing, 'absent'), getattr(thing, 'absent', 'of_main')]\n"
                 "    rows.append(getattr(thing, 'op_' + word)())\n"
                 "    rows.append(getattr(thing, 'literal'))\n"
                 "    return rows, thing\n",
    }, "from p.two import f\nrows, thing = f('state')\nprint(rows, thing.of_main)\n")
    assert set(words) == {"Thing", "_quite_private", "literal"}
    assert "quite_private" not in renamed["p"] and "'of_main'" in renamed["p"]


def test_what_a_text_names_is_found_by_the_table(tmp_path):
    sources = {
        "p": "", "compat": _COMPAT,
        "p.one": "class Ratings:\n    def __init__(self):\n        self.given_by_name = 1\n",
        "q": "from bounded.attribute import attribute, names\nfrom p.one import Ratings\ndef f(word, value):\n"
             "    ratings = Ratings()\n    if hasattr(ratings, attribute(word, names())):\n"
             "        setattr(ratings, attribute(word, names()), value)\n    return ratings.given_by_name\n",
    }
    main = "from q import f\nprint(f('given_by_name', 5), f('absent', 6), f('acos', 7))\n"
    table = "text = %r\ndef names():\n    return text\n"
    with open(os.path.join(runtimes.ROOT, "lib", "bounded", "attribute.py"), encoding="utf-8") as file:
        lookup = ast.unparse([node for node in ast.parse(file.read()).body if getattr(node, "name", "") == "attribute"])
    joined = link.link(sources, {"p": ("p.one", "q")})
    rom_names.refuse_lookups(sources)
    renamed, words, given = rom_names.rename(joined)
    assert given == {"given_by_name": words["given_by_name"]} and "given_by_name" not in renamed["p"]
    text = cold_texts.table(given)[2:]
    for name, known in (("apart", None), ("renamed", text)):
        modules = dict(renamed if known else joined)
        modules.update({"bounded": "", "bounded.attribute": table % known + lookup})
        assert _run(tmp_path / name, modules, main.replace("from q", "from p").replace("'acos'", repr(
            words["given_by_name"]))) == "5 1 1\n"


@pytest.mark.parametrize("source", [
    "def f(thing, name):\n    return getattr(thing, name)\n",
    "class C:\n    def set(self, name):\n        setattr(self, 'a_' + name, 1)\n",
    "def f(thing):\n    def g():\n        return hasattr(thing, str(thing))\n    return g\n",
])
def test_a_lookup_that_nobody_knows_of_is_refused(source):
    with pytest.raises(rom_names.NamesError, match="p, line|p.f, line|p.C.set, line"):
        rom_names.refuse_lookups({"p": source})
    rom_names.refuse_lookups({"p": "def f(thing):\n    return getattr(thing, 'literal')\n"})


def test_names_that_cannot_meet_share_a_word(tmp_path):
    _, renamed, words = _both(tmp_path, {
        "p.one": "class Base:\n    def __init__(self):\n        self.of_base = 1\n"
                 "class Derived(Base):\n    def __init__(self):\n        Base.__init__(self)\n"
                 "        self.of_derived = 2\n    def both(self):\n        return self.of_base, self.of_derived\n"
                 "class Alone:\n    def __init__(self):\n        self.of_alone = 3\n",
        "p.two": "from p.one import Alone, Derived\ndef f(passed=4, other=5):\n    local = Alone()\n"
                 "    local.of_anything = 6\n"
                 "    return Derived().both(), local.of_alone, local.of_anything, passed, other\n"
                 "def g():\n    return f(passed=7)\n",
        "r.three": "def in_another_module():\n    return 8\ndef h():\n    return in_another_module()\n",
    }, "from p.two import f, g\nfrom r.three import h\nprint(f(), g(), h())\n")
    of_one_object = ("of_base", "of_derived", "both", "of_anything")
    assert len({words[name] for name in of_one_object}) == 4
    assert words["of_alone"] in {words[name] for name in of_one_object[:3]}
    assert words["in_another_module"] in {words[name] for name in set(words) - {"in_another_module"}}
    assert len({words[name] for name in ("Base", "Derived", "Alone", "passed")}) == 4
    assert "other" not in words and "local" in renamed["p"], "what costs nothing stays"


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
    _, words, _ = rom_names.rename(link.link(texts))
    assert len(words) > 1000 and "set_w" in words
    in_ram = _in_ram("mpy64", tmp_path, list(words))
    known = set(words) - in_ram
    assert not known, "in MicroPython's ROM: they cost nothing and may be meant, add them to FOREIGN: %s" % known


def test_a_linked_image_has_no_file_for_what_was_joined():
    folder = image.build("mpy64", linked=True)
    assert os.path.exists(os.path.join(folder, "wallbox/evse/__init__.mpy"))
    assert not os.path.exists(os.path.join(folder, "wallbox/evse/guard.mpy"))
    assert not os.path.exists(os.path.join(folder, "wallbox/evse/texts.mpy"))  # nor for what is loaded anew
    assert os.path.exists(os.path.join(folder, "wallbox/config.mpy"))
    with open(os.path.join(folder, "main.py"), encoding="utf-8") as file:
        ast.parse(file.read())


def _in_ram(runtime, folder, words):
    """Those of the words that are no names of MicroPython's own."""
    (folder / "words.py").write_text("def f(x):\n" + "".join("    x.%s\n" % word for word in words)
                                     + "import micropython\nmicropython.qstr_info(1)\n")
    done = subprocess.run(runtimes.command(runtime) + ["-X", "heapsize=4M", str(folder / "words.py")], timeout=60,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, universal_newlines=True)
    return {line[2:-1] for line in done.stdout.splitlines() if line.startswith("Q(")} & set(words)


@pytest.mark.parametrize("runtime", ["mpy32", "mpy64"])
def test_every_word_is_one_of_micropython(runtime, tmp_path):
    assert _in_ram(runtime, tmp_path, rom_words.WORDS + ["set_w"]) == {"set_w"}
    assert _in_ram(runtime, tmp_path, rom_words._CPYTHON) == set(rom_words._CPYTHON), "MicroPython has it, too"
