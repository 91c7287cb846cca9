"""What operations work with: the folder, the names that should be there, and descriptors that stay open over steps."""
import errno
import hashlib
import os
import posixpath
import stat
import time

from draw import Draw
from tree import Tree
import calls

SLOTS = 8
#: Times of files are those of the last tick of the kernel's clock, at most so old.
TICK_NS = 20 * 10**6
KINDS = {stat.S_IFREG: "file", stat.S_IFDIR: "folder", stat.S_IFLNK: "link"}

operations = []


def operation(weight):
    """Registers an operation: a function of the world that draws what it needs, then acts, and gives what it saw."""

    def register(function):
        operations.append((function, weight))
        return function

    return register


class Outside(Exception):
    """The path leads out of the folder; nothing outside is ever touched."""


class Slot:
    """An open descriptor, and the inode number that it had when it was opened."""

    def __init__(self, fd, flags):
        self.fd = fd
        info = os.fstat(fd)
        self.flags = flags | (os.O_DIRECTORY if stat.S_ISDIR(info.st_mode) else 0)
        self.inode = info.st_ino


class World:
    def __init__(self, root, seed, shared=None, worker=0):
        self.root = os.path.realpath(root)
        self.seed = seed
        self.shared = shared
        self.worker = worker
        self.draw = Draw()
        self.tree = Tree(self.draw)
        self.slots = [None] * SLOTS
        self.passing = []
        self.args = []
        self.attributed = []
        self.next_tick()
        self.started_ns = time.time_ns() - TICK_NS
        self.next_tick()

    def next_tick(self):
        """What changes from now on has a later time than what changed before."""
        time.sleep(1.5 * TICK_NS / 1e9)

    def note(self, *args):
        """Tells the log what was drawn."""
        self.args.extend(args)
        return args[0]

    def at(self, path):
        return posixpath.normpath(posixpath.join(self.root, path))

    def form(self, path):
        """The path in one of the ways to write it, and the descriptor that it is relative to, or None."""
        way = self.draw.weighted([("plain", 60), ("descriptor", 25), ("dots", 7), ("link", 8)])
        self.note(path, way)
        parent, name = posixpath.split(path)
        if way == "descriptor":
            fd = os.open(self.at(parent), calls.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
            self.passing.append(fd)
            return name or ".", fd
        if way == "dots":
            return posixpath.join(self.at(parent), ".", "..", posixpath.basename(self.at(parent)), name), None
        if way == "link" and path.startswith("lib/"):
            return self.at("lib64" + path[3:]), None
        return self.at(path), None

    def inside(self, path):
        """Has to be asked before anything that follows links."""
        real = os.path.realpath(self.at(path))
        if real != self.root and not real.startswith(self.root + "/"):
            raise Outside()
        return path

    def slot(self, folders=None):
        """An open slot; with `folders` one of a folder, or none of a folder."""
        number = self.draw.number(SLOTS)
        for index in range(SLOTS):
            found = self.slots[(number + index) % SLOTS]
            if found is not None and folders in (None, bool(found.flags & os.O_DIRECTORY)):
                self.note((number + index) % SLOTS)
                return found
        raise OSError(errno.EBADF, "no slot is open")

    def keep(self, fd, flags):
        number = self.draw.number(SLOTS)
        self.note(number)
        self.close(number)
        self.slots[number] = Slot(fd, flags)

    def close(self, number):
        slot, self.slots[number] = self.slots[number], None
        if slot is not None:
            os.close(slot.fd)

    def end_step(self):
        os.chdir("/")
        for fd in self.passing:
            os.close(fd)
        self.passing, self.args = [], []

    def when(self, ns):
        """A time exactly where it is not of this run; all times that are set are long ago."""
        return "new" if ns >= self.started_ns else ns

    def fields(self, info):
        """What two twins agree on."""
        found = {
            "kind": KINDS.get(stat.S_IFMT(info.st_mode), "other"),
            "mode": oct(info.st_mode),
            "owner": [info.st_uid, info.st_gid],
            "mtime": self.when(info.st_mtime_ns) if stat.S_IFMT(info.st_mode) in KINDS else None,
        }
        if not stat.S_ISDIR(info.st_mode):
            found.update(size=info.st_size, links=info.st_nlink)
        return found

    def parent_time(self, path):
        """Whether the folder's time is one that was set, or of this run."""
        return self.when(os.lstat(posixpath.dirname(self.at(path))).st_mtime_ns)


def told(data):
    """Bytes as the log has them."""
    return [len(data), hashlib.sha1(data).hexdigest()[:12]]
