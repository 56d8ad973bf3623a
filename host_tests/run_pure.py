"""Runs the named test functions of one module under MicroPython and tells the outcome of each, line by line.

    micropython host_tests/run_pure.py MODULE NAME...

Protocol, each on a line of its own: `\\x01begin NAME`, then what the test prints, then `\\x01pass NAME` or
`\\x01fail NAME` with the traceback before it.
"""

import gc
import sys


def main(module, names):
    tests = __import__(module, None, None, ["*"])
    for name in names:
        gc.collect()
        print("\x01begin " + name)
        try:
            getattr(tests, name)()
            outcome = "pass"
        except Exception as error:
            outcome = "fail"
            sys.print_exception(error, sys.stdout)
        print("\x01" + outcome + " " + name)


main(sys.argv[1], sys.argv[2:])
