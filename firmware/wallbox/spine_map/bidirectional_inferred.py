"""Dynamic bidirectional EV charging (DBEVC) on SPINE: everything about it that is inferred, in one place.

Of IEC 63380-2 only the titles of tables 55, 64, 67, 69, 76, 79 and 150-157 are public. The names stand in the
enumerations of SPINE 1.3.0; which of them the tables use, and for what, is not known. Whoever holds the standard
changes this file.
"""


class Inferred:
    """The table. (Its rows are methods, since methods stay on flash until they are called.)"""

    def use_case(self):
        """1.1, 1.2: name, version, available, scenarios, subrevision, under the actor "EV" on the entity of the car.
        The curve is scenario 2 and the characteristics are 3 by the titles; the setpoint is assumed to be 1."""
        return ("dynamicBidirectionalEvCharging", "1.0.0", True, (1, 2, 3), "release")

    def setpoint(self):
        """T153: id (1), measurement (the total power, see measurement.py), type, unit, scope."""
        return (1, 7, "valueAbsolute", "W", "acPowerTotal")

    def characteristic(self, index):
        """T55: characteristicContext and characteristicType of what the car can take (0 to 2: least, most, nominal),
        what it can give (3 to 5), and of its battery (6)."""
        return "entity", (
            "powerConsumptionMin", "powerConsumptionMax", "powerConsumptionNominalMax", "powerProductionMin",
            "powerProductionMax", "powerProductionNominalMax", "energyCapacityNominalMax",
        )[index]

    def series(self, index):
        """T67: timeSeriesType of the series of the demand (0) and of what can be discharged (1), in Wh and of one slot
        as "singleDemand" is."""
        return ("energyRequest", "dischargingEnergyRequest")[index]

    def below_target(self):
        """T76, T79: the key that says whether the car may be discharged while energy of its demand is missing."""
        return "dischargingBelowTargetEnergyRequestPermitted"
