"""Private names in an image (tools/shorten.py): shared by classes that are no kin, apart wherever they could meet."""

import ast

import shorten

_SOURCE = """
class Base:
    def _step(self):
        self._count = 1

class Derived(Base):
    def _other(self):
        self._more = self._count

class Alone:
    def _act(self):
        self._value = 2

def _helper(thing):
    return thing._reached
"""


def test_only_classes_that_are_no_kin_share():
    tree = ast.parse(_SOURCE)
    names = ["_step", "_count", "_other", "_more", "_act", "_value", "_helper", "_reached"]
    new = shorten._shared(tree, names, shorten._names("_", set()))
    kin = [new[name] for name in ("_step", "_count", "_other", "_more", "_reached")]
    assert len(set(kin)) == 5, "of one object, or of an object that may be anything"
    assert len({new["_act"], new["_value"], new["_reached"]}) == 3
    assert {new["_act"], new["_value"]} <= {new[name] for name in ("_step", "_count", "_other", "_more")}


_PIECE = """
def f(self, limit, kept=3, *rest, only=1):
    try:
        return self.duty(limit, rest, lambda limit, a: (limit, a, kept, only))
    except ValueError as error:
        return error.args, limit
"""


def test_parameters_of_code_on_flash_are_called_what_its_file_names_anyway():
    class Box:
        def duty(self, limit, rest, each):
            if limit < 0:
                raise ValueError(limit)
            return limit, rest, each(1, 2)

    new, made = shorten.reused(_PIECE, {"kept"}), []
    assert [each.arg for each in ast.parse(new).body[0].args.args] == ["_", "args", "kept"]
    for text in (_PIECE, new):
        names = {}
        exec(text, names)
        made.append((names["f"](Box(), 5, 6, 7, only=8), names["f"](Box(), -1, kept=2)))
    assert made[0] == made[1] == ((5, (7,), (1, 2, 6, 8)), ((-1,), -1))
