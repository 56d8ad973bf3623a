"""Takes functions that a running station rarely calls out of an image: they stay on flash until they are called.

MicroPython holds a module's code in RAM as long as the module is loaded, though most of it runs once a connection or
once a day. Of the units in COLD every function moves into one file, `lib/bounded/cold`, from which lib/bounded/
on_demand.py loads it when it is called, except

* what RESIDENT lists: what runs every second or so, and what cleans up after a failure;
* what has a decorator or uses `super()`, special methods but `__init__`, what another class of the same family also
  defines, and functions that are called with keywords.

The source stays as it is. `mark` works on the modules before they are joined (link.py) and gives each such function
the decorator MARK; `split` on the finished text, which has the short names, and needs nothing but the text.
"""

import ast

from link_names import constant_name

MARK = "cold_"
FETCH, CALLED, MADE, PLACE = "fetch", "called", "made", "tell"  # of lib/bounded/on_demand.py
MODULE = "bounded.on_demand"
_LEAST = 40  # nodes of a module's function that is worth a stub

COLD = ("ship", "spine", "wallbox.spine_map", "wallbox.app", "wallbox.functions", "wallbox.echonet_map", "echonet",
        "bounded.json_reader", "wallbox.functions.phase_limits", "wallbox.spine_map.ev_connected",
        "wallbox.update", "wallbox.web", "boards.devkit", "boards.esp32.net")

# What stays in memory, by module: functions, and methods behind the name of their class; `*` is all.
RESIDENT = {
    "boards.devkit": "Devkit.sample",
    "boards.esp32.ladder": "Ladder.step",
    "boards.esp32.net": "Keeper.run Keeper.keep_time Wifi.address Ethernet.address",
    "boards.sim.car": "Car.__init__ Car.step Car._follow Car.soc duty_ma",
    "boards.sim.contactor": "*",
    "boards.sim.injected": "Faults.step",
    "boards.sim.meter": "Meter.step Meter._telegram Meter.measure",
    "boards.sim.pilot_circuit": "PilotCircuit.step PilotCircuit.measure plateau",
    "boards.sim.plant": "Plant.apply Plant.sample Plant.step Plant.proximity_ohm",
    "boards.sim.rcm": "ResidualCurrentMonitor.step",
    "boards.sim.thermal": "Thermal.step Thermal._read",
    "bounded.iso8601": "duration_ms put_timestamp",
    "bounded.json_reader": "JsonReader.feed JsonReader._listed JsonReader._string JsonReader.begin JsonReader.name "
                           "JsonReader.open JsonReader.push JsonReader.skip JsonReader.unknown JsonReader.element "
                           "JsonReader.began JsonReader.entry JsonReader.parent JsonReader._keep",
    "bounded.json_scan": "*",
    "bounded.json_writer": "*",
    "echonet.frame": "*",
    "echonet.node": "Node.announce Node.handle Node._answer",
    "echonet.object": "EchonetObject.changes EchonetObject.get EchonetObject.set",
    "echonet.udp": "Server.run Server._announce Server._answer Server._listen Server._send",
    "ship.connection": "Connection._piece Connection._whole Connection.emit Connection.feed Connection.put "
                       "Connection.tick",
    "ship.dnssd": "Responder.tick Responder.handle",
    "ship.dnssd_peers": "Peers.ask Peers.known",
    "ship.dnssd_socket": "serve _listen",
    "ship.node": "Node.tick Node.keep Node.left Node.listen",
    "ship.session": "Session.run Session.drained Session.pump Session.send",
    "ship.trust": "Trust.is_trusted Trust.known Trust.window_open",
    "spine.client": "Client.wish",
    "spine.device": "Device.changed Device.find within",
    "spine.incoming": "Incoming._find Incoming._refusal Incoming._wanted Incoming.began Incoming.entry "
                      "Incoming.unknown Incoming.verdict Incoming.begin Incoming.element",
    "spine.message": "*",
    "spine.peer": "Peer._act Peer._notify Peer._say Peer.end Peer.next_message Peer.ready Peer.close "
                  "Peer._drop",
    "wallbox.app": "App.tasks App._guard App._arbiter App._remember",
    "wallbox.clock": "Clock.now_s Clock.timestamp",
    "wallbox.echonet_map.device_state": "DeviceStateMap.get DeviceStateMap.read",
    "wallbox.echonet_map.ev_connected": "EvConnectedMap.get",
    "wallbox.echonet_map.load_control": "LoadControlMap.get",
    "wallbox.echonet_map.operation_mode": "OperationModeMap.get",
    "wallbox.echonet_map.power_limit": "PowerLimitMap.get",
    "wallbox.functions.ac_measurement": "Energy.step Energy.begin_session Energy.session_wh",
    "wallbox.functions.device_state": "DeviceState.faults",
    "wallbox.functions.ev_connected": "*",
    "wallbox.functions.load_control": "LoadControl.step",
    "wallbox.functions.charge_plan": "ChargePlan.step",
    "wallbox.functions.ems_watch": "EmsWatch.heartbeat EmsWatch.lease EmsWatch.alive",
    "wallbox.functions.setpoint": "Setpoint.step Setpoint.mode",
    "wallbox.functions.power_limit": "PowerLimit.effective_w PowerLimit.step",
    "wallbox.functions.session_summary": "SessionSummary.step SessionSummary.running SessionSummary.wanted "
                                         "SessionSummary._session",
    "wallbox.ship_link": "ShipLink._clock ShipLink.button ShipLink._look ShipLink.after_handshake "
                         "ShipLink.disconnected",
    "wallbox.spine_map.ac_measurement": "AcMeasurementFeature.value AcMeasurementFeature.step kind_and_phase",
    "wallbox.spine_map.device_configuration": "DeviceConfigurationFeature.step EvConfigurationFeature.step",
    "wallbox.spine_map.device_diagnosis": "DeviceDiagnosisFeature.step",
    "wallbox.spine_map.charging_power_limits": "ChargingPowerLimitsFeature.step ChargingPowerLimitsFeature._now "
                                               "ChargingPowerLimitsFeature._bounds",
    "wallbox.spine_map.consumption_curve": "ConsumptionCurveFeature.step ConsumptionCurveFeature._back_wh",
    "wallbox.spine_map.ev_connected": "EvEntity._session EvEntity.step EvEntity._step_state EvEntity.heard",
    "wallbox.spine_map.incentive_table": "IncentiveTableFeature.step",
    "wallbox.spine_map.load_control": "LoadControlFeature.step",
    "wallbox.spine_map.measurement": "EvMeasurementFeature._value EvMeasurementFeature.step",
    "wallbox.spine_map.node": "SpineNode.run SpineNode.expect_ems SpineNode.disconnected Link.end Link._send "
                              "Link.close",
    "wallbox.spine_map.power_limit": "PowerLimitFeature.step",
    "wallbox.spine_map.session_summary": "SessionSummaryFeature.step",
    "wallbox.spine_map.setpoint": "SetpointFeature.step",
    "wallbox.station": "*",
    "wallbox.health": "Health.step Health._look",
    "wallbox.journal": "Journal.note Journal.take Journal.due",
    "wallbox.supervisor": "*",
    "wallbox.update": "Progress.turn",
    "wallbox.update_source": "FileSource.read HttpSource.read patiently",
    "wallbox.web.server": "PageServer.run",
}


class ColdError(Exception):
    """The text names what cannot be taken out."""


def mark(sources, unit_of, everything=False):
    """The modules, {dotted name: source}, with MARK at the functions that stay on flash, and the names of those.

    MARK carries the place of the function's name in that list: a string would not survive the renaming."""
    names = []

    def put(node, name):
        node.decorator_list.append(ast.Call(ast.Name(MARK, ast.Load()), [ast.Constant(len(names))], []))
        names.append(name)

    trees = {name: ast.parse(source) for name, source in sources.items()}
    families, keyworded, methods = _families(trees), _keyworded(trees), {}
    for tree in trees.values():
        for node in tree.body:
            if isinstance(node, ast.ClassDef):
                for each in node.body:
                    if isinstance(each, (ast.FunctionDef, ast.AsyncFunctionDef)):
                        methods.setdefault((families.get(node.name, node.name), each.name), []).append(node.name)
    result = dict(sources)
    for name, tree in trees.items():
        if unit_of.get(name) not in COLD:
            continue
        stay = set() if everything else set(RESIDENT.get(name, "").split())
        for node in tree.body:
            if isinstance(node, ast.ClassDef):
                for each in node.body:
                    if not isinstance(each, (ast.FunctionDef, ast.AsyncFunctionDef)):
                        continue
                    stays = node.name + "." + each.name in stay or "*" in stay and each.name != "__init__"
                    if _movable(each) and not stays and (each.name == "__init__" or len(
                            methods[families.get(node.name, node.name), each.name]) == 1):
                        put(each, "%s.%s.%s" % (name, node.name, each.name))
            elif _movable(node) and not {node.name, "*"} & stay and node.name not in keyworded:
                if sum(1 for _ in ast.walk(node)) >= _LEAST:
                    put(node, "%s.%s" % (name, node.name))
        result[name] = ast.unparse(tree)
    return result, names


def _families(trees):
    """{class: the first of its ancestors in the image}."""
    bases = {}
    for tree in trees.values():
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef) and node.bases and isinstance(node.bases[0], ast.Name):
                bases[node.name] = node.bases[0].id
    roots = {}
    for name in bases:
        root = name
        while root in bases:
            root = bases[root]
        roots[name] = root
    return roots


def _keyworded(trees):
    found = set()
    for tree in trees.values():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and node.keywords:
                found.add(getattr(node.func, "id", None) or getattr(node.func, "attr", None))
    return found


def _movable(node):
    if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) or node.decorator_list:
        return False
    if node.name.startswith("__") and node.name != "__init__":
        return False
    for each in ast.walk(node):
        if isinstance(each, (ast.Global, ast.Nonlocal)) or isinstance(each, ast.Name) and each.id == "super":
            return False
    return True


class Split:
    """What `split` found: `texts` without the functions, `functions` [(record, name, source, number of its mark)],
    `records` the names in each, `places` where they are in the file."""

    def __init__(self, texts):
        self.texts = dict(texts)
        self.functions = []
        self.records = []
        self.places = []


def split(texts, module_of):
    """Take the marked functions out of `texts`, {target: source}; `module_of(target)` is its dotted name."""
    result = Split(texts)
    for target, text in texts.items():
        if MARK in text:
            result.texts[target] = _without(ast.parse(text), module_of(target), result)
    at = 0
    for names in result.records:
        result.places.append(at)
        at += 2 + sum(len(name) + 8 for name in names)
    for target, text in result.texts.items():
        if text is not texts[target]:
            tree = _Placed(result.places).visit(ast.parse(text))
            result.texts[target] = ast.unparse(tree)
    return result


def container(found, compiled):
    """The bytes of the file: records first, then `compiled`, the code of each of `found.functions`."""
    offset = sum(2 + sum(len(name) + 8 for name in names) for names in found.records)
    where, known = {}, {}
    for (record, name, _, _), code in zip(found.functions, compiled):
        if code not in known:
            known[code] = offset
            offset += len(code)
        where[record, name] = known[code]
    head = b""
    for number, names in enumerate(found.records):
        text = "".join(" %s=%06d" % (name, where[number, name]) for name in names).encode()
        head += len(text).to_bytes(2, "big") + text
    return head + b"".join(known)


class _Placed(ast.NodeTransformer):
    """The number of a record, negative and behind the word PLACE or the call of CALLED, becomes its place."""

    def __init__(self, places):
        self._places = places

    def visit_Assign(self, node):
        if getattr(node.targets[0], "id", None) == PLACE:
            node.value = ast.Constant(self._places[ast.literal_eval(node.value)])
            return node
        return self.generic_visit(node)

    def visit_Call(self, node):
        if getattr(node.func, "id", None) == CALLED:
            node.args[0] = ast.Constant(self._places[ast.literal_eval(node.args[0])])
            return node
        return self.generic_visit(node)


def _bound(tree):
    names = set()
    for node in tree.body:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            names.add(node.name)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            names.update((each.asname or each.name).split(".")[0] for each in node.names)
        else:
            names.update(each.id for each in ast.walk(node)
                         if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store))
    return names


def _unmark(node):
    """The number in the mark, which goes; None when there is none."""
    for each in getattr(node, "decorator_list", ()):
        if isinstance(each, ast.Call) and getattr(each.func, "id", None) == MARK:
            node.decorator_list.remove(each)
            return each.args[0].value
    return None


def _without(tree, module, result):
    bound, constants = _bound(tree), _constants(tree)
    for name in (FETCH, CALLED, MADE):
        if name in bound:
            raise ColdError("%s has a name of its own that is %s" % (module, name))
    used, records = set(), {}
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            names, body = [], []
            base = node.bases[0].id if node.bases and isinstance(node.bases[0], ast.Name) else None
            for each in node.body:
                if _take(_unmark(each), each, module, bound, constants, result):
                    names.append(each.name)
                else:
                    body.append(each)
            inherited = records.get(base)
            if names:
                if any(getattr(each, "name", None) == PLACE for each in node.body) or PLACE in names:
                    raise ColdError("%s.%s has a method that is called %s" % (module, node.name, PLACE))
                constructed = "__init__" in names
                if inherited is not None:  # one record for the class and what it inherits
                    for each in [each for each in result.functions if each[0] == inherited]:
                        result.functions.append((len(result.records),) + each[1:])
                        names.append(each[1])
                body.append(_statement("%s = %d" % (PLACE, len(result.records))))
                if inherited is None:
                    body.append(_statement("__getattr__ = " + FETCH))
                    used.add(FETCH)
                if constructed:
                    body.append(_statement("__init__ = " + MADE))
                    used.add(MADE)
                records[node.name] = len(result.records)
                result.records.append(names)
            node.body = body or [ast.Pass()]
    for at, node in enumerate(tree.body):
        if _take(_unmark(node), node, module, bound, constants, result):
            kind = "def %s(*a): return %s(%d, %r, a)" % (node.name, CALLED, len(result.records), node.name)
            tree.body[at] = _statement(kind)
            result.records.append([node.name])
            used.add(CALLED)
    if used:
        tree.body.insert(0, _statement("from %s import %s" % (_HOME, ", ".join(sorted(used)))))
    return ast.unparse(tree)


_HOME = "bounded"  # where link.py puts MODULE


def _statement(text):
    return ast.parse(text).body[0]


def _constants(tree):
    """{name: source} of the private constants of a module, which the compiler knows and the module has not."""
    found = {}
    for node in tree.body:
        name = constant_name(node)
        if name and name.startswith("_"):
            found[name] = ast.unparse(node)
    return found


def _take(number, node, module, bound, constants, result):
    """Make a file of the function `node` for the next record; False when it must stay."""
    if number is None:
        return False
    used = {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}
    names = (used & bound) - set(constants)
    if node.name in names:
        return False
    text = "\n".join([constants[name] for name in sorted(used & set(constants))] + [ast.unparse(node)])
    if names:
        text = "from %s import %s\n%s" % (module, ", ".join(sorted(names)), text)
    result.functions.append((len(result.records), node.name, text, number))
    return True
