"""5.2.13 UCF_Manufacturer_Information on SPINE (tables 118-121): DeviceClassification servers of the
EVSE (EVSECC scenario 1) and of the car (EVCC scenario 5)."""

from bounded.compat import const
from spine.schema import schema

NUMBER = const(1)
EV_NUMBER = const(3)

# T120
MANUFACTURER = schema(
    b"deviceClassificationManufacturerData:(deviceName:s deviceCode:s serialNumber:s softwareRevision:s "
    b"hardwareRevision:s vendorName:s vendorCode:s brandName:s)"
)


def names(settings):
    """What the station keeps of its settings for this: one text takes less than four."""
    return "\n".join((settings.model, settings.serial, settings.vendor, settings.brand))


def station_functions(told, board, version):
    """The functions of the feature of the station, from what `names` told."""
    model, serial, vendor, brand = told.split("\n")
    return ((MANUFACTURER, (model, model, serial, version, board, vendor, None, brand)),)


def ev_functions(identification):
    """The functions of the feature of a car that told who made it."""
    model, serial, vendor = identification.manufacturer or (None, None, None)
    return ((MANUFACTURER, (model, None, serial, None, None, vendor, None, None)),)
