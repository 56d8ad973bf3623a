"""A small EEBUS energy manager, to try a wallbox by hand and from scripts; it can speak ECHONET Lite, too.

    python3 tools/ems.py find                          boxes in this network, with their SKIs
    python3 tools/ems.py pair SKI [--at HOST:PORT]     prints our own SKI, connects, waits until the box trusts us
    python3 tools/ems.py show                          what the paired box is and offers, with its values
    python3 tools/ems.py limit 4200 --hold             limits it, and keeps the heartbeat until Ctrl-C
    python3 tools/ems.py talk                          many words over one connection, a line each on stdin

`ems.py WORD --help` lists the options of a word. With --json every line of output is one JSON object. Ends with 0 when
done, 1 with one sentence when not, 2 for a wrong command line.
"""

import argparse
import asyncio
import json
import os
import shlex
import sys
import time

import setup

_OPERATING = ("normalOperation", "failure", "standby")


class _Usage(Exception):
    """A line of `talk` is wrong; the text is argparse's."""


class _Parser(argparse.ArgumentParser):
    talking = False

    def error(self, message):
        if self.talking:
            raise _Usage(message)
        super().error(message)


def _number(text):
    value = float(text)
    return int(value) if value == int(value) else value


def _epc(text):
    """EPC or EPC=EDT, both in hex digits."""
    epc, equals, data = text.partition("=")
    return int(epc, 16), bytes.fromhex(data) if equals else None


def _parser(talking=False):
    home = os.environ.get("XDG_STATE_HOME") or os.path.expanduser("~/.local/state")
    common = argparse.ArgumentParser(add_help=False)
    if not talking:
        common.add_argument("--json", action="store_true", help="one JSON object a line")
        common.add_argument("--folder", default=os.path.join(home, "wallbox-ems"),
                            help="of our identity and the boxes we know (default: %(default)s)")
        common.add_argument("--interface", metavar="ADDRESS", help="of the interface to search on")
    box = argparse.ArgumentParser(add_help=False)
    hold = argparse.ArgumentParser(add_help=False)
    if not talking:
        box.add_argument("--box", metavar="SKI", help="which one (default: the one that is paired)")
        box.add_argument("--at", metavar="HOST[:PORT]", help="where it is (default: where it was, or as mDNS says)")
        box.add_argument("--heartbeat", type=int, default=4, metavar="S", help="promise of our heartbeat (default 4 s)")
    hold.add_argument("--hold", type=float, nargs="?", const=float("inf"), metavar="S",
                      help="stay, with the heartbeat: so many seconds, or until Ctrl-C")
    off = argparse.ArgumentParser(add_help=False)
    off.add_argument("--off", action="store_true", help="it no longer counts")
    parser = _Parser(description=__doc__.split("\n")[0])
    words = parser.add_subparsers(dest="word", required=True, metavar="WORD")

    def word(name, help, *parents):
        return words.add_parser(name, help=help, description=help, parents=[common, *parents])

    if not talking:
        each = word("find", "list the SHIP nodes that announce themselves")
        each.add_argument("--seconds", type=float, default=3)
        word("own", "print our own SKI")
        each = word("pair", "connect to a box for the first time and wait until it trusts us")
        each.add_argument("ski", nargs="?", metavar="SKI", help="of the box, as on its label; spaces do not matter")
        each.add_argument("--at", metavar="HOST[:PORT]")
        each.add_argument("--seconds", type=float, default=120, help="to wait for a person there (default 120)")
        word("unpair", "forget a box", box)
        word("talk", "take words from stdin, a line each, over one connection", box)
        each = word("echonet", "read, set and follow ECHONET Lite properties")
        each.add_argument("host")
        each.add_argument("properties", nargs="*", type=_epc, metavar="EPC[=EDT]", help="in hex; =EDT sets")
        each.add_argument("--eoj", default="02A101", help="object (default 02A101, the charger; 027E01)")
        each.add_argument("--own", default="0.0.0.0", metavar="ADDRESS", help="our own address")
        each.add_argument("--every", type=float, metavar="S", help="again and again")
        each.add_argument("--seconds", type=float, metavar="S", help="and end after so long")
    word("show", "what the box is and offers, with its values", box)
    each = word("read", "read any function", box)
    each.add_argument("function", metavar="FUNCTION", help="e.g. loadControlLimitListData")
    each.add_argument("--entity", metavar="1,1")
    each = word("write", "write any function", box)
    each.add_argument("function", metavar="FUNCTION")
    each.add_argument("data", metavar="JSON", help="plain objects; elements in the order of the schema")
    each.add_argument("--entity", metavar="1,1")
    each.add_argument("--partial", action="store_true", help="with the filter of a partial write")
    each.add_argument("--filter", metavar="JSON", help="a list of filters")
    lasts = "seconds; without, until it is changed"
    each = word("limit", "limit the consumption of the station (LPC)", box, hold, off)
    each.add_argument("watts", type=_number, nargs="?", metavar="W")
    each.add_argument("--duration", type=_number, metavar="S", help=lasts)
    each = word("failsafe", "what counts when our heartbeat ends (LPC); after a limit was written", box)
    each.add_argument("watts", type=_number, nargs="?", metavar="W")
    each.add_argument("--duration", type=_number, metavar="S", help="7200 to 86400")
    each = word("phases", "limit the phases of the car (OPEV, OSCEV)", box, hold, off)
    each.add_argument("amperes", type=_number, nargs="*", metavar="A", help="of a, b, c, or one for all")
    each.add_argument("--self-consumption", action="store_true", help="as a recommendation (OSCEV)")
    for name, help in (("curve", "write a power curve from a CSV file: start or duration, W or kW (CEVC)"),
                       ("prices", "write prices from a CSV file: start or duration, EUR/kWh, ct/kWh ... (CEVC)")):
        each = word(name, help, box, hold)
        each.add_argument("file", metavar="FILE.csv")
        each.add_argument("--first", type=int, metavar="N", help="only the first rows")
    each = word("setpoint", "ask the car for a power, negative to discharge (DBEVC)", box, hold, off)
    each.add_argument("watts", type=_number, nargs="?", metavar="W")
    each.add_argument("--duration", type=_number, metavar="S", help=lasts)
    each = word("bill", "write the summary of a session (EVCS)", box)
    each.add_argument("--wait", action="store_true", help="until the box wants a summary, with energy and time from it")
    each.add_argument("--wh", type=_number, help="energy")
    each.add_argument("--seconds", type=_number, help="duration")
    each.add_argument("--grid", type=_number, metavar="PERCENT", help="share of the energy from the grid")
    each.add_argument("--cost", type=float)
    each.add_argument("--price", type=float, help="of a kWh from the grid, instead of --cost")
    each.add_argument("--currency", default="EUR")
    each = word("follow", "print what the box notifies", box)
    each.add_argument("--seconds", type=float, metavar="S")
    if talking:
        each = word("heartbeat", "end our heartbeat, or begin it again")
        each.add_argument("on", choices=("on", "off"))
        each = word("state", "say how we are")
        each.add_argument("state", choices=_OPERATING)
        each = word("wait", "do nothing for a while")
        each.add_argument("seconds", type=float)
        for each in (parser, *words.choices.values()):
            each.talking = True
    return parser


async def _run(given, out):
    import ems_boxes
    import ems_echonet
    import ems_words
    from ship_client import identity

    if given.word == "own":
        own = identity(given.folder)
        out.tell("our SKI  %s" % own["ski"], ski=own["ski"], id=own["id"], qr=own["qr"])
    elif given.word == "find":
        for box in await ems_boxes.find(given.seconds, given.interface):
            out.tell("%s  %s:%s  id %s%s" % (box["ski"], box["host"], box["port"], box["id"],
                                             ", takes who registers now" if box["register"] else ""), **box)
    elif given.word == "pair":
        await _pair(given, out)
    elif given.word == "unpair":
        out.tell("forgotten", forgotten=ems_boxes.forget(given.folder, given.box))
    elif given.word == "echonet":
        await ems_echonet.word(given, out)
    else:
        ski, box = await ems_boxes.look_up(given.folder, given.box, given.at, given.interface)
        spine = await ems_boxes.connect(given.folder, ski, box, promise_s=given.heartbeat, told=out.note,
                                        interface=given.interface)
        try:
            given.talking = given.word == "talk"
            await (_talk(spine, out) if given.talking else getattr(ems_words, given.word)(spine, given, out))
        finally:
            await spine.close()


async def _pair(given, out):
    import ems_boxes
    from ship_client import Connection, NotTrusted, ShipError, identity

    own = identity(given.folder)
    out.tell("our SKI  %s" % own["ski"], own_ski=own["ski"])
    if not given.ski:
        if not given.at:
            raise ShipError("say the SKI of the box; `ems.py find` lists those in this network")
        box = ems_boxes.place(given.at)
        there = await Connection.dial(given.folder, **box)
        await there.drop()
        raise ShipError("the node at %s has the SKI %s: compare it with the label of the box, then say "
                        "`ems.py pair %s --at %s`" % (given.at, there.ski, there.ski, given.at))
    ski, box = await ems_boxes.look_up(given.folder, given.ski, given.at, given.interface)
    end = time.monotonic() + given.seconds
    while True:
        try:
            left = max(end - time.monotonic(), 1)
            spine = await ems_boxes.connect(given.folder, ski, box, left, told=out.note)
            break
        except NotTrusted:
            if time.monotonic() > end - 3:
                raise
            await asyncio.sleep(3)
    ems_boxes.remember(given.folder, ski, box)
    out.tell("paired with %s (%s)" % (spine.device, spine.kind), paired=ski, device=spine.device, type=spine.kind)
    await spine.close()


async def _talk(spine, out):
    import ems_words

    parser, failed = _parser(talking=True), None
    loop = asyncio.get_running_loop()
    while not spine.ended.done():
        if sys.stdin.isatty():
            print("> ", end="", flush=True)
        line = await loop.run_in_executor(None, sys.stdin.readline)
        if not line:
            break
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        try:
            try:
                given = parser.parse_args(shlex.split(line))
            except ValueError as error:
                raise _Usage(str(error)) from None
            given.talking = True
            await getattr(ems_words, given.word)(spine, given, out)
        except (_Usage, *_failures()) as error:
            failed = error
            print(_error(error, line) if out.as_json else "ems: %s" % error, flush=True)
        else:
            if out.as_json:
                out.tell("", done=line)
    if spine.ended.done():
        raise _Usage(spine.ended.result())
    if failed:
        sys.exit(1)


def _failures():
    from ems_echonet import EchonetError
    from ems_tables import Bad
    from ship_client import ShipError
    from spine_client import SpineError

    return ShipError, SpineError, Bad, EchonetError, OSError


def _error(error, line=None):
    facts = {"error": str(error), "number": getattr(error, "number", None)}
    return json.dumps(dict(facts, word=line) if line else facts)


def main():
    given = _parser().parse_args()
    setup.inside("run")
    from ems_words import Out

    out = Out(given.json)
    try:
        asyncio.run(_run(given, out))
    except KeyboardInterrupt:
        sys.exit(0 if getattr(given, "hold", None) or given.word == "follow" else 130)
    except (_Usage, *_failures()) as error:
        if given.json:
            print(_error(error), flush=True)
        sys.exit("ems: %s" % error)


if __name__ == "__main__":
    main()
