"""Dynamic bidirectional EV charging (DBEVC) on SPINE: everything about it that is inferred, in one place.

Of IEC 63380-2 only the titles of tables 55, 64, 67, 69, 76, 79 and 150-157 are public. The names stand in the
enumerations of SPINE 1.3.0; which of them the tables use, and for what, is not known. Whoever holds the standard
changes this file.
"""

from bounded.compat import const

# 1.1, 1.2: name, version, available, scenarios, subrevision, under the actor "EV" on the entity of the car. The curve
# is scenario 2 and the characteristics are 3 by the titles; the setpoint is assumed to be 1.
USE_CASE = ("dynamicBidirectionalEvCharging", "1.0.0", True, (1, 2, 3), "release")

# T153: id, measurement (the total power, see measurement.py), type, unit, scope
SETPOINT = const(1)
SETPOINT_DESCRIPTION = (1, 7, "valueAbsolute", "W", "acPowerTotal")
STEP_W = const(1)  # T154

# T55: characteristics of the car; what it can take, and what it can give
CONTEXT = "entity"
CONSUMPTION = ("powerConsumptionMin", "powerConsumptionMax", "powerConsumptionNominalMax")
PRODUCTION = ("powerProductionMin", "powerProductionMax", "powerProductionNominalMax")
CAPACITY = "energyCapacityNominalMax"

# T67: time series 4 and 5, in Wh and of one slot as "singleDemand" is
ENERGY_REQUEST = "energyRequest"
DISCHARGING_ENERGY_REQUEST = "dischargingEnergyRequest"

# T76, T79
BELOW_TARGET = "dischargingBelowTargetEnergyRequestPermitted"
