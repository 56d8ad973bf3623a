# heap: 640K
"""Damage to datagrams that an EMS on eebus-go 0.7.0 really sent to this firmware (ems_datagrams.txt, the first of each
kind), at the station's whole device with a car: never an exception, bounded memory, sound answers. `make fuzz` runs
100,000 of them on each runtime; here are 2000."""

from host_tests.pure.damage import growth, many, owed
from host_tests.pure.spine_station import LOAD
from host_tests.pure.test_spine_map_ev import CAR_LOAD, CarBox

RECORDED = "host_tests/pure/ems_datagrams.txt"  # from the project's folder, where tests run


def recorded():
    with open(RECORDED) as file:
        return [line.strip().encode() for line in file]


def connected(texts):
    """A station with a car whose EMS has said all of `texts`; and what it was answered."""
    box = CarBox(ev_data=True)
    box.station.readings.ev_soc_per_cent = 40
    box.peer.close()
    box.peer = box.connect(client=True)
    answers = []
    for text in texts:
        answers += survive(box, text, 5000)
    return box, answers


def survive(box, text, step):
    """Take one message and let 300 ms pass; what is owed then as [(classifier, error)]."""
    box.take(text, step)
    box.pass_ms(300, 300)
    found = []
    for message in owed(box, 60):
        datagram = message["data"][1]["payload"]["datagram"]
        error = None
        for member in datagram[1]["payload"][0]["cmd"][0]:
            if "resultData" in member:
                error = member["resultData"][0]["errorNumber"]
        classifier = [member["cmdClassifier"] for member in datagram[0]["header"] if "cmdClassifier" in member][0]
        found.append((classifier, error))
    assert 0 <= box.offered_ma() <= 32000
    return found


def fuzz(seed, cases):
    """So many damaged messages; how many answers there were."""
    texts = recorded()

    def fresh(box):
        if box:
            box.peer.close()
        return connected(texts)[0]

    return many(seed, cases, texts, survive, fresh, 500, (13, 300, 5000))


def test_what_the_ems_sent_is_taken():
    box, answers = connected(recorded())
    assert [error for _, error in answers if error] == []
    assert len([1 for classifier, _ in answers if classifier == "reply"]) > 15
    for to in (LOAD, CAR_LOAD):
        assert [each for each in box.peer.bindings if each[4] >> 8 == to[1]]
    assert box.phase_limits.active == [True] * 6 and box.charge_plan.curve


def test_damaged_datagrams_of_an_ems():
    assert fuzz(2, 2000) > 300


def test_memory_does_not_grow_with_damage():
    texts = recorded()
    assert growth(connected(texts)[0], 400, texts, survive, 100) < 8000
