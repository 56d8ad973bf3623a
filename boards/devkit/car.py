"""The simulated car and plant, driven by the words of the simulator's control port: plug, ready, pause, unplug, fault.

Loaded at the first word.
"""

from boards.sim.car import Car

_OK = (("ok", True),)
_CAR = (
    "battery_wh", "cable_ohm", "discharge", "draw_percent", "holds_c_after_x1", "ignores_duty", "locks_out_after",
    "max_ma", "min_ma", "phases", "ramp_ma_s", "reaction_ms", "ready", "simplified", "sleeping", "soc",
    "wants_ventilation")


def _car(arguments):
    from bounded.attribute import attribute, names

    known, given = names(), {}
    for name in arguments:
        if name not in _CAR:
            raise ValueError("a car has no %s; it has %s" % (name, " ".join(_CAR)))
        given[attribute(name, known)] = arguments[name]
    return Car(**given)


def act(plant, console, request):
    """Do what `request` says, here or in the firmware: pairs of the answer. ValueError: it cannot be done."""
    arguments = dict(request)
    word = arguments.pop("op", None)
    if word == "plug":
        plant.plug(_car(arguments))
    elif word == "unplug":
        plant.unplug()
    elif word == "ready" or word == "pause":
        plant.ready(word == "ready")
    elif word == "fault":
        plant.fault(arguments.get("name"), arguments.get("on", True), arguments.get("value"), arguments.get("ms"))
    elif word == "faults":
        from boards.sim.faults import FAULTS

        return (("faults", sorted(FAULTS)), ("active", plant.faults.active))
    elif word == "button":
        plant.press(arguments.get("ms", 200))
    elif word == "state":
        return _state(plant, console, request)
    else:
        return console.call(request)
    return _OK


def _state(plant, console, request):
    for pair in plant.truth().items():
        yield pair
    for pair in console.call(request):
        yield pair
