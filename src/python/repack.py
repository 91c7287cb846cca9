"""Packs the one distribution of a site-packages folder as a wheel again; its path on stdout.

Leaves out what an installer adds: INSTALLER, REQUESTED, direct_url.json, bytecode, and the scripts of
entry points. The same files give the same bytes. Runs on every CPython from 3.8 on.
"""
import base64
import configparser
import csv
import hashlib
import io
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


def main():
    site, target = os.path.realpath(sys.argv[1]), sys.argv[2]
    found = [name for name in os.listdir(site) if name.endswith(".dist-info")]
    if len(found) != 1:
        sys.exit("found %d distributions" % len(found))
    dist_info = os.path.join(site, found[0])
    output = os.path.join(target, wheel_name(dist_info))
    rows = io.StringIO()
    writer = csv.writer(rows, lineterminator="\n")
    with zipfile.ZipFile(output, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, source in sorted(members(site, dist_info)):
            with open(source, "rb") as file:
                data = file.read()
            if "/scripts/" in name and data.startswith(INTERPRETER_LINE):
                data = b"#!python\n" + data[len(INTERPRETER_LINE) :]
            info = zipfile.ZipInfo(name, EPOCH)
            info.external_attr = (0o755 if os.access(source, os.X_OK) else 0o644) << 16
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, data)
            digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
            writer.writerow((name, "sha256=" + digest, len(data)))
        record = found[0] + "/RECORD"
        writer.writerow((record, "", ""))
        archive.writestr(zipfile.ZipInfo(record, EPOCH), rows.getvalue())
    print(output)


main()
