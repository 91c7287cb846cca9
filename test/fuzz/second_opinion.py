"""Second opinion on wheels, from Python's zipfile, email and csv: for each path of stdin one JSON line."""

import csv
import email
import hashlib
import io
import json
import re
import sys
import zipfile


def normal(value):
    """Without what line folding and trimming may change."""
    return re.sub("[\\s\u0085\u001c-\u001f\ufeff]+", " ", value or "").strip()


def metadata(text):
    message = email.message_from_string(text)
    fields = [message["Name"], message["Version"], message["Requires-Python"]]
    return [normal(field) for field in fields + (message.get_all("Requires-Dist") or [])]


def rows(text):
    return [(row + ["", ""])[:3] for row in csv.reader(io.StringIO(text, newline="")) if row]


def read(path):
    with zipfile.ZipFile(path) as archive:
        files = [info for info in archive.infolist() if not info.is_dir()]
        contents = {info.filename: archive.read(info) for info in files}
    (dist_info,) = {name.split("/")[0] for name in contents if name.split("/")[0].endswith(".dist-info")}
    return {
        "files": {name: hashlib.sha256(data).hexdigest() for name, data in contents.items()},
        "count": len(files),
        "metadata": metadata(contents[dist_info + "/METADATA"].decode("utf-8")),
        "rows": rows(contents[dist_info + "/RECORD"].decode("utf-8")),
    }


for line in sys.stdin:
    try:
        answer = read(line.rstrip("\n"))
    except Exception as error:  # they raise many kinds
        answer = {"error": repr(error)}
    print(json.dumps(answer), flush=True)
