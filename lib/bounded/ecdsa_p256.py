"""ECDSA signatures on the curve P-256 over SHA-256 (FIPS 186-4), verified with nothing but integers.

Why this one: stock MicroPython has neither ECDSA nor Ed25519 to call, but hashlib.sha256. Ed25519 would need SHA-512,
which it has not; P-256 is what SHIP identities and every tool use anyway. Nothing secret is computed here, so that the
time it takes may tell what it likes.

`verify` is a generator that does a little between two yields, so that others get their turn meanwhile:

    for verdict in verify(key, digest, signature):
        await sleep_ms(0)
    # verdict is True or False now

Points in Jacobian coordinates are (x, y, z); z = 0 is the point at infinity. Some 4,000 products modulo a 256-bit
number, a few hundred bytes at a time.
"""

_P = 0xFFFFFFFF00000001000000000000000000000000FFFFFFFFFFFFFFFFFFFFFFFF
_N = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_B = 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B
_G = (0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
      0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5)


def _inverse(a, m):
    """1 / a modulo the prime m, by Euclid; a is not 0 modulo m."""
    r, s = m, a % m
    x, y = 0, 1
    while s:
        q = r // s
        r, s = s, r - q * s
        x, y = y, x - q * y
    return x % m


def _double(point):
    x, y, z = point
    square = z * z % _P
    alpha = 3 * (x - square) * (x + square) % _P
    gamma = y * y % _P
    beta = x * gamma % _P
    new_x = (alpha * alpha - 8 * beta) % _P
    return new_x, (alpha * (4 * beta - new_x) - 8 * gamma * gamma) % _P, 2 * y * z % _P


def _add(point, x2, y2):
    """`point` and the affine (x2, y2)."""
    x, y, z = point
    if not z:
        return x2, y2, 1
    square = z * z % _P
    h = (x2 * square - x) % _P
    r = (y2 * square * z - y) % _P
    if not h:
        return (1, 1, 0) if r else _double(point)
    square = h * h % _P
    cube = h * square % _P
    v = x * square % _P
    new_x = (r * r - cube - 2 * v) % _P
    return new_x, (r * (v - new_x) - y * cube) % _P, z * h % _P


def _affine(point):
    """(x, y), None at infinity."""
    x, y, z = point
    if not z:
        return None
    z = _inverse(z, _P)
    square = z * z % _P
    return x * square % _P, y * square * z % _P


def verify(key, digest, signature):
    """Yield None while it takes, and at last whether `signature` (r and s, 32 bytes each) is that of `digest`
    (32 bytes) by the owner of `key` (x and y of the public point, 32 bytes each). What is no key verifies nothing."""
    verdict = False
    if len(key) == 64 and len(signature) == 64 and len(digest) == 32:
        r = int.from_bytes(signature[:32], "big")
        s = int.from_bytes(signature[32:], "big")
        x = int.from_bytes(key[:32], "big")
        y = int.from_bytes(key[32:], "big")
        if 0 < r < _N and 0 < s < _N and x < _P and y < _P and (y * y - x * (x * x - 3) - _B) % _P == 0:
            yield None
            w = _inverse(s, _N)
            yield None
            first = (int.from_bytes(digest, "big") * w % _N).to_bytes(32, "big")
            second = (r * w % _N).to_bytes(32, "big")
            table = (None, _G, (x, y), _affine(_add(_G + (1,), x, y)))
            yield None
            point = (1, 1, 0)
            for i in range(256):
                bit = 7 - i % 8
                point = _double(point)
                other = table[first[i // 8] >> bit & 1 | (second[i // 8] >> bit & 1) << 1]
                if other:
                    point = _add(point, other[0], other[1])
                yield None
            x, y, z = point
            if z:
                z = z * z % _P  # x / z is r, or r + n where that is a coordinate
                verdict = (r * z - x) % _P == 0 or r + _N < _P and ((r + _N) * z - x) % _P == 0
    yield verdict
