"""The steps of a demonstration: each is said, done, waited for, and printed with the state of the box then."""

import asyncio

_EVERY_S = 0.2  # each look at the state makes the firmware collect its heap


class Story:
    """The steps told so far, with the time each took.

    Where this computer does not let the firmware run for more than 100 ms, the simulated hardware interlock opens the
    contactor, as the real one would. That is a fault of the computer, not of the box: it is told and cleared.
    """

    def __init__(self, control):
        self.control = control
        self.busy = 0  # how often the interlock opened
        self._rows = []

    async def step(self, words, act, reached, timeout_s=30, say=None):
        """Say `words`, do `act`, wait until the state shows `reached`, and print what the box does then; `say`, a
        coroutine function, adds lines. A step that fails is told, and the story goes on."""
        print("\n* %s" % words, flush=True)
        loop = asyncio.get_running_loop()
        start = loop.time()
        good = True
        try:
            if act is not None:
                await act
            state = await loop.run_in_executor(None, self._wait, reached, timeout_s)
        except TimeoutError:
            state, good = self.control.state(), False
        except Exception as error:  # a refusal, a lost connection: the sentence says it
            print("    %s" % error)
            state, good = self.control.state(), False
        took_s = loop.time() - start
        print(line(state), flush=True)
        if not good:
            print("    not what was expected: %s, faults %s, warnings %s" % (
                state.get("why"), state.get("faults"), state.get("warnings")))
        if good and say:
            for text in await say():
                print("    " + text, flush=True)
        self._rows.append((words, took_s, good))
        return good

    def _wait(self, reached, timeout_s):
        def look(state):
            if "DROPPED_OUT" in state["faults"] and state["contactor"]["interlock_trips"] > self.busy:
                self.busy = state["contactor"]["interlock_trips"]
                print("    this computer was busy for more than 100 ms: the simulated interlock opened the contactor")
                self.control.call("faults_reset")
            return reached(state)

        return self.control.wait(look, timeout_s, _EVERY_S)

    def summary(self):
        """Print one row a step; True when all went as told."""
        print("\nSummary")
        for words, took_s, good in self._rows:
            print("  %-6s %5.1f s  %s" % ("ok" if good else "FAILED", took_s, words))
        if self.busy:
            print("  the interlock opened %d times because this computer was busy" % self.busy)
        return all(good for _, _, good in self._rows)


def line(state):
    """The state of the box in one readable line."""
    return "    pilot %s  duty %5.1f %%  offered %4.1f A  measured %s A  contactor %-6s  bound by %s" % (
        state["pilot"]["state"],
        state["pilot"]["duty_permille"] / 10,
        (state["offer_ma"] or 0) / 1000,
        "/".join("%.1f" % ((ma or 0) / 1000) for ma in state["current_ma"]),
        "closed" if state["contactor"]["closed"] else "open",
        state["binding"],
    )


def wants(offer_a, by=None, within_a=0.05):
    """A predicate on the state: about so much is offered (bound by `by`), the duty says so, and the car follows (the
    contactor too)."""

    def reached(state):
        offer_ma = state["offer_ma"]
        if offer_ma is None or abs(offer_ma - offer_a * 1000) > within_a * 1000 or by and state["binding"] != by:
            return False
        if offer_a == 0:
            return state["pilot"]["duty_permille"] == 1000 and not state["contactor"]["closed"]
        if abs(state["pilot"]["duty_permille"] - offer_ma / 60) > 1.1:
            return False
        return state["contactor"]["closed"] and abs(state["current_ma"][0] - offer_ma) < offer_ma * 0.06 + 200

    return reached
