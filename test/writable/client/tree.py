"""What should be there if every operation went as one expects, and names drawn from it."""
import posixpath

FILE, FOLDER, LINK, OTHER = "file", "folder", "link", "other"
SUFFIXES = [".py", ".pyc", ".txt", "", ".so", ".dist-info", " with space", "-\u00e9\u4e2d\U0001f40d", ".swp", "~"]
RECENT = 25
MOST_GHOSTS = 40


class Tree:
    """
    Paths below the root and their kinds. It follows operations by simple rules and never sees their results, so that
    the same draws come whatever a file system answers; `reset` takes what a survey found.
    """

    def __init__(self, draw):
        self.draw = draw
        self.kinds = {}
        self.ghosts = []

    def reset(self, kinds):
        self.kinds = dict(kinds)

    def add(self, path, kind):
        if path not in self.kinds:
            self.kinds[path] = kind

    def remove(self, path):
        for gone in self.below(path) + [path]:
            if self.kinds.pop(gone, None):
                self.ghosts.append(gone)
        del self.ghosts[:-MOST_GHOSTS]

    def move(self, source, target):
        """As rename does where it succeeds."""
        if source not in self.kinds or source == target or target.startswith(source + "/"):
            return
        if self.kinds.get(target) == FOLDER and (self.kinds[source] != FOLDER or self.below(target)):
            return
        moved = [(path, self.kinds[path]) for path in [source] + self.below(source)]
        self.remove(source)
        self.kinds.pop(target, None)
        for path, kind in moved:
            self.add(target + path[len(source) :], kind)

    def exchange(self, one, other):
        if one == other or one.startswith(other + "/") or other.startswith(one + "/"):
            return
        for path, kind in list(self.kinds.items()):
            for source, target in ((one, other), (other, one)):
                if path == source or path.startswith(source + "/"):
                    self.kinds.pop(path, None)
                    self.kinds[target + path[len(source) :]] = kind

    def below(self, path):
        return [one for one in self.kinds if one.startswith(path + "/")]

    def known(self, *kinds):
        """A path of one of the kinds, often one that came lately; the root of the tree where there is none."""
        paths = [path for path, kind in self.kinds.items() if kind in kinds]
        if self.draw.chance(0.4):
            paths = paths[-RECENT:]
        return self.draw.of(paths) if paths else "."

    def file(self):
        return self.known(FILE)

    def folder(self):
        return self.known(FOLDER)

    def any(self):
        return self.known(FILE, FOLDER, LINK, OTHER)

    def small_folder(self, most):
        """A folder with at most so many paths below it."""
        folders = [path for path, kind in self.kinds.items() if kind == FOLDER and len(self.below(path)) <= most]
        return self.draw.of(folders) if folders else self.new()

    def new(self, folder=None):
        """A path at which nothing was ever, in a known folder."""
        parent = folder or self.folder()
        name = "n%d%s" % (self.draw.number(10**6), self.draw.of(SUFFIXES))
        if self.draw.chance(0.03):
            name = ("long" + name * 60)[:240]
        return posixpath.normpath(posixpath.join(parent, name))

    def place(self):
        """Where something may or may not be: mostly a file."""
        kind = self.draw.weighted([("file", 55), ("any", 15), ("new", 22), ("ghost", 5), ("odd", 3)])
        if kind == "ghost" and self.ghosts:
            return self.draw.of(self.ghosts)
        if kind == "odd":
            return self.odd()
        if kind == "new":
            return self.new()
        return self.file() if kind == "file" else self.any()

    def odd(self):
        """Names at limits, and a path through a file."""
        name = self.draw.of(["x" * 255, "y" * 256, "\u00e9" * 127, "\u4e2d" * 85, "a\nb", " ", "-rf", "..."])
        parent = self.file() if self.draw.chance(0.2) else self.folder()
        return posixpath.normpath(posixpath.join(parent, name))
