"""The boxes an energy manager can talk to: found by mDNS (`_ship._tcp`), or remembered in its folder once paired."""

import asyncio
import json
import os

from ship_client import PORT, Connection, NotTrusted, ShipError, normalise
from spine_client import SpineClient

_SERVICE = "_ship._tcp.local."
_REMEMBERED = "boxes.json"


async def find(seconds=3, interface=None, until=None):
    """SHIP nodes that announce themselves: dictionaries with ski, id, register, host, port, path, brand, type, model.

    `interface` is the address of the one to search on; `until` an SKI that ends the search when it is there."""
    from zeroconf import IPVersion, ServiceStateChange
    from zeroconf.asyncio import AsyncServiceBrowser, AsyncServiceInfo, AsyncZeroconf

    names = asyncio.Queue()

    def changed(zeroconf, service_type, name, state_change):
        if state_change is not ServiceStateChange.Removed:
            names.put_nowait(name)

    where = {"interfaces": [interface]} if interface else {}
    try:
        zeroconf = AsyncZeroconf(ip_version=IPVersion.V4Only, **where)
    except OSError as error:
        raise ShipError("mDNS cannot be used here: %s" % (error.strerror or error)) from None
    found = {}
    browser = AsyncServiceBrowser(zeroconf.zeroconf, _SERVICE, handlers=[changed])
    try:
        async with asyncio.timeout(seconds):
            while until not in found:
                name = await names.get()
                info = AsyncServiceInfo(_SERVICE, name)
                if await info.async_request(zeroconf.zeroconf, 2000):
                    box = _box(info)
                    found[box["ski"] or name] = box
    except TimeoutError:
        pass
    finally:
        await browser.async_cancel()
        await zeroconf.async_close()
    return list(found.values())


def _box(info):
    text = {}
    for key, value in info.properties.items():
        text[key.decode("utf-8", "replace").lower()] = (value or b"").decode("utf-8", "replace")
    hosts = info.parsed_addresses()
    return {"ski": text.get("ski", "").lower(), "id": text.get("id"), "register": text.get("register") == "true",
            "host": hosts[0] if hosts else None, "port": info.port, "path": text.get("path", "/ship/"),
            "brand": text.get("brand"), "type": text.get("type"), "model": text.get("model")}


def remembered(folder):
    """{ski: {"host", "port", "path"}} of the boxes that were paired."""
    try:
        with open(os.path.join(folder, _REMEMBERED), encoding="utf-8") as file:
            return json.load(file)
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise ShipError("%s in %s cannot be read: %s" % (_REMEMBERED, folder, error)) from None


def remember(folder, ski, box):
    """Keep where a box is; None forgets it."""
    boxes = remembered(folder)
    boxes.pop(ski, None)
    if box:
        boxes[ski] = {name: box[name] for name in ("host", "port", "path")}
    path = os.path.join(folder, _REMEMBERED)
    with open(path + ".new", "w", encoding="utf-8") as file:
        json.dump(boxes, file, indent=1)
    os.replace(path + ".new", path)


def forget(folder, ski=None):
    """Forget a paired box, the only one when no SKI is given; returns its SKI."""
    boxes = remembered(folder)
    ski = _meant(boxes, ski)
    if ski not in boxes:
        raise ShipError("no box with the SKI %s is paired" % ski)
    remember(folder, ski, None)
    return ski


def place(text):
    """{"host", "port", "path"} of HOST or HOST:PORT as typed."""
    host, colon, port = text.rpartition(":")
    if not colon:
        host, port = text, str(PORT)
    if not host or not port.isdigit() or not 0 < int(port) < 65536:
        raise ShipError("--at takes HOST or HOST:PORT, not %s" % text)
    return {"host": host, "port": int(port), "path": "/ship/"}


async def look_up(folder, ski=None, at=None, interface=None):
    """(ski, box) meant by an SKI as typed and a place as typed, each of which may be None.

    Without an SKI the one box that is paired; without a place where it was, or where mDNS finds it."""
    boxes = remembered(folder)
    ski = _meant(boxes, ski)
    if at:
        return ski, place(at)
    if ski in boxes:
        return ski, boxes[ski]
    return ski, await search(ski, interface)


def _meant(boxes, ski):
    """The SKI that was typed, or that of the only box."""
    if ski:
        try:
            return normalise(ski)
        except ValueError as error:
            raise ShipError(str(error)) from None
    if not boxes:
        raise ShipError("no box is paired yet: see `ems.py find`, then `ems.py pair SKI`")
    if len(boxes) > 1:
        raise ShipError("several boxes are paired, say which with --box: %s" % " ".join(boxes))
    return next(iter(boxes))


async def search(ski, interface=None):
    """The box with this SKI, by mDNS."""
    for box in await find(5, interface, ski):
        if box["ski"] == ski and box["host"]:
            return box
    raise ShipError("no box with the SKI %s announces itself here; say where it is with --at HOST:PORT" % ski)


async def connect(folder, ski, box, wait_s=10, told=None, promise_s=4, interface=None):
    """A SpineClient that has learned what the box is; one that is no longer where it was is searched for."""
    try:
        connection = await Connection.open(folder, box["host"], box["port"], ski, box["path"], wait_s, told)
    except NotTrusted:
        raise
    except ShipError:
        if ski not in remembered(folder):
            raise
        try:
            there = await search(ski, interface)
        except ShipError:
            there = box
        if (there["host"], there["port"]) == (box["host"], box["port"]):
            raise
        connection = await Connection.open(folder, there["host"], there["port"], ski, there["path"], wait_s, told)
        remember(folder, ski, there)
    spine = SpineClient(connection, promise_s)
    try:
        await spine.start()
    except Exception:
        await spine.close()
        raise
    return spine
