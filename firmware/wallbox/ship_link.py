"""The station's SHIP node: identity, trust, DNS-SD and the pause of charging around TLS handshakes.

lib/ship knows no charger; this joins it to the station. What an EMS sends goes to `spine` (a receiver for
each connection); what a person may do (accept, remove, open the accept-any window) is here for the console
and the button.

Without a hardware interlock every handshake while a car could charge pauses it, for some 6 s to stop, up to
5 s of handshake and 5 s until the pilot may change again (30 s more when the car ignored the pause). So that
nobody in the network keeps a car from charging, such pauses are counted: addresses behind which no trusted
SKI was proven last have 6 and one more every 10 minutes, together; those that did have 6 and one
more each minute. What is beyond is closed before TLS (`counts["pause"]`). While nothing could be charged,
and with an interlock, nothing is counted. A person who accepts an SKI or opens the window gives the
strangers their 6 pauses again. What remains: who uses up the strangers' pauses keeps out a trusted EMS whose
address changed while a car charges, for 10 minutes or longer.
"""

from bounded.compat import const
from bounded.wait import sleep_ms
from ship.dnssd import Responder
from ship.dnssd_peers import Peers
from ship.dnssd_socket import Announcer
from ship.node import Node
from ship.trust import PEER_BYTES, Trust

_PEERS = const(4)  # found in the network at a time
_TRUSTED = const(8)
_SESSIONS = const(2)
_WINDOW_MS = const(120000)  # of the button
_PRESS_MS = const(500)  # shorter is a bounce, longer than the next one means something else
_LONG_PRESS_MS = const(5000)
_FOR_EVER_MS = const(1 << 60)
_PAUSES = const(6)  # of charging for handshakes: at once, then one each
_STRANGERS_MS = const(600000)
_PROVEN_MS = const(60000)


def _octets(address):
    return bytes([int(part) for part in address.split(".")])


class _Store:
    """Where trust is kept: in two slots of the storage. What reads and writes them is in memory only meanwhile."""

    def __init__(self, storage):
        self._storage = storage

    def read(self):
        return self._slots().read()

    def write(self, value):
        self._slots().write(value)

    def _slots(self):
        from bounded.files import Files
        from bounded.records import Slots

        store = self._storage
        return Slots(Files(store) if isinstance(store, str) else store, "trust", _TRUSTED * PEER_BYTES)


class ShipLink:
    """`spine` has connected(session) -> receiver, disconnected(session) and expect_ems(may one be there)."""

    def __init__(self, station, settings, identity, storage, spine):
        self.station = station
        self.spine = spine
        self.ski = identity.ski
        self._folder = identity.folder
        self.port = settings.ship_port
        self._bind = settings.bind or "0.0.0.0"
        self.due_ms = [0, 0]  # pauses of strangers and of the others: when the one after the last is free
        self.trust = trust = Trust(_Store(storage), _TRUSTED)
        self._import(settings)
        trust.on_change = self.forgive
        if settings.accept_any:
            trust.open_window(0, _FOR_EVER_MS)
        self.node = Node(
            self, self._pair, identity.ship_id, identity.ski, trust, self._clock,
            sessions=_SESSIONS,
        )
        self.responder = responder = Responder(
            identity.ship_id, "%s-%s" % (settings.hostname, identity.ski[:6]), self.port, identity.fields
        )
        responder.peers = self._found = Peers(_PEERS)
        self.announcer = Announcer(responder, self._clock)
        self._address = settings.bind and _octets(settings.bind)
        self._interface = settings.multicast_if and _octets(settings.multicast_if)
        self.network_changed(True)
        self._pressed_ms = 0
        self._told = False  # that anybody may register

    def _import(self, settings):
        """Move the SKIs of the settings to the list of trust, once: who is removed from it stays out."""
        if settings.trust:
            try:
                for ski in settings.trust:
                    self.trust.add(ski)
            except (ValueError, OSError) as error:
                print("not everybody of the settings is trusted: %s" % error)
            settings.trust = ()
            settings.save()

    def _pair(self):
        from wallbox.identity import pair

        return pair(self._folder)

    def _clock(self):
        return self.station.now_ms

    def forgive(self, _):
        self.due_ms[0] = 0

    def tasks(self):
        """Name of each task, the function that gives its coroutine, and the errors that are no failure of it."""
        # a port in use or a lack of memory is no reason to end charging
        yield "ship listener", self._listen, (OSError, MemoryError)

    def _listen(self):
        try:
            self.node.socket.close()
        except AttributeError:  # the first start
            pass
        return self.node.listen(self._bind, self.port)

    def look(self):
        """Announce whether anybody may register, and dial trusted peers that were found."""
        now_ms = self._clock()
        window = self.trust.window_open(now_ms)
        if window != self._told:  # each time it announces itself anew
            self._told = window
            self.responder.register(window)
        self.spine.expect_ems(window or bool(self.trust.known()))
        for ski, _, host, port, path, _ in self._found.known(now_ms):
            if ski != self.ski:
                self.node.seen(ski, host, port, path)

    def network_changed(self, up, address=None):
        """The network went down, or came back with this address (dotted) where it is new."""
        if address:
            self._address = _octets(address)
        if up and self._address:
            self.responder.network(self._address, self._interface or None)
            self.responder.announce()
            self._found.search()
        else:
            self.responder.network(None)

    def button(self, dt_ms, pressed):
        """A press of 0.5 to 5 s, judged when it ends, opens the accept-any window for two minutes."""
        if pressed:
            self._pressed_ms += dt_ms
        else:
            if _PRESS_MS <= self._pressed_ms < _LONG_PRESS_MS:
                self.trust.open_window(self._clock(), _WINDOW_MS)
            self._pressed_ms = 0

    # --- what the node tells

    async def before_handshake(self):
        """The arithmetic of TLS blocks the loop: first get into a state that needs no software to be safe.

        OSError when charging paused too often for such peers.
        """
        station = self.station
        guard = station.guard
        flows = station.offer.offer_ma or station.discharge and station.discharge.ma
        could = guard.state in "BCD" and flows and not guard.faults
        if could and not station.ratings.interlock:
            self._count_pause(self.node.shaking)
        guard.prepare_for_stall(True)
        # After a fault the contactor was told to open; a welded one gets no better by waiting.
        while not guard.stall_safe and (guard.out.contactor or not guard.faults):
            await sleep_ms(20)

    def _count_pause(self, session):
        host = session.host.split(":")[0]
        proven = self.trust.is_at(host)
        every_ms = _PROVEN_MS if proven else _STRANGERS_MS
        now_ms = self._clock()
        due_ms = max(now_ms, self.due_ms[proven]) + every_ms
        if due_ms > now_ms + _PAUSES * every_ms:
            session.why = "pause"
            raise OSError("charging paused too often")
        self.due_ms[proven] = due_ms

    async def after_handshake(self):
        self.station.guard.prepare_for_stall(False)

    def connected(self, session):
        self.trust.proven(session.ski, session.host.split(":")[0], self._clock())
        return self.spine.connected(session)

    def disconnected(self, session):
        self.spine.disconnected(session)

    # --- what a person may do

    def report(self):
        """For the console: who is there, who asked, who is trusted."""
        return {
            "ski": self.ski,
            "port": self.port,
            "dnssd": self.responder.state,
            "trusted": self.trust.known(),
            "askers": self.trust.askers,
            "window": self.trust.window_open(self._clock()),
            "sessions": [
                {"ski": each.ski, "state": each.state, "server": each.server} for each in self.node.sessions
            ],
            "counts": self.node.counts,
        }
