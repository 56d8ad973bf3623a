"""Which property (EPC) serves which function: the one place to change when the standard's tables say otherwise.

Of IEC 63380-2 clause 5.3 only the functions' names and operations are public; the choice of EPC is inferred from the
access pattern of the properties (Appendix, release R). Form of a row: see lib/echonet/object.py; access digit
1 Get + 2 Set + 4 Anno, then the kind (1 u8, 2 u16, 3 u16 to 32766, 4 u32, 5 per cent, 6 enumerated, A s16, C s32,
0 raw with its greatest size).

Suffix `_CHARGER`: what only the charger 02A1 has, `_V2X`: only the charger/discharger 027E, `_DISCHARGE`: that of a
board that can. `_BATTERY`: offered when the station has a source for it. Constant properties are added in node.py.
"""

# 5.3.2 UCF_Device_State: 80 operation status, 88 fault status, 89 fault description; with them the two settings
# every device object must or may have, 81 installation location and 93 remote control.
DEVICE_STATE = (
    b"\x80\x76\x02\x30\x31" b"\x88\x56\x02\x41\x42" b"\x89\x12" b"\x81\x70\x11" b"\x93\x36\x04\x41\x42\x61\x62"
)

# 5.3.3 UCF_EV_Connected: C7 vehicle connection, CD connection check, E6 vehicle id (constant)
EV_CONNECTED = b"\xc7\x56\x05\x30\x40\x41\xff\x44" b"\xcd\x26\x01\x10"
EV_CONNECTED_DISCHARGE = b"\xc7\x56\x07\x30\x40\x41\x42\x43\xff\x44" b"\xcd\x26\x01\x10"

# 5.3.4 UCF_Load_Control: EB power and ED current set-point, E7 amount; EC, EE discharging, E0 signed power
LOAD_CONTROL = b"\xeb\x74" b"\xed\x72" b"\xe7\x34"
LOAD_CONTROL_V2X = b"\xec\x74" b"\xee\x72" b"\xe0\x7c"

# 5.3.5 UCF_Measurement: D3 power, D8 energy charged (D9 resets it); D4 current, D5 voltage, D6 energy discharged
# (constant where there is none, D7 resets it)
MEASUREMENT = b"\xd8\x14" b"\xd9\x26\x01\x00"
MEASUREMENT_CHARGER = b"\xd3\x14"
MEASUREMENT_DISCHARGE = b"\xd6\x14"
MEASUREMENT_V2X = b"\xd3\x1c" b"\xd4\x1a" b"\xd5\x1a" b"\xd7\x26\x01\x00"
# E4 state of charge, E2 energy in the battery, D0 usable capacity, CE and CF chargeable capacity; C0, C2, C4 likewise
# what can be discharged
MEASUREMENT_BATTERY = b"\xe4\x15" b"\xe2\x14" b"\xd0\x14" b"\xce\x14" b"\xcf\x14"
MEASUREMENT_BATTERY_V2X = b"\xc0\x14" b"\xc2\x14" b"\xc4\x15"

# 5.3.6 UCF_Operation_Mode: DA mode; DC charging and DD discharging method, E1 actual mode
OPERATION_MODE_CHARGER = b"\xda\x76\x03\x42\x44\x47"
OPERATION_MODE_V2X = (
    b"\xda\x76\x04\x42\x43\x44\x47" b"\xdc\x76\x05\x00\x01\x03\x04\x06" b"\xdd\x76\x05\x00\x01\x03\x04\x06" b"\xe1\x51"
)

# 5.3.7 UCF_Power_Limit: 99 power limit, 87 current limit, C8 range of power; constant: C5 rated power, CA range of
# current, CC type, D2 rated voltage; C6, C9, CB the same for discharging, DE purchase limit, DF re-interconnection
POWER_LIMIT = b"\x99\x72" b"\x87\x35" b"\xc8\x10\x08"

# The smallest set release R allows, for controllers that stumble over more (setting `echonet_minimal`).
MINIMAL = b"\x80\x81\x82\x83\x88\x8a\x9d\x9e\x9f\xc5\xc7\xcc\xda\xe6"
MINIMAL_V2X = MINIMAL + b"\x89\x8c\xc6\xc8\xc9\xca\xcb\xdc\xdd"
