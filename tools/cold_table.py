"""Which functions of an image stay on flash until they are called, and which never do (cold.py)."""

# Modules, and packages with all in them, when they are joined (link.py). Of evse and limits no more than constructors,
# and what a write of the consumption limit takes: nothing that lets a fault, a limit or time have its effect.
COLD = ("ship", "spine", "wallbox.spine_map", "wallbox.app", "wallbox.station", "wallbox.console", "wallbox.supervisor",
        "wallbox.functions", "wallbox.echonet_map", "wallbox.web",
        "wallbox.clock", "wallbox.console_words", "wallbox.health", "wallbox.journal", "wallbox.ship_link",
        "wallbox.board", "wallbox.evse", "wallbox.limits", "wallbox.update", "wallbox.update_source",
        "echonet", "bounded.iso8601", "bounded.json_reader", "bounded.json_scan", "bounded.json_writer",
        "boards.devkit", "boards.sim", "boards.esp32.net", "boards.esp32.ladder", "boards.esp32.sntp")

# What stays in memory, by module: functions, and methods behind the name of their class; `*` is all.
# It runs every 0.1 s or so, for as long as the wallbox runs, or cleans up after a failure.
RESIDENT = {
    "boards.devkit": "Devkit.sample",
    "boards.esp32.ladder": "Ladder.step",
    "boards.esp32.net": "Keeper.look Wifi.address Ethernet.address",
    "boards.sim": "SimulatedBoard.apply SimulatedBoard.sample SimulatedBoard.feed_watchdog SimulatedBoard._ask "
                  "SimulatedBoard._receive SimulatedBoard.serve_console",
    "boards.sim.car": "Car.__init__ Car.step Car._follow Car.soc duty_ma",
    "boards.sim.contactor": "*",
    "boards.sim.injected": "Faults.step",
    "boards.sim.meter": "Meter.step Meter._telegram Meter.measure",
    "boards.sim.pilot_circuit": "PilotCircuit.step PilotCircuit.measure plateau",
    "boards.sim.plant": "Plant.apply Plant.sample Plant.step Plant.proximity_ohm",
    "boards.sim.rcm": "ResidualCurrentMonitor.step",
    "boards.sim.thermal": "Thermal.step Thermal._read",
    "echonet.frame": "put",
    "echonet.node": "Node.announce",
    "echonet.object": "EchonetObject.changes EchonetObject.get",
    "echonet.udp": "Server.step Server._announce Server._listen Server._receive",
    "ship.connection": "Connection.deliver Connection.tick",
    "ship.dnssd": "Responder.tick",
    "ship.dnssd_peers": "Peers.ask Peers.known",
    "ship.dnssd_socket": "Announcer.step Announcer._listen Announcer._receive",
    "ship.node": "Node.tick Node.step Node.left Node.listen",
    "ship.session": "Session.run Session.take Session.drained Session.pump Session.send",
    "ship.trust": "Trust.is_trusted Trust.known Trust.window_open",
    "ship.websocket": "WebSocket.emit WebSocket.put",
    "spine.device": "Device.changed",
    "spine.incoming": "Incoming.begin",
    "spine.message": "Message.busy",
    "spine.peer": "Peer.begin Peer.ready Peer.next_message Peer._notify Peer.close Peer._drop",
    "wallbox.app": "run App._arbitrate App._remember App._renew_echonet",
    "wallbox.board": "*",
    "wallbox.clock": "Clock.now_s",
    "wallbox.echonet_map.device_state": "DeviceStateMap.get DeviceStateMap.read",
    "wallbox.echonet_map.ev_connected": "EvConnectedMap.get",
    "wallbox.echonet_map.load_control": "LoadControlMap.get",
    "wallbox.echonet_map.operation_mode": "OperationModeMap.get",
    "wallbox.echonet_map.power_limit": "PowerLimitMap.get",
    "wallbox.functions.ac_measurement": "Energy.step Energy.begin_session Energy.session_wh",
    "wallbox.functions.device_state": "DeviceState.faults",
    "wallbox.functions.ev_connected": "*",
    "wallbox.functions.load_control": "LoadControl.step",
    "wallbox.functions.charge_plan": "ChargePlan.step ChargePlan._learn",
    "wallbox.functions.ems_watch": "EmsWatch.heartbeat EmsWatch.lease EmsWatch.alive",
    "wallbox.functions.measurement": "Measurement.capacity_wh",
    "wallbox.functions.setpoint": "Setpoint.step Setpoint.mode",
    "wallbox.functions.power_limit": "PowerLimit.effective_w PowerLimit.step",
    "wallbox.functions.session_summary": "SessionSummary.step SessionSummary.running SessionSummary.wanted "
                                         "SessionSummary._session",
    "wallbox.evse.bounds": "*",
    "wallbox.evse.contactor": "*",
    "wallbox.evse.faults": "*",
    "wallbox.evse.guard": "*",
    "wallbox.evse.pilot": "*",
    "wallbox.evse.rcm": "*",
    "wallbox.limits.decide": "*",
    "wallbox.limits.failsafe": "ConsumptionLimit.step ConsumptionLimit._enter ConsumptionLimit.limit_w "
                               "ConsumptionLimit.heartbeat ConsumptionLimit.forget_heartbeat "
                               "ConsumptionLimit.is_active",
    "wallbox.limits.offer": "*",
    "wallbox.limits.plan": "place",
    "wallbox.limits.sources": "*",
    "wallbox.ship_link": "ShipLink._clock ShipLink.button ShipLink.look ShipLink.after_handshake "
                         "ShipLink.disconnected",
    "wallbox.spine_map.ac_measurement": "AcMeasurementFeature.value AcMeasurementFeature.step kind_and_phase",
    "wallbox.spine_map.device_configuration": "DeviceConfigurationFeature.step",
    "wallbox.spine_map.ev_configuration": "EvConfigurationFeature.step",
    "wallbox.spine_map.device_diagnosis": "DeviceDiagnosisFeature.step",
    "wallbox.spine_map.charging_power_limits": "ChargingPowerLimitsFeature.step ChargingPowerLimitsFeature._now "
                                               "ChargingPowerLimitsFeature._bounds",
    "wallbox.spine_map.consumption_curve": "ConsumptionCurveFeature.step ConsumptionCurveFeature._back_wh",
    "wallbox.spine_map.ev_connected": "EvEntity._session EvEntity.step EvEntity._step_state EvEntity.heard",
    "wallbox.spine_map.incentive_table": "IncentiveTableFeature.step",
    "wallbox.spine_map.load_control": "LoadControlFeature.step",
    "wallbox.spine_map.measurement": "EvMeasurementFeature._value EvMeasurementFeature.step",
    "wallbox.spine_map.node": "SpineNode.step SpineNode.expect_ems SpineNode.disconnected SpineNode.connections "
                              "Link.begin Link._send Link.close",
    "wallbox.spine_map.power_limit": "PowerLimitFeature.step",
    "wallbox.spine_map.session_summary": "SessionSummaryFeature.step",
    "wallbox.spine_map.setpoint": "SetpointFeature.step",
    "wallbox.station": "*",
    "wallbox.health": "Health.step Health._look",
    "wallbox.journal": "Journal.note Journal.take Journal.due",
    "wallbox.supervisor": "_report _count _failed _unheard _guard run",
    "wallbox.update": "Progress.turn",
    "wallbox.update_source": "FileSource.read HttpSource.read patiently",
    "wallbox.web.server": "PageServer.run",
}

# What is loaded together, as soon as one of them is called: the methods of a class that run for every datagram.
TOGETHER = {
    "bounded.json_reader": "JsonReader.feed JsonReader._listed JsonReader._string JsonReader.begin JsonReader.name "
                           "JsonReader.open JsonReader.push JsonReader.skip JsonReader.parent JsonReader._keep "
                           "JsonReader._scalar JsonReader._fits JsonReader._closed JsonReader._word",
    "bounded.json_writer": "JsonWriter.start JsonWriter.done JsonWriter.written JsonWriter.raw JsonWriter.string "
                           "JsonWriter.integer JsonWriter.members JsonWriter.entry JsonWriter.value "
                           "JsonWriter._address",
    "echonet.node": "Node.handle Node._answer",
    "echonet.udp": "Server._answer Server._send",
    "ship.connection": "Connection.part Connection.whole",
    "ship.websocket": "WebSocket.feed WebSocket.begin_frame",
    "spine.incoming": "Incoming._find Incoming._refusal Incoming._wanted Incoming.began Incoming.entry "
                      "Incoming.unknown",
    "spine.message": "Message.*",
    "spine.peer": "Peer.end Peer._act",
    "wallbox.limits.plan": "Planner.step Planner._lay_out Planner._fill",
}

# Modules that stay on flash whole: whoever imports one, in a function or in another of these, has it loaded anew, for
# itself alone. They have nothing in them that changes.
ANEW = ("bounded.attribute", "bounded.files", "bounded.log", "bounded.records", "ship.ski", "ship.upgrade",
        "wallbox.config_table", "wallbox.echonet_map.epc", "wallbox.echonet_map.node", "wallbox.evse.proximity",
        "wallbox.evse.self_test", "wallbox.evse.texts",
        "wallbox.factory_reset", "wallbox.identity", "wallbox.journal_text", "wallbox.remembered",
        "wallbox.session_log", "wallbox.session_records", "wallbox.session_text", "wallbox.started", "wallbox.starts",
        "wallbox.spine_map.electrical_connection", "wallbox.trial", "wallbox.why", "boards.esp32.schema")

# Packages of small classes, of which all is loaded together.
SMALL = ("wallbox.spine_map.", "wallbox.functions.", "wallbox.echonet_map.")
