"""Joins modules that are always loaded together into one, before they are compiled for a device.

On the device a module costs RAM beside its code: an object, a dictionary, its path and its dotted name, tables of the
names and values it uses. LINKED says which modules become one: the key is the module that remains, an image has no
file for the others. Whoever imported one of the others imports the remaining one. What happens, in words:

* The modules of a unit are put one after the other, each behind those that it imports; a circle is an error.
* Imports of one from another in the same unit disappear. `from wallbox.evse.pilot import Pilot` in another unit
  becomes `from wallbox.evse import Pilot`; a module imported as a whole (`from wallbox.limits import sources`) becomes
  the unit, and `sources.rows` the name that `rows` has there.
* Two modules of a unit that give the same name to different things: the later one's gets the module's name behind
  it. Names local to a function or class are never touched, nor are attributes.
* A module-level `NAME = const(5)` is replaced by 5 wherever any module of the image uses it, and is gone.

Not linked: what is loaded only when needed (texts, tables of settings, what judges a new SHIP peer) and what is
dropped after the start.
The source stays as it is. What this cannot do right it refuses: LinkError names the file and the construct.
"""

import ast
import builtins

from link_names import LinkError, Rewritten, bindings, constant_name

# the module that remains: what is joined to it. Few and large: a module costs some 300 bytes, and what it uses of
# another has a place in its dictionary and tables once more.
LINKED = {
    "bounded": ("bounded.compat", "bounded.on_demand", "bounded.ring", "bounded.wait"),
    # guard, arbiter, functions and ECHONET Lite: what every station runs
    "wallbox.app": (
        "wallbox.station", "wallbox.console", "wallbox.console_words", "wallbox.health", "wallbox.journal",
        "wallbox.supervisor",
        "wallbox.board", "wallbox.evse.bounds", "wallbox.evse.contactor", "wallbox.evse.faults", "wallbox.evse.guard",
        "wallbox.evse.pilot", "wallbox.evse.rcm",
        "wallbox.limits.sources", "wallbox.limits.decide", "wallbox.limits.offer",
        "wallbox.functions.ac_measurement", "wallbox.functions.device_state", "wallbox.functions.ev_connected",
        "wallbox.functions.load_control", "wallbox.functions.measurement", "wallbox.functions.operation_mode",
        "wallbox.functions.power_limit", "wallbox.functions.session_summary", "wallbox.clock", "bounded.iso8601",
        "echonet.frame", "echonet.object", "echonet.node", "echonet.udp",
        "wallbox.echonet_map.device_state", "wallbox.echonet_map.ev_connected", "wallbox.echonet_map.load_control",
        "wallbox.echonet_map.measurement", "wallbox.echonet_map.operation_mode", "wallbox.echonet_map.power_limit",
    ),
    # SHIP, SPINE and the functions on it: loaded where there is room for an EMS
    "wallbox.spine_map": (
        "bounded.json_reader", "bounded.json_scan", "bounded.json_writer",
        "ship.connection", "ship.dnssd", "ship.dnssd_peers", "ship.dnssd_socket", "ship.messages", "ship.node",
        "ship.session", "ship.trust", "ship.websocket",
        "spine.client", "spine.common_data_types", "spine.device", "spine.incoming", "spine.message", "spine.numbers",
        "spine.peer", "spine.restricted", "spine.schema",
        "wallbox.limits.failsafe", "wallbox.ship_link", "wallbox.spine_map.ac_measurement",
        "wallbox.spine_map.device_configuration", "wallbox.spine_map.device_diagnosis",
        "wallbox.spine_map.manufacturer_information", "wallbox.spine_map.node", "wallbox.spine_map.power_limit",
    ),
    # what only the profile full loads: its functions, which do without SPINE, and the car on SPINE
    "wallbox.functions.phase_limits": (
        "wallbox.functions.charge_plan", "wallbox.functions.ems_watch", "wallbox.functions.identification",
        "wallbox.functions.setpoint", "wallbox.limits.plan",
    ),
    "wallbox.spine_map.ev_connected": (
        "wallbox.spine_map.bidirectional_inferred", "wallbox.spine_map.charging_power_limits",
        "wallbox.spine_map.consumption_curve", "wallbox.spine_map.ev_configuration", "wallbox.spine_map.identification",
        "wallbox.spine_map.incentive_table", "wallbox.spine_map.load_control",
        "wallbox.spine_map.maximum_power_limitation_curve", "wallbox.spine_map.measurement",
        "wallbox.spine_map.session_summary", "wallbox.spine_map.setpoint",
    ),
    "wallbox.update": ("wallbox.bundle", "wallbox.update_source"),
    "wallbox.web": ("wallbox.web.request", "wallbox.web.server", "wallbox.web.status"),
    # of boards; what another board's image does not carry stays apart there
    "boards.sim": (),
    "boards.devkit": (
        "boards.sim.car", "boards.sim.contactor", "boards.sim.injected", "boards.sim.meter",
        "boards.sim.pilot_circuit", "boards.sim.plant", "boards.sim.rcm", "boards.sim.thermal",
    ),
    "boards.esp32.net": ("boards.esp32.console", "boards.esp32.ladder", "boards.esp32.sntp"),
    "boards.esp32.board": (
        "boards.esp32.meter", "boards.esp32.modbus", "boards.esp32.ntc", "boards.esp32.pilot", "boards.esp32.plateau",
        "boards.esp32.pulses",
    ),
}
_BUILTIN = frozenset(dir(builtins))
_COMPILER = frozenset(("const", "micropython", "ptr8", "ptr16", "ptr32"))  # the compiler knows them by name


def link(sources, units=LINKED):
    """The modules of an image, {dotted name: source}, linked: the same with fewer entries and new sources."""
    trees = {name: ast.parse(source) for name, source in sources.items()}
    unit_of = {}
    for unit, members in units.items():
        for member in (unit,) + tuple(members):
            if unit in trees and member in trees:
                unit_of[member] = unit
    program = _Program(trees, unit_of)
    result = {}
    for name in trees:
        unit = unit_of.get(name)
        if unit is None:
            result[name] = _without_idle(Rewritten(program, name).visit(trees[name]))
        elif unit not in result:
            result[unit] = program.joined(unit)
    return result


def _without_idle(tree):
    """The source of `tree` without an import of `const`, when no constant is left."""
    if not any(isinstance(node, ast.Name) and node.id == "const" for node in ast.walk(tree)):
        for node in tree.body:
            if isinstance(node, ast.ImportFrom):
                node.names = [each for each in node.names if each.name != "const"]
        tree.body = [node for node in tree.body if getattr(node, "names", True)]
    return ast.unparse(tree)


class _Program:
    """All modules: `names[module, name]` is what a module-level name is called in its unit, `constants` its value."""

    def __init__(self, trees, unit_of):
        self.trees = trees
        self.unit_of = unit_of
        self.names = {}
        self.constants = {}
        self.order = {}
        for module, tree in trees.items():
            self._find_constants(module, tree)
        for unit in set(unit_of.values()):
            members = [name for name in trees if unit_of.get(name) == unit]
            self.order[unit] = self._ordered(members)
            self._name(unit, members)

    def joined(self, unit):
        """The source of a unit."""
        body, imports = [], set()
        for module in self.order[unit]:
            for node in Rewritten(self, module).visit(self.trees[module]).body:
                if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
                    continue  # a docstring
                if isinstance(node, (ast.Import, ast.ImportFrom)):
                    fresh = [each for each in node.names if (ast.unparse(node), each.name) not in imports]
                    imports.update((ast.unparse(node), each.name) for each in node.names)
                    node.names = fresh
                    if not fresh:
                        continue
                body.append(node)
        return _without_idle(ast.Module(body, []))

    def target(self, module, name):
        """What `from module import name` gives: (module, None) or (module, name) of ours; else None."""
        if module + "." + name in self.trees:
            return module + "." + name, None
        return (module, name) if module in self.trees else None

    def absolute(self, module, node):
        """The module that a `from ... import` names."""
        if not node.level:
            return node.module
        raise LinkError("%s:%d: a relative import" % (module, node.lineno))

    def _find_constants(self, module, tree):
        names = [node for node in ast.walk(tree) if isinstance(node, ast.Name)]
        stored = [node.id for node in names if isinstance(node.ctx, ast.Store)]
        for node in tree.body:
            name = constant_name(node)
            if name and stored.count(name) == 1:
                try:
                    self.constants[module, name] = self._value(module, node.value.args[0])
                except ValueError:
                    pass  # stays a name

    def _value(self, module, node):
        if isinstance(node, ast.Constant) and type(node.value) is int:
            return node.value
        if isinstance(node, ast.Name) and (module, node.id) in self.constants:
            return self.constants[module, node.id]
        if isinstance(node, ast.UnaryOp):
            operand = self._value(module, node.operand)
            if isinstance(node.op, ast.USub):
                return -operand
            if isinstance(node.op, ast.Invert):
                return ~operand
        if isinstance(node, ast.BinOp):
            left, right = self._value(module, node.left), self._value(module, node.right)
            for kind, act in (
                (ast.Add, int.__add__), (ast.Sub, int.__sub__), (ast.Mult, int.__mul__), (ast.Pow, int.__pow__),
                (ast.FloorDiv, int.__floordiv__), (ast.BitOr, int.__or__), (ast.BitAnd, int.__and__),
                (ast.LShift, int.__lshift__), (ast.RShift, int.__rshift__),
            ):
                if isinstance(node.op, kind):
                    return act(left, right)
        raise ValueError

    def _ordered(self, members):
        done, under_way = [], []

        def take(module):
            if module in done:
                return
            if module in under_way:
                raise LinkError("%s: a circle of imports: %s" % (module, " ".join(under_way)))
            under_way.append(module)
            for node in _outside_functions(self.trees[module]):
                for name in self._imported(module, node):
                    if name in members and name != module:
                        take(name)
            under_way.pop()
            done.append(module)

        for module in members:
            take(module)
        return done

    def _imported(self, module, node):
        if isinstance(node, ast.Import):
            return [each.name for each in node.names]
        if isinstance(node, ast.ImportFrom):
            base = self.absolute(module, node)
            return [(self.target(base, each.name) or (base,))[0] for each in node.names]
        return []

    def _name(self, unit, members):
        """Give every module-level name of the unit's modules its name in the unit."""
        own, used = {}, set(_BUILTIN)
        for module in members:
            own[module] = bindings(self.trees[module])
            everything = {node.id for node in ast.walk(self.trees[module]) if isinstance(node, ast.Name)}
            used |= everything - set(own[module]) - _COMPILER  # builtins and locals: to stay what they are
        taken = {}
        for module in [unit] * (unit in members) + [each for each in self.order[unit] if each != unit]:
            for name, what in own[module].items():
                if isinstance(what, tuple):
                    target = self.target(*what[1:]) if what[0] == "from" else (what[1], None)
                    if target and self.unit_of.get(target[0]) == unit:
                        continue  # the thing itself is here
                key = name if name in _COMPILER else what or (module, name)
                new, number = name, 1
                while taken.get(new, key) != key or new in used and what is None and module != unit:
                    new = "%s_%s" % (name, module.rpartition(".")[2]) + (str(number) if number > 1 else "")
                    number += 1
                if isinstance(what, tuple) and new != name:
                    raise LinkError("%s: another module of its unit uses the name %s for something else" % (
                        module, name))
                if module == unit and new != name:
                    raise LinkError("%s: %s is imported under this name as something else" % (module, name))
                taken[new] = key
                self.names[module, name] = new


def _outside_functions(tree):
    """Every node that runs when the module is loaded."""
    for node in ast.iter_child_nodes(tree):
        yield node
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            yield from _outside_functions(node)
