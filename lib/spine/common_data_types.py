"""Types of devices, entities and features, and roles of features (SPINE 1.3.0, CommonDataTypes), as small integers:
a word takes 32 to 48 bytes wherever it stands, and only a message needs it.

A feature is one int, `number << 8 | type | role`. What a device has of its own is listed here; of a peer the words are
compared.
"""

from bounded.compat import const

# RoleType
SPECIAL = const(0)
SERVER = const(1)
CLIENT = const(2)
_ROLE = const(3)

# DeviceTypeType, EntityTypeType and FeatureTypeType: four times the place in the words below
CHARGING_STATION = const(0)
DEVICE_INFORMATION = const(4)
EVSE = const(8)
EV = const(12)
NODE_MANAGEMENT = const(16)
BILL = const(20)
DEVICE_CLASSIFICATION = const(24)
DEVICE_CONFIGURATION = const(28)
DEVICE_DIAGNOSIS = const(32)
ELECTRICAL_CONNECTION = const(36)
IDENTIFICATION = const(40)
INCENTIVE_TABLE = const(44)
LOAD_CONTROL = const(48)
MEASUREMENT = const(52)
SETPOINT = const(56)
TIME_SERIES = const(60)


def word(kind):
    """The word for the type of a device, an entity or a feature."""
    words = (
        "ChargingStation DeviceInformation EVSE EV NodeManagement Bill DeviceClassification DeviceConfiguration "
        "DeviceDiagnosis ElectricalConnection Identification IncentiveTable LoadControl Measurement Setpoint "
        "TimeSeries "
    )
    at = 0
    for _ in range(kind >> 2 & 63):
        at = words.find(" ", at) + 1
    return words[at : words.find(" ", at)]


def role_word(feature):
    """The word for the role of a feature."""
    return ("special", "server", "client")[feature & _ROLE]
