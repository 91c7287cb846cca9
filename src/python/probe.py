"""Tells what shenv-fs has to know of the interpreter that runs this; one JSON object on stdout.

Runs on every CPython from 3.6 on.
"""
import importlib
import importlib.util
import json
import os
import sys
import sysconfig


def wheel_tags():
    """Supported tags, best first, from whichever copy of `packaging` there is."""
    bundled = os.path.join(sys.prefix, "lib", "python%d.%d" % sys.version_info[:2], "ensurepip", "_bundled")
    folders = [bundled, "/usr/share/python-wheels"]
    wheels = [os.path.join(f, n) for f in folders if os.path.isdir(f) for n in sorted(os.listdir(f))]
    for extra in [None] + [w for w in wheels if os.path.basename(w).startswith("pip-")]:
        if extra:
            sys.path.insert(0, extra)
        for name in ("packaging.tags", "pip._vendor.packaging.tags"):
            try:
                return with_any_platform([str(tag) for tag in importlib.import_module(name).sys_tags()])
            except ImportError:
                continue
    return []


def with_any_platform(tags):
    """Copies of `packaging` before 22 leave `cp312-none-any` out, which every pip takes."""
    missing = tags[0].split("-")[0] + "-none-any"
    if missing not in tags:
        tags.insert(next(i for i, tag in enumerate(tags) if tag.endswith("-none-any")), missing)
    return tags


def pip_version():
    try:
        import pip
    except ImportError:
        return None
    return pip.__version__


def ensurepip_wheel():
    folders = []
    spec = importlib.util.find_spec("ensurepip")
    if spec and spec.origin:
        folders.append(os.path.join(os.path.dirname(spec.origin), "_bundled"))
    configured = sysconfig.get_config_var("WHEEL_PKG_DIR")
    for folder in folders + ([configured] if configured else []) + ["/usr/share/python-wheels"]:
        if os.path.isdir(folder):
            for name in sorted(os.listdir(folder)):
                if name.startswith("pip-") and name.endswith(".whl"):
                    return os.path.join(folder, name)
    return None


def main():
    base = getattr(sys, "_base_executable", None) or sys.executable
    print(json.dumps({
        "implementation": sys.implementation.name,
        "version": ".".join(map(str, sys.version_info[:3])),
        "minor": "%d.%d" % sys.version_info[:2],
        "cacheTag": sys.implementation.cache_tag,
        "executable": sys.executable,
        "baseExecutable": base,
        "basePrefix": sys.base_prefix,
        "pipVersion": pip_version(),
        "ensurepipWheel": ensurepip_wheel(),
        "tags": wheel_tags(),
    }))


main()
