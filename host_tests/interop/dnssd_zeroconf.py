"""A peer made of python-zeroconf; commands on stdin, events as JSON lines on stdout.

python dnssd_zeroconf.py ADDRESS
"""

import asyncio
import json
import socket
import sys
import time

from zeroconf import DNSPointer, IPVersion, NonUniqueNameException, RecordUpdateListener, ServiceStateChange
from zeroconf.asyncio import AsyncServiceBrowser, AsyncServiceInfo, AsyncZeroconf

TYPE = "_ship._tcp.local."


def tell(**event):
    print(json.dumps(dict(event, at=time.monotonic())), flush=True)


class Heard(RecordUpdateListener):
    """Tells every pointer that comes in, refreshed ones too."""

    def async_update_records(self, zc, now, records):
        for record in records:
            if isinstance(record.new, DNSPointer) and record.new.name == TYPE:
                tell(event="heard", name=record.new.alias, ttl=int(record.new.ttl))


async def resolve(zc, name):
    info = AsyncServiceInfo(TYPE, name)
    if not await info.async_request(zc.zeroconf, 5000):
        tell(event="unresolved", name=name)
        return
    fields = {key.decode(): (value or b"").decode() for key, value in info.properties.items()}
    tell(event="resolved", name=name, host=info.server, port=info.port, addresses=info.parsed_addresses(),
         fields=fields, text=info.text.hex())  # fmt: skip


async def main(address):
    zc = AsyncZeroconf(interfaces=[address], ip_version=IPVersion.V4Only)
    zc.zeroconf.async_add_listener(Heard(), None)
    browser = info = None
    loop = asyncio.get_running_loop()

    def changed(zeroconf, service_type, name, state_change):
        tell(event=state_change.name.lower(), name=name)
        if state_change is not ServiceStateChange.Removed:
            loop.create_task(resolve(zc, name))

    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    tell(event="up")
    while line := (await reader.readline()).decode().split():
        if line[0] == "browse":
            browser = AsyncServiceBrowser(zc.zeroconf, TYPE, handlers=[changed])
        elif line[0] == "register":
            properties = {"txtvers": "1", "id": "peer-" + line[1], "path": "/ship/", "ski": line[3], "register": "true"}
            info = AsyncServiceInfo(TYPE, "%s.%s" % (line[1], TYPE), port=int(line[2]), properties=properties,
                                    addresses=[socket.inet_aton(address)], server="peer.local.")  # fmt: skip
            try:
                await (await zc.async_register_service(info))
                tell(event="registered", name=info.name)
            except NonUniqueNameException:
                tell(event="taken", name=info.name)
        elif line[0] == "unregister":
            await (await zc.async_unregister_service(info))
            tell(event="unregistered")
    if browser:
        await browser.async_cancel()
    await zc.async_close()


asyncio.run(main(sys.argv[1]))
