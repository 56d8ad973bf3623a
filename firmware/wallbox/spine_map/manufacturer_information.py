"""5.2.13 UCF_Manufacturer_Information on SPINE (tables 118-121): DeviceClassification server of the EVSE."""

from bounded.compat import const

NUMBER = const(1)

# T120
_MANUFACTURER = (
    b"deviceClassificationManufacturerData:(deviceName:s deviceCode:s serialNumber:s softwareRevision:s "
    b"hardwareRevision:s vendorName:s vendorCode:s brandName:s)"
)


def feature(settings, board, version):
    """The feature, from the settings `model`, `serial`, `vendor` and `brand`."""
    data = (settings.model, settings.model, settings.serial, version, board, settings.vendor, None, settings.brand)
    return (NUMBER, "DeviceClassification", "server", ((_MANUFACTURER, data),))
