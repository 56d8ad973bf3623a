"""A SPINE client on one SHIP connection: knows the box's device tree, reads, writes, subscribes, binds, hears notifies.

    spine = SpineClient(connection); await spine.start()
    data = await spine.read(spine.one("LoadControl"), "loadControlLimitListData")

Whatever the box refuses is Refused, with its error number. A heartbeat is sent all the while.
"""

import asyncio
import contextlib

from ship_client import ShipError
from spine_own import DIAGNOSIS, DISCOVERY, HEARTBEAT, NODE, STATE, USE_CASES, Own, address, client_feature

_ANSWER_S = 15  # SPINE's usual delay is 10 s
_WORDS = {1: "general error", 2: "timeout", 3: "overload", 4: "destination unknown", 5: "destination unreachable",
          6: "command not supported", 7: "command rejected", 8: "combination of filters not supported",
          9: "binding necessary"}


class SpineError(Exception):
    """What was asked cannot be done; the text is the one sentence a person needs."""


class Refused(SpineError):
    """The box answered with an error; `number` as in SPINE, 1 to 9."""

    def __init__(self, number, what, description=None):
        words = _WORDS.get(number, "error")
        super().__init__("the box refused %s: error %d, %s%s" % (
            what, number, words, ", \"%s\"" % description if description else ""))
        self.number = number


class Feature:
    """A feature of the box: entity (a tuple), number, kind (its type), role, functions {name: operations}."""

    def __init__(self, entity, number, kind, role, functions):
        self.entity, self.number, self.kind, self.role, self.functions = entity, number, kind, role, functions

    @property
    def place(self):
        return self.entity, self.number

    def writes(self, function):
        """Whether the box announces that this function may be written."""
        return "write" in (self.functions.get(function) or {})


class SpineClient:
    """`device` is the box's address, `kind` its type, `entities` {address: type}, `features` a list, `use_cases` a list
    of (entity, actor, name, version, available, scenarios). `on_notify(place, function, data, partial)` hears news."""

    def __init__(self, connection, promise_s=4, on_notify=None):
        self._connection = connection
        self.own = Own("d:_n:ems.py_%s" % connection.own_ski[:12], promise_s)
        self.device = self.kind = None
        self.entities, self.features, self.use_cases = {}, [], []
        self.on_notify = on_notify
        self.ended = asyncio.get_running_loop().create_future()  # of the connection, with the sentence why
        self.heard = asyncio.Event()  # the box has our heartbeat
        self._counter = 0
        self._waiting = {}
        self._relations = set()
        self._tasks = []

    async def start(self):
        """Learn what the box is. SpineError when it does not say so."""
        self._tasks = [asyncio.create_task(self._receive()), asyncio.create_task(self._beat())]
        await self.discover()
        await self._relate("Subscription", NODE, NODE, "NodeManagement")

    async def discover(self):
        """Read device tree and use cases anew."""
        data = await self._ask("read", NODE, NODE, {DISCOVERY: {}}, named=False)
        description = (data.get("deviceInformation") or {}).get("description") or {}
        self.device = (description.get("deviceAddress") or {}).get("device")
        self.kind = description.get("deviceType")
        self.entities, self.features = {}, []
        self._learn(data)
        self._learn_use_cases(await self._ask("read", NODE, NODE, {USE_CASES: {}}))

    def find(self, kind, entity=None, role="server"):
        """All features of this type, those of `entity` where given."""
        return [each for each in self.features
                if each.kind == kind and each.role == role and entity in (None, each.entity)]

    def one(self, kind, entity=None):
        """The one server feature of this type; SpineError when there is none."""
        found = self.find(kind, entity)
        if not found:
            raise SpineError("the box has no %s%s" % (kind, " at entity %s" % list(entity) if entity else ""))
        return found[0]

    def car(self):
        """Address of the EV entity; SpineError while no car is there."""
        for entity, kind in self.entities.items():
            if kind == "EV":
                return entity
        raise SpineError("no car is plugged in (the box has no EV entity)")

    def station(self):
        """Address of the EVSE entity."""
        for entity, kind in self.entities.items():
            if kind == "EVSE":
                return entity
        raise SpineError("the box has no EVSE entity")

    # requests

    async def read(self, feature, function):
        """The data of a function, plain."""
        return await self._ask("read", client_feature(feature.kind), feature.place, {function: {}})

    async def write(self, feature, function, data, filters=None):
        """Write data (plain, in the order of the schema), bound before. filters: a list, or None for a full write."""
        await self.bind(feature)
        cmd = {"function": function, "filter": filters} if filters else {}
        await self._ask("write", client_feature(feature.kind), feature.place, {**cmd, function: data})

    async def bind(self, feature):
        """Get the right to write; SpineError when another EMS has it."""
        try:
            await self._relate("Binding", client_feature(feature.kind), feature.place, feature.kind)
        except Refused as refusal:
            raise SpineError("the box lets us not write its %s, another EMS may have bound it (error %d)"
                             % (feature.kind, refusal.number)) from None

    async def subscribe(self, feature):
        """Hear of changes from now on."""
        await self._relate("Subscription", client_feature(feature.kind), feature.place, feature.kind)

    async def _relate(self, what, client, server, kind):
        if (what, server) in self._relations:
            return
        name = what.lower() + "Request"
        request = {"clientAddress": address(self.own.device, client), "serverAddress": address(self.device, server),
                   "serverFeatureType": kind}
        await self._ask("call", NODE, NODE, {"nodeManagement%sRequestCall" % what: {name: request}})
        self._relations.add((what, server))

    async def _ask(self, classifier, own, place, cmd, named=True):
        function = list(cmd)[-1]
        counter = self._number()
        answer = self._waiting[counter] = asyncio.get_running_loop().create_future()
        try:
            await self._send(classifier, own, place, cmd, counter=counter, named=named,
                             ack=None if classifier == "read" else True)
            await asyncio.wait((answer, self.ended), timeout=_ANSWER_S, return_when=asyncio.FIRST_COMPLETED)
        finally:
            del self._waiting[counter]
        if not answer.done():
            if self.ended.done():
                raise ShipError(self.ended.result())
            raise SpineError("the box does not answer the %s of %s" % (classifier, function))
        found = answer.result()
        if "resultData" in found:
            result = found["resultData"] or {}
            if result.get("errorNumber"):
                raise Refused(result["errorNumber"], "the %s of %s" % (classifier, function), result.get("description"))
            return {}
        if function not in found:
            raise SpineError("the box answered the read of %s with %s" % (function, " ".join(found) or "nothing"))
        return found[function] or {}

    def _number(self):
        self._counter += 1
        return self._counter

    async def _send(self, classifier, own, place, cmd, counter=None, reference=None, ack=None, named=True):
        to = address(self.device, place)
        if not named or self.device is None:
            del to["device"]
        header = {"specificationVersion": "1.3.0", "addressSource": address(self.own.device, own),
                  "addressDestination": to, "msgCounter": counter or self._number()}
        if reference is not None:
            header["msgCounterReference"] = reference
        header["cmdClassifier"] = classifier
        if ack:
            header["ackRequest"] = True
        await self._connection.send({"header": header, "payload": {"cmd": [cmd]}})

    # what comes

    async def _receive(self):
        try:
            while True:
                datagram = await self._connection.receive()
                cmds = (datagram.get("payload") or {}).get("cmd") or {}
                cmd = (cmds[0] if cmds else {}) if isinstance(cmds, list) else cmds
                await self._take(datagram.get("header") or {}, cmd)
        except (ShipError, OSError) as error:
            self._end(str(error))
        except Exception as error:  # whatever a box sends that has no business there
            self._end("the box sent what is no SPINE: %r" % error)

    def _end(self, why):
        if not self.ended.done():
            self.ended.set_result(why)

    async def _take(self, header, cmd):
        kind = header.get("cmdClassifier")
        source = header.get("addressSource") or {}
        place = tuple(source.get("entity") or ()), source.get("feature")
        if kind in ("reply", "result"):
            answer = self._waiting.get(header.get("msgCounterReference"))
            if answer and not answer.done():
                answer.set_result(cmd)
            return
        function = ([name for name in cmd if name not in ("function", "filter")] or [None])[0]
        if kind == "notify":
            self._notified(place, function, cmd)
            number = 0
            data = None
        else:
            before = len(self.own.subscribed(DIAGNOSIS))
            data, number = self.own.answer(header, function, cmd.get(function))
        to = header.get("addressDestination") or {}
        own = tuple(to.get("entity") or ()), to.get("feature")
        if data is not None:
            await self._send("reply", own, place, {function: data}, reference=header.get("msgCounter"))
        elif number or header.get("ackRequest"):
            await self._send("result", own, place, {"resultData": {"errorNumber": number}},
                             reference=header.get("msgCounter"))
        if kind == "call" and len(self.own.subscribed(DIAGNOSIS)) > before and self.own.beating:
            await self._tell(HEARTBEAT, self.own.heartbeat())  # the first one at once
        if self.own.subscribed(DIAGNOSIS) and self.own.beating:
            self.heard.set()

    def _notified(self, place, function, cmd):
        data = cmd.get(function) or {}
        if function == DISCOVERY:
            if not cmd.get("filter"):
                self.entities, self.features = {}, []
            self._learn(data)
        elif function == USE_CASES:
            self._learn_use_cases(data)
        if self.on_notify and function:
            self.on_notify(place, function, data, bool(cmd.get("filter")))

    def _learn(self, data):
        """Entities and features of a discovery, or of what changed in it."""
        for each in listed(data.get("entityInformation")):
            description = each.get("description") or {}
            entity = tuple((description.get("entityAddress") or {}).get("entity") or ())
            change = description.get("lastStateChange")
            if change in ("added", "removed") and entity != (0,):
                self.features = [old for old in self.features if old.entity != entity]
                self._relations = {old for old in self._relations if old[1][0] != entity}
            if change == "removed":
                self.entities.pop(entity, None)
            else:
                self.entities[entity] = description.get("entityType")
        for each in listed(data.get("featureInformation")):
            description = each.get("description") or {}
            where = description.get("featureAddress") or {}
            functions = {one.get("function"): one.get("possibleOperations") or {}
                         for one in listed(description.get("supportedFunction"))}
            entity, number = tuple(where.get("entity") or ()), where.get("feature")
            self.features = [old for old in self.features if old.place != (entity, number)]
            self.features.append(
                Feature(entity, number, description.get("featureType"), description.get("role"), functions))

    def _learn_use_cases(self, data):
        self.use_cases = [
            (tuple((each.get("address") or {}).get("entity") or ()), each.get("actor"), one.get("useCaseName"),
             one.get("useCaseVersion"), one.get("useCaseAvailable", True), one.get("scenarioSupport") or [])
            for each in listed(data.get("useCaseInformation")) for one in listed(each.get("useCaseSupport"))]

    # what we tell

    async def _beat(self):
        with contextlib.suppress(ShipError):
            while True:
                await asyncio.sleep(max(self.own.promise_s - 2, self.own.promise_s / 2))
                if self.own.beating and self.own.subscribed(DIAGNOSIS):
                    await self._tell(HEARTBEAT, self.own.heartbeat())

    async def _tell(self, function, data):
        for theirs in self.own.subscribed(DIAGNOSIS):
            await self._send("notify", DIAGNOSIS, theirs, {function: data})

    async def say_state(self, state):
        """Tell the box our operating state, normalOperation or failure."""
        self.own.state = state
        await self._tell(STATE, self.own.state_data())

    async def close(self):
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._connection.close()


def listed(value):
    """The entries of a list that may be missing, or alone without one."""
    return value if isinstance(value, list) else [value] if value else []
