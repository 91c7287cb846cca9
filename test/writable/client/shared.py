"""What several processes do in the same folders at once: only what has the same end in whatever order it comes."""
import os
import posixpath

from world import operation

#: Of the root of the whole environment; what is made in it has one mode, whoever makes it.
COMMON = "share/common"


def is_of(function):
    """Whether an operation is of this module: there is nothing to share for one process alone."""
    return function.__module__ == __name__


def common(world):
    """A folder that all workers use; made by whoever comes first."""
    os.umask(0o022)
    path = posixpath.join(world.shared, COMMON, "d%d" % world.draw.number(3))
    os.makedirs(path, exist_ok=True)
    return path


@operation(6)
def make_in_common(world):
    folder = common(world)
    name = "w%d-%d" % (world.worker, world.draw.number(20))
    with open(posixpath.join(folder, name), "wb") as file:
        file.write(world.draw.data())
    return sorted(one for one in os.listdir(folder) if one.startswith("w%d-" % world.worker))


@operation(4)
def remove_in_common(world):
    folder = common(world)
    os.unlink(posixpath.join(folder, "w%d-%d" % (world.worker, world.draw.number(20))))


@operation(4)
def rename_in_common(world):
    folder, other = common(world), common(world)
    names = ["w%d-%d" % (world.worker, world.draw.number(20)) for _ in range(2)]
    os.rename(posixpath.join(folder, names[0]), posixpath.join(other, names[1]))


@operation(4)
def append_in_common(world):
    """Each appends lines of one length; the end is as long whatever the order was."""
    folder = common(world)
    with open(posixpath.join(folder, "log"), "ab", buffering=0) as file:
        file.write(b"%031d\n" % world.draw.number(10**9))


@operation(4)
def win_in_common(world):
    """Of all that make one name exclusively, exactly one succeeds, and it tells so in a name of its own."""
    folder = common(world)
    name = "prize%d" % world.draw.number(40)
    try:
        os.close(os.open(posixpath.join(folder, name), os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644))
    except FileExistsError:
        return None
    with open(posixpath.join(folder, "winners"), "ab", buffering=0) as file:
        file.write(b"%-31s\n" % name.encode())
    return None


@operation(4)
def read_common(world):
    """Lists and reads what the others are changing; only what nobody changes is told."""
    folder = common(world)
    names = os.listdir(folder)
    for name in names:
        try:
            with open(posixpath.join(folder, name), "rb") as file:
                file.read()
        except FileNotFoundError:
            pass
    return len(set(names)) == len(names)


def without_times(found):
    """A survey of the whole tree after several processes: without times and order of lines of what they shared."""
    tree = {}
    for path, item in found.items():
        told = {name: value for name, value in item.items() if name not in ("mtime", "inode")}
        if path.startswith(COMMON) and posixpath.basename(path) in ("log", "winners"):
            told.pop("content", None)
        tree[path] = told
    return tree
