"""UCF_Measurement (IEC 63380-2 5.2.15, tables 130-137; ECHONET Lite 5.3.5): the car's battery, when it is known.

A Type 2 wallbox learns these only by high-level communication or from a back end; the board fills them in
(`Readings.ev_*`) when it has such a source (`Ratings.ev_data`). None is "not known now".
"""


class Measurement:
    """State of charge and energies of the car's battery."""

    def __init__(self, station):
        self._readings = station.readings
        self.has_source = station.ratings.ev_data

    def soc_per_cent(self):
        """State of charge, 0..100 %, None when unknown."""
        return self._readings.ev_soc_per_cent

    def capacity_wh(self):
        """Usable capacity of the battery in Wh, None when unknown."""
        return self._readings.ev_capacity_wh

    def stored_wh(self):
        """Energy in the battery in Wh, None when unknown."""
        soc = self._readings.ev_soc_per_cent
        capacity_wh = self._readings.ev_capacity_wh
        return None if soc is None or capacity_wh is None else capacity_wh * soc // 100
