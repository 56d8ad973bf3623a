"""UCF_Identification and UCF_Manufacturer_Information of the car (IEC 63380-2 5.2.10, 5.2.13): what it says of itself.

A car on a plain pilot (IEC 61851-1) says nothing. Where a modem for high-level communication or a back end knows more,
it tells by `learn` (the console's word `car`), for the session under way; nothing is invented.
"""

STANDARDS = ("iec61851", "iso15118-2ed1", "iso15118-2ed2")


class Identification:
    """`standard` one of STANDARDS, `asymmetric` charging possible, `below_target`: it may be discharged while energy of
    its demand is missing; or None while unknown: `eui48` (12 hex digits), `manufacturer` (rows of text as in the SPINE
    function, vendorName and so on), `soh_per_cent` state of health of the battery, `range_m` how far it reaches.
    `version` changes when more or other of these is known, `changes` also with the others and the numbers."""

    def __init__(self):
        self.version = self.changes = 0
        self.forget()

    def forget(self):
        """The car left."""
        self.standard = STANDARDS[0]
        self.asymmetric = self.below_target = False
        self.eui48 = None
        self.manufacturer = self.soh_per_cent = self.range_m = None
        self.version += 1
        self.changes += 1

    def learn(self, facts):
        """Take what `facts`, a dictionary, says: standard, asymmetric, below_target, eui48, vendor, model, serial,
        soh, range_m. A sentence when something of it is wrong; then nothing is taken."""
        standard = facts.get("standard", self.standard)
        eui48 = facts.get("eui48", self.eui48)
        asymmetric = facts.get("asymmetric", self.asymmetric)
        if standard not in STANDARDS:
            return "standard must be one of " + ", ".join(STANDARDS)
        if eui48 is not None and (len(eui48) != 12 or [c for c in eui48 if c not in "0123456789abcdefABCDEF"]):
            return "eui48 must be 12 hex digits"
        names = [facts.get(word) for word in ("model", "serial", "vendor")]
        for name in names:
            if name is not None and (not isinstance(name, str) or len(name) > 64):
                return "model, serial and vendor are texts of at most 64 letters"
        soh, range_m = facts.get("soh", self.soh_per_cent), facts.get("range_m", self.range_m)
        for value, most in ((soh, 100), (range_m, 2000000)):
            if value is not None and (type(value) is not int or not 0 <= value <= most):
                return "soh is 0 to 100 %, range_m 0 to 2000000 m"
        before = self._known()
        self.standard = standard
        self.eui48 = eui48
        self.asymmetric = bool(asymmetric)
        self.below_target = bool(facts.get("below_target", self.below_target))
        self.soh_per_cent = soh
        self.range_m = range_m
        if names != [None, None, None]:
            self.manufacturer = names
        self.changes += 1
        if self._known() != before:
            self.version += 1
        return None

    def _known(self):
        return self.eui48, self.manufacturer, self.soh_per_cent is None, self.range_m is None
