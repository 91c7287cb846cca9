"""What stat and its like tell, and what changes it."""
import os
import stat

from tree import FILE, FOLDER, LINK
from world import operation

MODES = [0o644, 0o755, 0o600, 0o700, 0o444, 0o555, 0o000, 0o200, 0o4755, 0o2755, 0o1777, 0o664]
NAMES = ["user.a", "user.b", "user.long" + "x" * 60]


@operation(6)
def stat_path(world):
    path, follows = world.tree.place(), world.draw.chance(0.3)
    name, fd = world.form(path)
    return world.fields(os.stat(name, dir_fd=fd, follow_symlinks=follows and world.inside(path) == path))


@operation(8)
def chmod(world):
    path = world.tree.known(FILE, FILE, FOLDER) if world.draw.chance(0.8) else world.tree.place()
    mode, by_descriptor = world.draw.of(MODES), world.draw.chance(0.4)
    if world.tree.kinds.get(path) == FOLDER and world.draw.chance(0.9):
        mode |= 0o700
    world.note(path, oct(mode), by_descriptor)
    world.inside(path)
    before = os.lstat(world.at(path)).st_ino
    if by_descriptor:
        fd = os.open(world.at(path), os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        world.passing.append(fd)
        world.change_mode(fd, mode)
    else:
        world.change_mode(world.at(path), mode)
    return world.fields(os.lstat(world.at(path))), os.lstat(world.at(path)).st_ino == before


@operation(3)
def chmod_slot(world):
    slot, mode = world.slot(), world.draw.of(MODES)
    if slot.flags & os.O_DIRECTORY:
        mode |= 0o700
    world.note(oct(mode))
    world.change_mode(slot.fd, mode)
    return world.fields(os.fstat(slot.fd))


@operation(2)
def chown(world):
    path = world.note(world.tree.any())
    owner = world.draw.of([(-1, -1), (os.getuid(), os.getgid()), (12345, -1), (-1, 12345), (12345, 54321)])
    world.note(owner)
    os.chown(world.at(path), *owner, follow_symlinks=False)
    return world.fields(os.lstat(world.at(path)))


@operation(6)
def utime(world):
    """Of files, links, folders; by a descriptor that may only read too."""
    path = world.tree.known(FILE, FOLDER, LINK)
    ns = 10**18 + world.draw.number(10**17), 10**18 + world.draw.number(10**17)
    way = world.draw.of(["link", "path", "descriptor", "now"])
    world.note(path, way, ns)
    if way == "link":
        os.utime(world.at(path), ns=ns, follow_symlinks=False)
        return world.fields(os.lstat(world.at(path)))
    world.inside(path)
    if way == "path":
        os.utime(world.at(path), ns=ns)
    elif way == "now":
        os.utime(world.at(path))
    else:
        fd = os.open(world.at(path), os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        world.passing.append(fd)
        os.utime(fd, ns=ns)
    return world.fields(os.stat(world.at(path)))


@operation(5)
def set_attribute(world):
    path, name = world.tree.any(), world.draw.of(NAMES)
    flags = world.draw.of([0, 0, os.XATTR_CREATE, os.XATTR_REPLACE])
    value, follows = world.draw.data(world.draw.of([0, 1, 30, 200])), world.draw.chance(0.3)
    world.note(path, name, flags, len(value), follows)
    world.attributed.append(path)
    if follows:
        world.inside(path)
    os.setxattr(world.at(path), name, value, flags, follow_symlinks=follows)
    return attributes_of(world, path)


@operation(3)
def remove_attribute(world):
    path, name = world.note(attributed(world)), world.draw.of(NAMES)
    world.note(name)
    os.removexattr(world.at(path), name, follow_symlinks=False)
    return attributes_of(world, path)


@operation(3)
def get_attribute(world):
    path, name = world.note(attributed(world)), world.note(world.draw.of(NAMES + ["user.shenv.inode", "nonsense"]))
    return os.getxattr(world.at(path), name, follow_symlinks=False).hex()


@operation(2)
def attributes_of_slot(world):
    slot, name = world.slot(), world.draw.of(NAMES)
    world.note(name)
    info = os.fstat(slot.fd)
    if stat.S_ISDIR(info.st_mode) and info.st_nlink == 0:
        return "removed"
    os.setxattr(slot.fd, name, b"by descriptor")
    return sorted(name for name in os.listxattr(slot.fd) if not is_made_up(name)), os.getxattr(slot.fd, name).decode()


def attributed(world):
    """Mostly a path that was given attributes lately."""
    if world.attributed and world.draw.chance(0.8):
        return world.draw.of(world.attributed[-10:])
    return world.tree.any()


def is_made_up(name):
    """Whether the mount tells it of files of the store: a twin has it as what `cp -a` copied."""
    return name.startswith("user.shenv.")


def attributes_of(world, path):
    names = sorted(name for name in os.listxattr(world.at(path), follow_symlinks=False) if not is_made_up(name))
    return [[name, os.getxattr(world.at(path), name, follow_symlinks=False).hex()] for name in names]


@operation(4)
def access(world):
    path = world.note(world.tree.place())
    world.inside(path)
    return [os.access(world.at(path), mode) for mode in (os.F_OK, os.R_OK, os.W_OK, os.X_OK)]


@operation(2)
def statvfs(world):
    path = world.note(world.tree.any())
    found = os.statvfs(world.at(world.inside(path)))
    return found.f_namemax, found.f_bsize > 0, found.f_blocks >= found.f_bfree, found.f_flag & os.ST_RDONLY


@operation(4)
def sync_path(world):
    """fsync of a file or of a folder."""
    path = world.note(world.tree.known(FILE, FOLDER))
    world.inside(path)
    fd = os.open(world.at(path), os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    world.passing.append(fd)
    os.fsync(fd)
    return world.fields(os.fstat(fd))
