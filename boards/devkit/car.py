"""The simulated car and plant, driven by the words of the simulator's control port: plug, ready, pause, unplug, fault.

Loaded at the first word.
"""

from boards.sim.car import Car

_OK = (("ok", True),)
# what may be said of a car; said here by keyword, so that the parameters keep their names on a device
_CAR = dict(phases=3, max_ma=32000, min_ma=6000, soc=40, battery_wh=60000, reaction_ms=500, ramp_ma_s=10000,
            sleeping=False, simplified=False, ignores_duty=False, holds_c_after_x1=None, wants_ventilation=False,
            locks_out_after=None, draw_percent=100, cable_ohm=220, ready=False, discharge=False)


def act(plant, console, request):
    """Do what `request` says, here or in the firmware: pairs of the answer. ValueError: it cannot be done."""
    arguments = dict(request)
    word = arguments.pop("op", None)
    if word == "plug":
        for name in arguments:
            if name not in _CAR:
                raise ValueError("a car has no %s; it has %s" % (name, " ".join(sorted(_CAR))))
        plant.plug(Car(**arguments))
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
