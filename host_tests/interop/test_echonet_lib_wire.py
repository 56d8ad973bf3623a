"""The library's node on the wire: ports, group, order, floods. Raw sockets on the loopback interface, no privileges."""

import random
import time

import pytest

from host_tests.interop.echonet_node_fixture_process import NodeProcess
from host_tests.peers.echonet_box import GROUP, Raw, octets

NODE, ONE, TWO = "127.0.63.2", "127.0.63.3", "127.0.63.4"
D5 = "1081 8001 0EF001 0EF001 73 01 D5 07 02 02A101 02A102"


@pytest.fixture(params=["mpy32", "mpy64", "cpython"])
def runtime(request):
    return request.param


@pytest.fixture
def one():
    with Raw(ONE, NODE) as ems:
        yield ems


@pytest.fixture
def two():
    with Raw(TWO, NODE) as ems:
        yield ems


def flat(text):
    return text.replace(" ", "").lower()


GET = "1081 %04X 05FF01 02A101 62 01 %s 00"
GOT = "1081 %04X 02A101 05FF01 72 01 %s"


def serve(runtime="mpy32", **more):
    return NodeProcess(runtime, NODE, "127.0.0.1", **more)


def test_start_reply_port_group_and_order(runtime, one, two):
    with serve(runtime):
        assert one.hear(one.group) == flat(D5)

        # replies go to port 3610 whatever port the request came from
        one.send(GET % (7, "DA"), one.other)
        assert one.hear() == flat(GOT % (7, "DA 01 42"))
        assert one.hear(one.other, 0.2) is None

        # two controllers with equal numbers, five requests of each in flight, answered in order
        for turn in range(5):
            one.send(GET % (turn, "DA"))
            two.send(GET % (turn, "C7"))
        assert [one.hear() for _ in range(5)] == [flat(GOT % (turn, "DA 01 42")) for turn in range(5)]
        assert [two.hear() for _ in range(5)] == [flat(GOT % (turn, "C7 01 30")) for turn in range(5)]

        # reply first, then the announcement to the group, once
        assert one.ask("1081 0002 05FF01 02A101 61 01 DA 01 44") == flat("1081 0002 02A101 05FF01 71 01 DA 00")
        assert two.hear(two.group) in (flat(D5), flat("1081 8002 02A101 0EF001 73 01 DA 01 44"))
        assert one.hear(one.group) == flat("1081 8002 02A101 0EF001 73 01 DA 01 44")
        assert one.ask("1081 0003 05FF01 02A101 61 01 DA 01 44") == flat("1081 0003 02A101 05FF01 71 01 DA 00")
        assert one.hear(one.group, 0.3) is None

        # INF_REQ is answered to the group, or alone when it fails
        one.send("1081 1234 05FF01 02A101 63 01 DA 00")
        assert one.hear(one.group) == flat("1081 1234 02A101 05FF01 73 01 DA 01 44")
        assert one.ask("1081 1234 05FF01 02A101 63 01 E4 00") == flat("1081 1234 02A101 05FF01 53 01 E4 00")
        assert one.hear(one.group, 0.2) is None

        # multicast to one instance is answered at once; what is spread takes 100 ms or more
        times = [9]
        while min(times) >= 0.08:
            start = time.monotonic()
            one.send("1081 0004 0EF001 0EF001 62 01 D3 00", to=GROUP)
            assert one.hear() == flat("1081 0004 0EF001 0EF001 72 01 D3 03 000002")
            times.append(time.monotonic() - start)
            assert len(times) < 50, times


def test_all_instances_by_multicast_are_spread_and_block_nobody(one, two):
    with serve():
        times = []
        meanwhile = []
        while len(times) < 6 or min(meanwhile) >= 0.08:
            turn = len(times)
            assert turn < 40, meanwhile
            one.send("1081 %04X 05FF01 0EF000 62 01 D6 00" % turn, to=GROUP)
            start = time.monotonic()
            assert two.ask(GET % (1, "DA")) is not None
            meanwhile.append(time.monotonic() - start)
            assert one.hear() == flat("1081 %04X 0EF001 05FF01 72 01 D6 07 02 02A101 02A102" % turn)
            times.append(time.monotonic() - start)
        # by unicast there is nothing to spread
        one.send("1081 0009 05FF01 02A100 62 01 DA 00")
        assert one.hear() == flat("1081 0009 02A101 05FF01 72 01 DA 01 42")
        assert one.hear() == flat("1081 0009 02A102 05FF01 72 01 DA 01 42")
        assert min(times) > 0.08 and max(times) < 3 and max(times) - min(times) > 0.05, times

        # more than can wait are answered all the same
        for turn in range(9):
            one.send("1081 %04X 05FF01 0EF000 62 01 D6 00" % turn, to=GROUP)
        assert sorted(one.hear()[4:8] for _ in range(9)) == ["%04x" % turn for turn in range(9)]

        # and a Set to all acts at once
        one.send("1081 0001 05FF01 02A100 60 01 DA 01 47", to=GROUP)
        end = time.monotonic() + 5  # what comes by another socket may be read after what was sent later
        while one.ask(GET % (2, "DA")) != flat(GOT % (2, "DA 01 47")):
            assert time.monotonic() < end


def test_the_instance_list_is_repeated(one):
    with serve(repeat_ms=400):
        heard = [one.hear(one.group) for _ in range(3)]
        assert [frame[8:] for frame in heard] == [flat(D5)[8:]] * 3
        assert [frame[4:8] for frame in heard] == ["8001", "8002", "8003"]


def test_ten_thousand_random_datagrams_and_the_heap_is_flat(one):
    golden = [octets(text) for text in (
        GET % (1, "DA"), "1081 0002 05FF01 02A101 61 01 EB 04 00000E60", "1081 0003 05FF01 0EF000 62 01 D6 00",
        "1081 0002 05FF01 02A101 6E 01 EB 04 00000E60 01 EB 00", "1081 0002 05FF01 02A101 60 01 DA 01 44")]
    numbers = random.Random(1)
    with serve():
        free = []
        for turn in range(10000):
            data = bytearray(numbers.choice(golden))
            if turn % 3 == 0:
                data = numbers.randbytes(numbers.choice((0, 5, 40, 600, 1472)))
            elif turn % 3 == 1:
                data[numbers.randrange(len(data))] = numbers.randrange(256)
                data += numbers.randbytes(numbers.randrange(4))
            one.home.sendto(data, (NODE, 3610) if turn % 7 else GROUP)
            if turn % 20 == 19:  # let it catch up: alive, and in step
                one.send(GET % (0xABCD, "F0"))
                while True:
                    reply = one.hear()
                    assert reply is not None, turn
                    if reply.startswith("1081abcd02a10105ff017201f0"):
                        free.append(int(reply[-8:], 16))
                        break
        assert min(free[-100:]) > min(free[5:100]) - 1600, (free[5:100], free[-100:])


def test_a_regained_network_is_announced_at_once(one):
    with serve():
        assert one.hear(one.group) == flat(D5)
        one.send("1081 0002 05FF01 02A101 60 01 F1 04 00000002")
        assert one.hear(one.group)[8:] == flat(D5)[8:]


def test_a_defect_behind_a_property_does_not_stop_the_node(one):
    with serve() as process:
        for _ in range(3):
            one.send("1081 0002 05FF01 02A101 61 01 F1 04 00000001")
            assert one.hear(timeout_s=0.2) is None
            assert one.ask(GET % (7, "DA")) == flat(GOT % (7, "DA 01 42"))
        one.send(GET % (7, "F2"))
        assert one.hear(timeout_s=0.5) is None
        assert one.ask(GET % (7, "DA")) == flat(GOT % (7, "DA 01 42"))
        assert process.alive()
