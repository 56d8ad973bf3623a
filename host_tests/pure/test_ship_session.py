"""The socket side of a SHIP connection with a socket that is slow: traps T3 and T6, messages that stay apart."""

import asyncio

from bounded.wait import sleep_ms

from host_tests.pure.ship_bench import ASK, BOX_ID, DATA_STATE, DEAD_STATE, Box, data

from ship.session import Session


class SlowSocket:
    """Takes at most `most` bytes at a time, and nothing at every second offer; None then, as a TLS socket does."""

    def __init__(self, most):
        self.most = most
        self.taken = b""
        self.refused = None
        self.busy = False

    def write(self, buf, at, size):
        offer = bytes(memoryview(buf)[at : at + size])
        assert self.refused is None or self.refused == offer, "T3: not the same offer again"
        self.busy = not self.busy
        if self.busy:
            self.refused = offer
            return None
        self.refused = None
        self.taken += offer[: self.most]
        return min(size, self.most)


class Node:
    ship_id = "box"


class Producer:
    """Gives `text` in steps of at most `step` bytes, then 0."""

    def __init__(self, text, step):
        self.text = text
        self.step = step
        self.at = 0

    def __call__(self, buf):
        n = min(self.step, len(buf), len(self.text) - self.at)
        buf[:n] = self.text[self.at : self.at + n]
        self.at += n
        return n


def session(most=100, room=256):
    found = Session(Node(), True)
    found.inb, found.out = bytearray(64), bytearray(room)
    found.view = memoryview(found.inb)
    found.tls = SlowSocket(most)
    found.state = DATA_STATE
    return found


def understood(raw):
    """The messages a peer, our own client, understands of it."""
    peer = Box(server=False)
    peer.state = DATA_STATE
    peer.receiver = peer.sink
    answers = peer.bytes(bytes(raw))
    assert peer.state == DATA_STATE
    return peer.sink.messages, answers


def test_a_message_of_any_length_arrives_whatever_the_socket_and_the_producer_do():
    for size in list(range(60, 70)) + list(range(230, 270)) + [1000]:
        for step in (1, 100, 1000):
            text = data(b"x" * size)[1:]
            box = session()
            asyncio.run(box.send(Producer(text, step)))
            while not box.pump():
                pass
            assert understood(box.tls.taken)[0] == [text], (size, step)


def test_no_fragment_is_empty():
    box = session(1000, 108)
    for size in range(95, 110):
        box.tls.taken = b""
        asyncio.run(box.send(Producer(b"x" * size, 1000)))
        while not box.pump():
            pass
        raw = box.tls.taken
        while raw:
            assert raw[1] > 0
            raw = raw[2 + raw[1] :]


def test_messages_and_answers_stay_apart():
    box = session()
    texts = [data(b"%d" % i * 500)[1:] for i in range(3)]
    helper = Box()

    async def ask():
        for i in range(20):
            raw = helper.frame(2, ASK) + helper.frame(9, b"%d" % i)
            box.inb[: len(raw)] = raw
            box.at, box.end = 0, len(raw)
            while box.at < box.end:
                box.feed()
                box.deliver()
                while not box.pump():
                    await sleep_ms(1)
            await sleep_ms(3)

    async def everybody():
        tasks = [asyncio.create_task(box.send(Producer(text, 70))) for text in texts]
        tasks.append(asyncio.create_task(ask()))
        for task in tasks:
            await task
        while not box.pump():
            await sleep_ms(1)

    asyncio.run(everybody())
    messages, answers = understood(box.tls.taken)
    assert sorted(messages) == sorted(texts)
    peer = Box(server=False)
    assert box.tls.taken.count(BOX_ID) >= 1 and box.tls.taken.count(b"\x8a") >= 10
    assert peer.state != DEAD_STATE


def test_the_end_of_the_connection_ends_who_sends():
    box = session()

    async def cut():
        await sleep_ms(10)
        box.state = DEAD_STATE

    async def everybody():
        cutter = asyncio.create_task(cut())
        failures = 0
        for _ in range(2):
            try:
                await box.send(Producer(b"x" * 100000, 1000))
            except OSError:
                failures += 1
        await cutter
        return failures

    assert asyncio.run(everybody()) == 2
    assert not box.streaming


def test_a_producer_that_fails_cuts_the_connection_only_when_half_is_out():
    class Broken(Exception):
        pass

    def fail(buf):
        raise Broken

    class FailsLate(Producer):
        def __call__(self, buf):
            if self.at > 600:
                raise Broken
            return super().__call__(buf)

    for producer, state in ((fail, DATA_STATE), (FailsLate(b"x" * 1000, 100), DEAD_STATE)):
        box = session()
        try:
            asyncio.run(box.send(producer))
            raise AssertionError
        except Broken:
            pass
        assert box.state == state and not box.streaming
