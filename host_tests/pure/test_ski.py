"""The SKI of a certificate: the computed one, the stated one, and bytes that are no certificate."""

from binascii import hexlify, unhexlify

from host_tests.pure.support import raises
from ship.ski import extension_ski, proven_ski, ski_of_certificate

SKI = "3358296b5426cb12be0a2b43eb5cfafd8ccdec4f"  # by openssl and by the `cryptography` package
CERTIFICATE = unhexlify(
    "308201473081eea00302010202021267300a06082a8648ce3d04030230133111300f06035504030c08534b4920746573"
    "74301e170d3236303130313030303030305a170d3336303130313030303030305a30133111300f06035504030c08534b"
    "4920746573743059301306072a8648ce3d020106082a8648ce3d03010703420004f9ebe464147cc102d92324d099d927"
    "c1a50e42d57a08a116ffec0a29819d8c6570baf7d12888902a6a0c1d67add103123c859ab69bf8e9431c9384930d4b7e"
    "eea3323030300f0603551d130101ff040530030101ff301d0603551d0e041604143358296b5426cb12be0a2b43eb5cfa"
    "fd8ccdec4f300a06082a8648ce3d0403020348003045022100d51a2e606988a95549c2ef068ef766d05024a64040e349"
    "ae40114511de420ac002205c1f1182a13fd3e1a2b9ba34f6d3a514bb4faf87bd5ce2a6116d7e302f7e8029"
)


def changed(old, new):
    return CERTIFICATE.replace(unhexlify(old), unhexlify(new))


def test_the_key_and_the_extension_name_the_same_ski():
    assert ski_of_certificate(CERTIFICATE) == SKI
    assert extension_ski(CERTIFICATE) == SKI
    assert proven_ski(CERTIFICATE) == SKI


def test_a_view_of_a_certificate_will_do():
    # A verify callback sees a memoryview that lies inside something longer.
    view = memoryview(b"xx" + CERTIFICATE)[2:]
    assert proven_ski(view) == SKI


def test_another_key_has_another_ski():
    assert ski_of_certificate(changed("f9ebe464", "f9ebe465")) != SKI
    assert raises(ValueError, proven_ski, changed("f9ebe464", "f9ebe465"))


def test_an_extension_that_states_another_ski_proves_nothing():
    wrong = changed("04143358", "04143359")
    assert extension_ski(wrong) == "3359" + SKI[4:]
    assert raises(ValueError, proven_ski, wrong)


def test_a_certificate_without_the_extension_proves_nothing():
    without = changed("0603551d0e", "0603551d0f")
    assert extension_ski(without) is None
    assert ski_of_certificate(without) == SKI
    assert raises(ValueError, proven_ski, without)


def test_a_stated_ski_of_another_length_proves_nothing():
    assert raises(ValueError, proven_ski, changed("0416041433", "0416041333"))
    assert raises(ValueError, proven_ski, changed("04160414", "30160414"))
    assert raises(ValueError, proven_ski, changed("04160414", "04160314"))


def test_every_truncation_is_refused():
    for length in range(len(CERTIFICATE)):
        assert raises(ValueError, ski_of_certificate, CERTIFICATE[:length])
        assert raises(ValueError, extension_ski, CERTIFICATE[:length])


def test_every_changed_byte_gives_a_value_or_a_value_error():
    damaged = bytearray(CERTIFICATE)
    for at in range(len(damaged)):
        for value in (0, 0x30, 0x7F, 0x80, 0x82, 0xFF):
            damaged[at] = value
            for walk in (ski_of_certificate, extension_ski):
                try:
                    found = walk(damaged)
                except ValueError:
                    continue
                assert found is None or isinstance(found, str)
        damaged[at] = CERTIFICATE[at]
    assert hexlify(damaged) == hexlify(CERTIFICATE)


def test_nothing_is_no_certificate():
    for junk in ("", "30", "3000", "3080", "30ff", "3082ffff", "30023000", "00" * 64):
        junk = unhexlify(junk)
        assert raises(ValueError, ski_of_certificate, junk)
        assert raises(ValueError, extension_ski, junk)
