"""Answers about the environment that runs this, as JSON: what importlib.metadata and sysconfig see."""
import importlib.metadata as metadata
import json
import site
import sys
import sysconfig

answers = {"prefix": sys.prefix, "path": sys.path[1:], "site": site.getsitepackages(), "paths": sysconfig.get_paths()}
for dist in sorted(metadata.distributions(), key=lambda d: d.metadata["Name"].lower()):
    answers[dist.metadata["Name"]] = {
        "version": dist.version,
        "installer": dist.read_text("INSTALLER"),
        "requested": dist.read_text("REQUESTED"),
        "direct_url": dist.read_text("direct_url.json"),
        "requires": sorted(dist.requires or []),
        "entry_points": sorted("%s %s %s" % (e.group, e.name, e.value) for e in dist.entry_points),
        "files": sorted("%s %s %s" % (f, f.hash.value if f.hash else "", f.size) for f in dist.files or []),
    }
json.dump(answers, sys.stdout, sort_keys=True, indent=1)
