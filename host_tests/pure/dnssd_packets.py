"""DNS messages for the tests of the DNS-SD responder: written here once more, with compression, and read back."""

from ship.dnssd import Responder, read_name, read_records

SKI = "0123456789abcdef0123456789abcdef01234567"
FIELDS = (("id", "W-4711"), ("path", "/ship/"), ("ski", SKI))
SERVICE = b"\x05_ship\x04_tcp\x05local\0"
TYPES = b"\x09_services\x07_dns-sd\x04_udp\x05local\0"
INSTANCE = b"\x03Box" + SERVICE
HOST = b"\x03box\x05local\0"
TEXT = b"\x09txtvers=1\x09id=W-4711\x0bpath=/ship/\x2cski=" + SKI.encode() + b"\x0eregister=false"
A, PTR, TXT, AAAA, SRV, NSEC, ANY = 1, 12, 16, 28, 33, 47, 255
HOME = bytes((192, 0, 2, 7))
QU = 0x8000

# The announcement, octet by octet (RFC 1035 4.1, RFC 6762 18).
ANNOUNCEMENT = (
    b"\0\0\x84\0\0\0\0\x04\0\0\0\0"
    + SERVICE + b"\0\x0c\0\x01\0\0\0\x78\0\x16" + INSTANCE  # shared: no cache-flush bit
    + INSTANCE + b"\0\x21\x80\x01\0\0\0\x78\0\x11" + b"\0\0\0\0\x12\x68" + HOST
    + INSTANCE + b"\0\x10\x80\x01\0\0\0\x78" + bytes((0, len(TEXT))) + TEXT
    + HOST + b"\0\x01\x80\x01\0\0\0\x78\0\x04" + HOME
)  # fmt: skip


def plain(name):
    return name.lower()


def read(packet):
    """(flags, questions, [answers, authority, additional]); a record is (name, type, class, ttl, data)."""
    packet = bytes(packet)
    counts = [packet[at] << 8 | packet[at + 1] for at in (4, 6, 8, 10)]
    at = 12
    questions = []
    for _ in range(counts[0]):
        name, at = read_name(packet, at)
        questions.append((name, packet[at] << 8 | packet[at + 1], packet[at + 2] << 8 | packet[at + 3]))
        at += 4
    sections = []
    for count in counts[1:]:
        records = []
        for name, kind, ttl, start, end in read_records(packet, at, count):
            at = end
            data = packet[start:end]
            if kind == PTR:
                data = read_name(packet, start)[0]
            elif kind == SRV:
                data = packet[start : start + 6] + read_name(packet, start + 6)[0]
            elif kind == NSEC:
                data, rest = read_name(packet, start)
                data += packet[rest:end]
            records.append((name, kind, packet[start - 8] << 8 | packet[start - 7], ttl, data))
        sections.append(records)
    assert at == len(packet)
    return packet[2] << 8 | packet[3], questions, sections


def shorter(packet, name):
    """`name` as it goes after `packet`: compressed when its end stands there already."""
    for at in range(len(name) - 1):
        found = packet.find(name[at:])
        if name[at:] in packet and found >= 12 and at in label_starts(name):
            return name[:at] + bytes((0xC0 | found >> 8, found & 255))
    return name


def label_starts(name):
    starts = [0]
    while name[starts[-1]]:
        starts.append(starts[-1] + name[starts[-1]] + 1)
    return starts


def records_of(packet, records, flush):
    for name, kind, ttl, data, target in records:
        packet += shorter(packet, name) + bytes((0, kind, flush, 1, 0, 0, 0, ttl))
        if target:
            data += shorter(packet + bytes(2) + data, target)
        packet += bytes((0, len(data))) + data
    return packet


def query(*questions, ident=0, flags=0, known=(), authority=()):
    """A query; a question is (name, type, class), a record (name, type, ttl, data, name at the end of the data)."""
    counts = (ident, flags, len(questions), len(known), len(authority), 0)
    packet = b"".join([bytes((count >> 8, count & 255)) for count in counts])
    for name, kind, klass in questions:
        packet += shorter(packet, name) + bytes((0, kind, klass >> 8, klass & 255))
    return records_of(records_of(packet, known, 0), authority, 0)


def response(*records):
    return records_of(bytes((0, 0, 0x84, 0, 0, 0, 0, len(records), 0, 0, 0, 0)), records, 0x80)


def kinds(records):
    return [record[1] for record in records]


def packets(responder, start_ms, end_ms, step_ms=10):
    """[(time, packet)] that go to the group."""
    sent = []
    for now_ms in range(start_ms, end_ms, step_ms):
        packet = responder.tick(now_ms)
        while packet:
            sent.append((now_ms, bytes(packet)))
            packet = responder.tick(now_ms)
    return sent


def announced(now_ms=10000, **more):
    """A responder that is through with probing and announcing at `now_ms`."""
    responder = Responder("Box", "box", 4712, FIELDS)
    responder.network(HOME)
    packets(responder, now_ms - 10000, now_ms)
    assert responder.state == "announced"
    return responder
