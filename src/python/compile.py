"""Compiles Python sources that lie inside image files; one JSON request a line, one JSON answer a line.

Request: {"image": path, "storeOwner": uid, "output": path, "files": [[name, offset, size], ...]}
Answer: {"sizes": [size of each file's .pyc, or null where the source does not compile]}
The .pyc files stand in the output one after another. They are unchecked hash-based (PEP 552): no import
compares them with their source, which cannot change. The loader puts in the real file name.
"""
import importlib.util
import json
import os
import stat
import sys
import warnings
from importlib._bootstrap_external import _code_to_hash_pyc


def compile_one(name, source):
    try:
        code = compile(source, name, "exec", dont_inherit=True, optimize=-1)
    except (SyntaxError, ValueError, UnicodeError, RecursionError, MemoryError, OverflowError):
        return None
    return bytes(_code_to_hash_pyc(code, importlib.util.source_hash(source), False))


def open_believed(path, owner):
    """As base/trust.ts: a regular file that nobody but its owner can change, who is believed."""
    image = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    status = os.fstat(image)
    is_believed = owner is None or status.st_uid in (owner, 0, os.geteuid()) and not status.st_mode & 0o022
    if not stat.S_ISREG(status.st_mode) or not is_believed:
        raise PermissionError(path)
    return image


def answer(request):
    sizes = []
    source = open_believed(request["image"], request.get("storeOwner"))
    with open(source, "rb", buffering=0) as image, open(request["output"], "wb") as output:
        for name, offset, size in request["files"]:
            image.seek(offset)
            compiled = compile_one(name, image.read(size) if size else b"")
            sizes.append(None if compiled is None else output.write(compiled))
    return {"sizes": sizes}


# What others may write to is not believed, whatever the umask of who started this.
os.umask(os.umask(0o077) | 0o022)
warnings.simplefilter("ignore")
sys.setrecursionlimit(max(sys.getrecursionlimit(), 5000))
for line in sys.stdin:
    print(json.dumps(answer(json.loads(line))), flush=True)
