"""5.2.10 UCF_Identification on SPINE (tables 96-97), use case EVCC scenario 4: Identification server of the car."""

from bounded.compat import const
from spine.schema import schema

NUMBER = const(2)

# T97
_IDENTIFICATIONS = schema(
    b"identificationListData:(identificationData:[identificationId:k identificationType:s identificationValue:s])"
)


def told(identification):
    """The functions of the feature, for a car that told its EUI-48."""
    return ((_IDENTIFICATIONS, ((0, "eui48", identification.eui48),)),)
