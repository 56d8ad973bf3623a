"""ECDSA P-256 on every runtime, with vectors at the edges: sums that are equal, opposite or infinity, x beyond n."""

from binascii import unhexlify

from bounded.ecdsa_p256 import verify


def vectors():
    """(name, valid, key, digest, signature) of each."""
    with open("host_tests/pure/ecdsa_p256_vectors.txt") as file:
        for line in file:
            if line[0] != "#":
                name, valid, key, digest, signature = line.split()
                yield name, valid == "1", unhexlify(key), unhexlify(digest), unhexlify(signature)


def verdict(key, digest, signature):
    """What `verify` says at last, and after how many steps."""
    steps = 0
    for said in verify(key, digest, signature):
        steps += 1
        assert said is None or said is True or said is False
    return said, steps


def test_vectors():
    for name, valid, key, digest, signature in vectors():
        assert verdict(key, digest, signature)[0] is valid, name


def test_the_work_is_in_small_steps():
    name, valid, key, digest, signature = next(vectors())
    assert verdict(key, digest, signature)[1] > 256


def test_parts_of_another_length_verify_nothing():
    _, _, key, digest, signature = next(vectors())
    for cut in (0, 1, 31, 63):
        assert verdict(key[:cut], digest, signature) == (False, 1)
        assert verdict(key, digest[:cut], signature)[0] is (cut == 63)  # that is all 32 of them
        assert verdict(key, digest, signature[:cut]) == (False, 1)
    assert verdict(b"\4" + key, digest, signature) == (False, 1)
    assert verdict(key, digest + b"\0", signature) == (False, 1)
    assert verdict(key, digest, signature + b"\0") == (False, 1)
