"""Writes lib/<package>/package.json, by which each library installs alone with `mip install` or mpremote.

    python3 tools/packages.py           (a test fails while a file list is out of date)

A package names its own files and those of `bounded` that they import, so that nothing else has to be installed; what
only CPython needs (bounded/cpython.py) is not among them.
"""

import ast
import glob
import json
import os

from runtimes import ROOT

VERSION = "0.1.0"
_HOST_ONLY = "cpython.py"
_LIB = os.path.join(ROOT, "lib")


def packages():
    """Names of the libraries."""
    return sorted(name for name in os.listdir(_LIB) if glob.glob(os.path.join(_LIB, name, "*.py")))


def description(package):
    """The text of lib/<package>/package.json."""
    own = [package + "/" + name for name in sorted(os.listdir(os.path.join(_LIB, package))) if name.endswith(".py")]
    own = [file for file in own if not file.endswith(_HOST_ONLY)]
    needed, new = set(own), set(own)
    while new:
        new = set().union(*(_imported(file) for file in new)) - needed
        needed |= new
    rows = []
    for file in own + sorted(needed - set(own)):
        folder, name = file.split("/")
        rows.append([file, name if folder == package else "../" + file])
    urls = ",\n".join("    " + json.dumps(row) for row in rows)
    return '{\n  "urls": [\n%s\n  ],\n  "version": "%s"\n}\n' % (urls, VERSION)


def _imported(file):
    """Files of lib/ that `file` imports."""
    with open(os.path.join(_LIB, file), encoding="utf-8") as source:
        tree = ast.parse(source.read())
    names = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names += [node.module] + [node.module + "." + alias.name for alias in node.names]
    found = set()
    for name in names:
        parts = name.split(".")
        for file in ("/".join(parts[:2]) + ".py", parts[0] + "/__init__.py"):
            if len(parts) > 1 and not file.endswith(_HOST_ONLY) and os.path.isfile(os.path.join(_LIB, file)):
                found.add(file)
    return found


def path(package):
    """Where the description of `package` is kept."""
    return os.path.join(_LIB, package, "package.json")


def main():
    for package in packages():
        with open(path(package), "w", encoding="utf-8") as file:
            file.write(description(package))


if __name__ == "__main__":
    main()
