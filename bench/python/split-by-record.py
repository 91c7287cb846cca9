"""Copies an environment apart: what each distribution's RECORD lists, to a folder of its own.

split-by-record.py VENV SITE OUT makes OUT/0, OUT/1, ..., each laid out as the environment is, in the order of the
names; times are kept, so bytecode stays valid. Prints how many there are.
"""
import csv
import os
import shutil
import sys

venv, site, out = sys.argv[1:]
infos = sorted(name for name in os.listdir(site) if name.endswith(".dist-info"))
for number, info in enumerate(infos):
    with open(os.path.join(site, info, "RECORD"), newline="") as record:
        paths = [os.path.normpath(os.path.join(site, row[0])) for row in csv.reader(record)]
    for path in paths:
        target = os.path.join(out, str(number), os.path.relpath(path, venv))
        os.makedirs(os.path.dirname(target), exist_ok=True)
        shutil.copy2(path, target)
print(len(infos))
