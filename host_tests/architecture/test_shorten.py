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
