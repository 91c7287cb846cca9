"""Packs what was installed as wheels again. The same files give the same bytes. Runs on every CPython from 3.8 on.

    repack.py SITE TARGET       the one distribution of a site-packages folder; prints the path of its wheel.
                                Leaves out what an installer adds: INSTALLER, REQUESTED, direct_url.json,
                                bytecode, and the scripts of entry points.
    repack.py --plan PLAN       wheels as a file says: [{"output": path, "record": name of RECORD, "members":
                                [[name, source, bytes of the lines that start an interpreter]],
                                "mayVanish": nothing fails, nor is written, where a source is gone}].
                                Prints the path of each when it is written.
"""
import base64
import configparser
import csv
import hashlib
import io
import json
import os
import sys
import zipfile

ADDED = {"INSTALLER", "REQUESTED", "direct_url.json", "RECORD"}
EPOCH = (1980, 1, 1, 0, 0, 0)
# What pip wrote into scripts in place of `#!python`.
INTERPRETER_LINE = b"#!" + os.fsencode(sys.executable) + b"\n"


def entry_point_scripts(dist_info):
    parser = configparser.RawConfigParser(delimiters=("=",))
    parser.optionxform = str
    parser.read(os.path.join(dist_info, "entry_points.txt"))
    return {name for s in ("console_scripts", "gui_scripts") if parser.has_section(s) for name in parser.options(s)}


def members(site, dist_info):
    """Pairs of the name in the wheel and the file."""
    prefix = os.path.realpath(sys.prefix)
    stem = os.path.basename(dist_info)[: -len(".dist-info")]
    scripts = entry_point_scripts(dist_info)
    with open(os.path.join(dist_info, "RECORD"), newline="") as record:
        paths = [row[0] for row in csv.reader(record) if row]
    for path in paths:
        source = os.path.realpath(os.path.join(site, path))
        if path.endswith(".pyc") or (os.path.dirname(source) == dist_info and os.path.basename(source) in ADDED):
            continue
        if not path.startswith(".."):
            yield path, source
        elif os.path.dirname(source) == os.path.join(prefix, "bin"):
            if os.path.basename(source) not in scripts:
                yield "%s.data/scripts/%s" % (stem, os.path.basename(source)), source
        else:
            yield "%s.data/data/%s" % (stem, os.path.relpath(source, prefix)), source


def wheel_name(dist_info):
    with open(os.path.join(dist_info, "WHEEL")) as wheel:
        tags = [line.split(":", 1)[1].strip().split("-") for line in wheel if line.startswith("Tag:")]
    # `py2-none-any` and `py3-none-any` are `py2.py3-none-any` in a name.
    compressed = "-".join(".".join(dict.fromkeys(parts)) for parts in zip(*tags))
    # The build tag that setuptools gives such wheels too.
    return "%s-0.editable-%s.whl" % (os.path.basename(dist_info)[: -len(".dist-info")], compressed)


def interpreter_bytes(name, source):
    """Length of the line that the installer wrote in place of `#!python`."""
    if "/scripts/" not in name:
        return 0
    with open(source, "rb") as file:
        return len(INTERPRETER_LINE) if file.read(len(INTERPRETER_LINE)) == INTERPRETER_LINE else 0


def write_wheel(output, record, members, compression):
    rows = io.StringIO()
    writer = csv.writer(rows, lineterminator="\n")
    with zipfile.ZipFile(output, "w", compression) as archive:
        for name, source, replaced in sorted(members):
            with open(source, "rb") as file:
                data = file.read()
            if replaced:
                data = b"#!python\n" + data[replaced:]
            info = zipfile.ZipInfo(name, EPOCH)
            # The type too: a mode without one is not taken for a regular file's.
            info.external_attr = (0o100755 if os.access(source, os.X_OK) else 0o100644) << 16
            info.compress_type = compression
            archive.writestr(info, data)
            digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
            writer.writerow((name, "sha256=" + digest, len(data)))
        writer.writerow((record, "", ""))
        archive.writestr(zipfile.ZipInfo(record, EPOCH), rows.getvalue())


def pack_one(site, target):
    found = [name for name in os.listdir(site) if name.endswith(".dist-info")]
    if len(found) != 1:
        sys.exit("found %d distributions" % len(found))
    dist_info = os.path.join(site, found[0])
    output = os.path.join(target, wheel_name(dist_info))
    record = found[0] + "/RECORD"
    found = [(name, source, interpreter_bytes(name, source)) for name, source in members(site, dist_info)]
    write_wheel(output, record, found, zipfile.ZIP_DEFLATED)
    print(output)


def pack_planned(path):
    with open(path, encoding="utf-8") as file:
        wheels = json.load(file)
    for wheel in wheels:
        # Stored: such a wheel is unpacked at once and thrown away.
        try:
            write_wheel(wheel["output"], wheel["record"], wheel["members"], zipfile.ZIP_STORED)
        except (FileNotFoundError, NotADirectoryError, PermissionError):
            if not wheel.get("mayVanish"):
                raise
            os.unlink(wheel["output"])
            continue
        print(wheel["output"], flush=True)


if sys.argv[1] == "--plan":
    pack_planned(sys.argv[2])
else:
    pack_one(os.path.realpath(sys.argv[1]), sys.argv[2])
