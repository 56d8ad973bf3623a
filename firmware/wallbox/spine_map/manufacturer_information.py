"""5.2.13 UCF_Manufacturer_Information on SPINE (tables 118-121): DeviceClassification servers of the
EVSE (EVSECC scenario 1) and of the car (EVCC scenario 5)."""

from bounded.compat import const
from spine.schema import schema

NUMBER = const(1)
_EV_NUMBER = const(3)

# T120
MANUFACTURER = schema(
    b"deviceClassificationManufacturerData:(deviceName:s deviceCode:s serialNumber:s softwareRevision:s "
    b"hardwareRevision:s vendorName:s vendorCode:s brandName:s)"
)


def feature(settings, board, version):
    """The feature, from the settings `model`, `serial`, `vendor` and `brand`."""
    data = (settings.model, settings.model, settings.serial, version, board, settings.vendor, None, settings.brand)
    return (NUMBER, "DeviceClassification", "server", ((MANUFACTURER, data),))


def ev_feature(identification):
    """The feature of a car that told who made it; None of one that did not."""
    names = identification.manufacturer
    if names is None:
        return None
    data = (names[0], None, names[1], None, None, names[2], None, None)
    return (_EV_NUMBER, "DeviceClassification", "server", ((MANUFACTURER, data),))
