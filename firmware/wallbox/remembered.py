"""What was set without a heartbeat behind it, kept over a power cut: a limit that vanished would overload a house.

These are the settings of the functions that ECHONET Lite writes, and the failsafe values of LPC. Loaded at start,
and again whenever there is something to keep.
"""

import json

from bounded.compat import const
from bounded.files import Files
from bounded.records import Slots

_MOST_BYTES = const(160)
_DISCHARGE = const(1)  # of functions/operation_mode.py
_STANDBY = const(2)


def asked(app):
    """What is set now, in the order in which it is set again."""
    load = app.load_control
    limit = app.power_limit
    mode = app.operation_mode
    consumption = limit.consumption
    back = app.setpoint and app.setpoint.back
    return [
        app.device_state.in_service,
        mode.mode,
        limit.limit_w,
        limit.limit_per_cent,
        load.method,
        load.power_w,
        load.current_ma,
        consumption and consumption.failsafe_w,
        consumption and consumption.duration_ms,
    ] + ([back.method, back.power_w, back.current_ma, app.station.exported.reset_wh] if back else [])


def _slots(storage):
    return Slots(Files(storage) if isinstance(storage, str) else storage, "asked", _MOST_BYTES)


def restore(app, storage):
    """Set again what was kept in `storage`; what does not fit this station any more is left out."""
    kept = _slots(storage).read()
    if kept is None:
        return
    load = app.load_control
    limit = app.power_limit
    setters = (
        app.device_state.set_in_service,
        app.operation_mode.set,
        limit.set_w,
        limit.set_per_cent,
        load.set_method,
        load.set_power_w,
        load.set_current_ma,
    )
    values = json.loads(kept)
    if app.station.ratings.discharge and values[1:2] == [_DISCHARGE]:
        values[1] = _STANDBY  # who asked for it may be gone: the car is not emptied
    for i in range(min(len(setters), len(values))):
        setters[i](values[i])
    if limit.consumption and len(values) > 8 and None not in values[7:9]:
        limit.consumption.failsafe_w, limit.consumption.duration_ms = values[7:9]
    back = app.setpoint and app.setpoint.back
    if back and len(values) > 12:
        back.set_method(values[9])
        back.set_power_w(values[10])
        back.set_current_ma(values[11])
        app.station.exported.reset_wh = values[12]


def save(app, storage):
    """Keep what is set now. OSError: the store failed."""
    _slots(storage).write(json.dumps(asked(app)).encode())
