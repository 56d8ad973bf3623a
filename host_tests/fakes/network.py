"""`network` of an ESP32: interfaces whose link a test makes and breaks.

Mimicked: an interface that is not active cannot be configured or connected ("Wifi Not Started" or similar OSError);
connecting while connected or connecting raises; a wrong password ends in a status, not in an exception; settings are
lost when the interface goes down. `air` is what is around: {ssid: password}, and `address` what DHCP gives.
"""

STA_IF = 0
AP_IF = 1
PHY_LAN8720 = 1
PHY_W5500 = 7

STAT_IDLE = 1000
STAT_CONNECTING = 1001
STAT_GOT_IP = 1010
STAT_NO_AP_FOUND = 201
STAT_WRONG_PASSWORD = 202
STAT_ASSOC_FAIL = 203

air = {}
address = "192.168.1.20"
made = []


def hostname(name=None):
    global _hostname
    if name is None:
        return _hostname
    if len(name) > 32:
        raise ValueError
    _hostname = name


_hostname = "mpy-esp32"


class _Interface:
    def __init__(self):
        self.is_active = False
        self.calls = []
        self.address = "0.0.0.0"
        made.append(self)

    def active(self, on=None):
        if on is None:
            return self.is_active
        self.calls.append("active %d" % on)
        self.is_active = bool(on)
        if not on:
            self.lose()

    def lose(self):
        """The link breaks."""
        self.address = "0.0.0.0"

    def ifconfig(self):
        return (self.address, "255.255.255.0", "192.168.1.1", "192.168.1.1")

    def isconnected(self):
        return self.address != "0.0.0.0"


class WLAN(_Interface):
    PM_NONE = 0
    PM_PERFORMANCE = 1
    PM_POWERSAVE = 2
    IF_STA = 0

    def __init__(self, interface=0):
        super().__init__()
        self.pm = WLAN.PM_PERFORMANCE
        self.state = STAT_IDLE

    def config(self, *names, **values):
        if not self.is_active:
            raise OSError("Wifi Not Started")
        for name in values:
            setattr(self, name, values[name])
        return getattr(self, names[0]) if names else None

    def connect(self, ssid=None, key=None):
        if not self.is_active:
            raise OSError("Wifi Not Started")
        if self.state in (STAT_CONNECTING, STAT_GOT_IP):
            raise OSError("Wifi Internal State Error")
        self.calls.append("connect")
        if ssid not in air:
            self.state = STAT_NO_AP_FOUND
        elif air[ssid] != (key or None):
            self.state = STAT_WRONG_PASSWORD
        else:
            self.state = STAT_GOT_IP
            self.address = address

    def disconnect(self):
        if not self.is_active:
            raise OSError("Wifi Not Started")
        self.calls.append("disconnect")
        self.lose()

    def lose(self):
        super().lose()
        self.state = STAT_IDLE

    def status(self, what=None):
        return self.state if what is None else -60


class LAN(_Interface):
    def __init__(self, *number, **wiring):
        super().__init__()
        self.wiring = wiring
        self.cable = True

    def active(self, on=None):
        answer = super().active(on)
        if on and self.cable:
            self.address = address
        return answer

    def status(self):
        return 5 if self.isconnected() else 4
