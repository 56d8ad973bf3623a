"""The safety core: IEC 61851-1 mode 3. `guard.Guard` is all that the rest of the firmware sees.

    guard.py      sequence of Annex A: what is so, why no permission, opening, pilot, closing, lock
    pilot.py      states A to F, diode, generator; duty cycle and current
    contactor.py  weld, did not close, dropped out, feedback that lies
    rcm.py        residual current monitor: test and trip
    proximity.py  cable of a socket outlet (loaded only where there is a socket)
    bounds.py     temperature curve; over-draw and a silent meter
    faults.py     which fault latches, heals or counts
    led.py, texts.py   for boards and consoles; the guard does not load them

Pure: integers, elapsed time and readings in; outputs and events out. No clock, no protocol, no allocation in `tick`.
"""
