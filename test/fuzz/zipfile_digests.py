"""Second opinion on archives: the names and SHA-256 of what zipfile reads from each path of stdin, as JSON lines."""

import hashlib
import json
import sys
import zipfile

for line in sys.stdin:
    path = line.rstrip("\n")
    try:
        with zipfile.ZipFile(path) as archive:
            files = [info for info in archive.infolist() if not info.is_dir()]
            found = {info.filename: hashlib.sha256(archive.read(info)).hexdigest() for info in files}
            answer = {"files": found, "count": len(files)}
    except Exception as error:  # zipfile raises many kinds
        answer = {"error": repr(error)}
    print(json.dumps(answer), flush=True)
