"""Imports modules, one name a line of the file given; prints how many modules are loaded then.

With --collect PREFIX... instead of a file: finds importable modules of these packages, at most LIMIT
(environment variable) loaded modules, and prints their names in the order in which they were imported.
"""
from __future__ import print_function  # the same file measures Python 2.7

import importlib
import os
import pkgutil
import sys
import warnings

warnings.simplefilter("ignore")


def collect(prefixes, limit, output):
    skip = ("test", "conftest", "__main__", "_main", "setup", "example", "benchmark", "contrib.gis", "dialects")
    for prefix in prefixes:
        names = [prefix]
        package = importlib.import_module(prefix)
        for found in pkgutil.walk_packages(getattr(package, "__path__", []), prefix + ".", onerror=lambda name: None):
            if not any(word in found.name for word in skip):
                names.append(found.name)
        for name in names:
            try:
                importlib.import_module(name)
            except BaseException:
                continue
            print(name, file=output)
            if len(sys.modules) >= limit:
                return


if sys.argv[1] == "--collect":
    # Some modules print when they are imported.
    output, sys.stdout = sys.stdout, open(os.devnull, "w")
    collect(sys.argv[2:], int(os.environ["LIMIT"]), output)
else:
    output, sys.stdout = sys.stdout, open(os.devnull, "w")
    with open(sys.argv[1]) as names:
        for line in names:
            try:
                importlib.import_module(line.strip())
            except Exception:  # what a package imports by itself may fail alone: the same on every side
                continue
    print(len(sys.modules), file=output)
