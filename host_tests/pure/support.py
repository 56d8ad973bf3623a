"""What pure tests may use: they run on CPython and on MicroPython, without pytest."""


def raises(error, function, *arguments):
    """True when `function(*arguments)` raises `error`; any other exception passes through."""
    try:
        function(*arguments)
    except error:
        return True
    return False
