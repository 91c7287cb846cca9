"""An import hook as one would write it to share distributions: a folder each, and a map of top-level names.

The map is made once and kept beside this file, so start-up reads one file and looks at no folder. Folders are named
in bench_finder.paths, one a line. It stands before PathFinder and asks PathFinder itself for what the map knows.
"""
import marshal
import os
import sys
from importlib.machinery import PathFinder

here = os.path.dirname(__file__)


def make_map(folders):
    owners = {}
    for folder in folders:
        for name in os.listdir(folder):
            if name.endswith(".dist-info") or name == "__pycache__":
                continue
            # A package, or a module: module.py, module.cpython-311-x86_64-linux-gnu.so
            owners.setdefault(name.split(".")[0], []).append(folder)
    return owners


def load_map():
    with open(os.path.join(here, "bench_finder.paths")) as lines:
        folders = lines.read().split("\n")
    cache = os.path.join(here, "bench_finder.map")
    try:
        with open(cache, "rb") as file:
            return folders, marshal.load(file)
    except OSError:
        owners = make_map(folders)
        with open(cache, "wb") as file:
            marshal.dump(owners, file)
        return folders, owners


class Finder:
    folders, owners = load_map()

    @classmethod
    def find_spec(cls, name, path=None, target=None):
        folders = cls.owners.get(name) if path is None else None
        return PathFinder.find_spec(name, folders, target) if folders else None

    @classmethod
    def find_distributions(cls, context=None):
        from importlib.metadata import DistributionFinder, MetadataPathFinder

        name = getattr(context, "name", None)
        return MetadataPathFinder.find_distributions(DistributionFinder.Context(name=name, path=cls.folders))


sys.meta_path.insert(sys.meta_path.index(PathFinder), Finder)
