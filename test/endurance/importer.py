"""Imports from a mounted environment until a file appears, each time without what the kernel remembers.

importer.py MODULES STOP-FILE SEED: prints the rounds that it made; any error ends it with status 1.
"""
import importlib
import os
import random
import subprocess
import sys

count, stop, seed = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
draw = random.Random(seed)
names = [f"many.module{index}" for index in range(count)]


def forget(path):
    """The kernel drops the pages of the file: the next read asks the server."""
    fd = os.open(path, os.O_RDONLY)
    os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
    os.close(fd)


def import_anew(name):
    sys.modules.pop(name, None)
    module = importlib.import_module(name)
    assert module.NAME == name, name
    forget(module.__file__)
    assert os.getxattr(module.__file__, "user.shenv.origin").startswith(b"many"), name
    return os.path.dirname(module.__file__)


rounds = 0
while not os.path.exists(stop):
    importlib.invalidate_caches()
    for name in draw.sample(names, min(20, count)):
        folder = import_anew(name)
        absent = os.path.join(folder, f"absent-{draw.getrandbits(64):x}")
        assert not os.path.exists(absent)
    if rounds % 20 == 0:
        code = f"import {draw.choice(names)} as m; print(m.NAME)"
        subprocess.run([sys.executable, "-B", "-c", code], check=True, stdout=subprocess.DEVNULL)
    rounds += 1
print(rounds)
