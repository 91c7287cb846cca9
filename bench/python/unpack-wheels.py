"""Unpacks pure wheels without scripts into site-packages and compiles them: what pip does, in one process.

unpack-wheels.py SITE WHEELS, the second a folder. For sets of a thousand distributions, which pip takes minutes to resolve.
"""
import compileall
import os
import sys
import zipfile

site, wheels = sys.argv[1:]
for name in sorted(os.listdir(wheels)):
    if name.endswith(".whl"):
        with zipfile.ZipFile(os.path.join(wheels, name)) as wheel:
            wheel.extractall(site)
compileall.compile_dir(site, quiet=1)
