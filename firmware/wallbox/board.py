"""What every board gives and takes: its ratings, the readings of one tick, the outputs of one tick.

A board is the package `boards/<name>` with `create(settings)`. What it returns has

    ratings                what the hardware is (Ratings)
    sample(readings)       fill in what is measured now; allocates nothing, never blocks for long
    apply(outputs)         drive pilot, contactor, lock, RCM test line and LED; allocates nothing
    storage                folder for persistent records
    serve_console(console) gives a coroutine that answers what arrives on the board's own console line (console.py); or
                           None
    restart()              start again as after a reset; does not return (a board made of a process has none)
    ota()                  the module that brings a new MicroPython (boards/esp32/ota.py), of chips
    tasks(app)             if it has any: name and function of what it does again and again (the network's keeper), and
                           the period in ms; or of a task the function that gives its coroutine, and a tuple of the
                           errors that are no failure of it
    reset_cause            why it started, as machine.reset_cause(): 1 power-on (or brown-out), 2 reset, 3 watchdog,
                           5 soft reset; 0 or missing = unknown
    feed_watchdog()        if it has one: called at every tick of a healthy guard; without it the hardware resets all
    rest_watchdog()        with it: a person is at the REPL, let an hour pass

None means "unknown" in a reading; unknown is never 0. Integers only, units in the names.
"""

from bounded.compat import const

POLE_L1 = const(1)
POLE_L2 = const(2)
POLE_L3 = const(4)

PILOT_X1 = const(1000)  # steady +12 V: no permission to draw
PILOT_F = const(0)  # steady -12 V: not available
PILOT_DIGITAL = const(50)  # 5 %: digital communication required; while power may flow back


class Ratings:
    """What the hardware is, fixed while it runs. A board overwrites what differs."""

    def __init__(self):
        self.name = "board"
        self.max_ma = 32000  # per phase, board and terminals, 6000..80000
        self.min_ma = 6000  # below this the box pauses, never less than 6000
        self.phases = 3  # phases wired to the supply, 1..3
        self.nominal_mv = 230000  # phase to neutral
        self.socket = False  # True: socket outlet with proximity contact; False: attached cable
        self.lock = False  # True: the plug is locked while energised
        self.aux_contacts = True  # mirror contacts per pole are read
        self.rcm = True  # residual current monitor with test input
        self.generator_check = True  # the board measures its own pilot's frequency and duty
        self.temperature = True  # a temperature sensor is fitted
        self.interlock = True  # hardware opens the contactor when software stops
        self.ventilation = False  # state D may be supplied
        self.discharge = False  # power may flow from the car; there is a modem for high-level communication (Outputs)
        self.ev_data = False  # the board learns about the car's battery (high-level communication, back end)


class Readings:
    """Measured at one tick."""

    def __init__(self):
        self.pilot_high_mv = None  # mean upper plateau at the CP terminal
        self.pilot_low_mv = None  # mean lower plateau, None while the pilot has none (100 %)
        self.pilot_hz = None  # own generator read back
        self.pilot_permille = None  # own generator read back
        self.pilot_age_ms = None  # since these were sampled
        self.proximity_ohm = None  # 1 << 20 when open
        self.poles_closed = 0  # mirror contacts, POLE_*
        self.load_side_mv = None  # highest voltage behind the contactor against N
        self.rcm_tripped = True  # level of the residual current monitor's output
        self.lock_closed = None
        self.temperature_dc = None  # 0.1 degree Celsius
        self.temperature_age_ms = None
        self.voltage_mv = [None, None, None]
        self.current_ma = [None, None, None]
        self.power_w = None  # negative: into the grid
        self.energy_wh = None  # imported by the car, as the meter counts
        self.exported_wh = None  # out of the car, as the meter counts
        self.frequency_mhz = None
        self.meter_age_ms = None
        self.ev_soc_per_cent = None  # state of charge of the car's battery
        self.ev_capacity_wh = None  # usable capacity of the car's battery
        self.ev_discharge = None  # the car says that it can give power back (high-level communication)
        self.button = False  # pressed


class Outputs:
    """Wanted at one tick.

    IEC 61851-1 has no word for power from the car. A board that can take it (`ratings.discharge`) has a modem for
    high-level communication, such as ISO 15118-20, which tells the car `discharge_ma`, and takes that back by itself
    when no outputs came for a second.
    """

    def __init__(self):
        self.pilot_permille = PILOT_X1  # PILOT_F, PILOT_DIGITAL, 100..960 or PILOT_X1
        self.contactor = False
        self.lock = False
        self.rcm_test = False
        self.discharge_ma = 0  # the most that may flow back on each phase now
        self.led = 0  # pattern, see evse/led.py
