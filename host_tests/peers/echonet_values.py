"""What ECHONET Lite (Appendix, release R) lets the properties of an EV charger and charger/discharger say.

`flaw(epc, edt, eoj)` judges a value that was read; LEGAL has a value every settable property must accept, FIRST what
has to be set before it. MUST are the minimum sets. All EPCs and EDTs are hex texts.
"""

_MODES = {"02a101": ("42", "44", "47", "40"), "027e01": ("42", "43", "44", "47", "46", "48", "49", "40")}
_CONNECTED = {"02a101": ("30", "40", "41", "ff", "44"), "027e01": ("30", "40", "41", "42", "43", "ff", "44")}
_METHODS = ("00", "01", "02", "03", "04", "05", "06")
_CHOICE = {
    "80": ("30", "31"), "88": ("41", "42"), "93": ("41", "42", "61", "62"),
    "dc": _METHODS, "dd": _METHODS, "df": ("41", "42"), "db": ("00", "01", "02"), "e5": ("41", "42"),
    "e1": ("42", "43", "44", "47", "48", "40"),
    "cc": ("10", "11", "12", "13", "21", "22", "23", "31", "32", "33", "41", "42", "43", "51", "52", "53"),
}
_WATTS = "c5 c6 d8 d6 e7 ea eb ec de e2 c0 c2 ce cf d0".split()  # u32 to 999 999 999
_TEXTS = {"82": 4, "83": 17, "8a": 3, "8c": 12, "8d": 12}

LEGAL = {
    "80": "30", "81": "08", "87": "64", "93": "41", "99": "2af8", "cd": "10", "d7": "00", "d9": "00", "da": "42",
    "dc": "01", "dd": "00", "e0": "00000e60", "e7": "00000000", "eb": "00002af8", "ec": "00000000", "ed": "00c8",
    "ee": "0000",
}
FIRST = {"e0": ("dc", "06")}

MUST = {
    "02a101": {"get": "80 81 82 88 8a 9d 9e 9f c5 c7 cc da e6", "set": "81 da", "inf": "80 81 88 c7 da"},
    "027e01": {"get": "80 81 82 88 89 8a 8c 9d 9e 9f c5 c6 c7 c8 c9 ca cb cc da dc dd e6", "set": "81 da",
               "inf": "80 81 88 c7 da dc dd"},
    "0ef001": {"get": "80 82 83 8a 9d 9e 9f d3 d4 d5 d6 d7", "set": "", "inf": "80 d5"},
}
for _eoj in MUST:
    MUST[_eoj] = {word: set(MUST[_eoj][word].split()) for word in MUST[_eoj]}

BATTERY = set("e4 e2 d0 ce cf c0 c2 c4".split())  # may be "not possible" while unknown


def flaw(epc, edt, eoj):
    """What is wrong with the value `edt` of `epc`, None when nothing is."""
    size = len(edt) // 2
    data = bytes.fromhex(edt)
    number = int(edt, 16)
    good = False
    if epc == "da":
        good = edt in _MODES[eoj]
    elif epc == "c7":
        good = edt in _CONNECTED[eoj]
    elif epc in _CHOICE:
        good = edt in _CHOICE[epc]
    elif epc in _WATTS or epc == "d3" and eoj == "02a101":
        good = size == 4 and number <= 999999999
    elif epc in ("d3", "e0"):
        good = size == 4 and abs(number - (number >> 31 << 32)) <= 999999999
    elif epc in ("d4", "d5"):
        good = size == 2 and number not in (0x7FFF, 0x8000)
    elif epc in ("99", "ed", "ee"):
        good = size == 2 and number <= 65533
    elif epc == "89":
        good = size == 2 and (number <= 1000 or number in (0x3E9, 0x3FF))
    elif epc == "d2":
        good = size == 2 and number <= 32766
    elif epc in ("87", "e4", "c4"):
        good = size == 1 and number <= 100
    elif epc == "81":
        good = size == 1 or size == 17 and data[0] == 1
    elif epc in ("c8", "c9"):
        good = size == 8 and number >> 32 <= number & 0xFFFFFFFF <= 999999999
    elif epc in ("ca", "cb"):
        good = size == 4 and number >> 16 <= number & 0xFFFF <= 32766
    elif epc == "e6":
        good = size == data[0] + 1 <= 25
    elif epc in _TEXTS:
        good = size == _TEXTS[epc]
        if epc == "82":
            good = good and data[:2] == b"\0\0" and data[2:3].isalpha()
        elif epc == "83":
            good = good and data[0] == 0xFE
        elif epc in ("8c", "8d"):
            good = good and data.decode("ascii").isprintable()
    return None if good else "%s of %s is %s" % (epc, eoj, edt)
