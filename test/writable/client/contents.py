"""Reading and writing, through descriptors that are kept and by path."""
import errno
import mmap
import os

from tree import FILE
from world import operation, told
import calls

MOST = 400000


def state(world, slot):
    """What fstat says of a slot, and whether it is still the same file."""
    info = os.fstat(slot.fd)
    return world.fields(info), info.st_ino == slot.inode


@operation(10)
def write_slot(world):
    slot, data = world.slot(folders=False), world.draw.data()
    return os.write(slot.fd, data), state(world, slot)


@operation(8)
def pwrite_slot(world):
    slot, data, offset = world.slot(folders=False), world.draw.data(), world.draw.number(MOST)
    world.note(offset, len(data))
    return os.pwrite(slot.fd, data, offset), state(world, slot)


@operation(4)
def writev_slot(world):
    slot = world.slot()
    return os.writev(slot.fd, [world.draw.data(100), world.draw.data(5000), b""]), state(world, slot)


@operation(8)
def read_slot(world):
    slot, size = world.slot(), world.draw.size()
    return told(os.read(slot.fd, size)), os.lseek(slot.fd, 0, os.SEEK_CUR)


@operation(8)
def pread_slot(world):
    slot, size, offset = world.slot(folders=False), world.draw.size(), world.draw.number(MOST)
    return told(os.pread(slot.fd, size, offset))


@operation(4)
def seek_slot(world):
    slot = world.slot()
    whence, offset = world.draw.of([os.SEEK_SET, os.SEEK_CUR, os.SEEK_END]), world.draw.number(MOST) - 1000
    world.note(whence, offset)
    if slot.flags & os.O_DIRECTORY:
        return "a folder"
    return os.lseek(slot.fd, offset, whence)


@operation(5)
def ftruncate_slot(world):
    slot, size = world.slot(), world.draw.size()
    world.note(size)
    os.ftruncate(slot.fd, size)
    return state(world, slot)


@operation(3)
def sync_slot(world):
    slot = world.slot()
    (os.fsync if world.draw.chance(0.6) else os.fdatasync)(slot.fd)


@operation(4)
def fstat_slot(world):
    return state(world, world.slot())


@operation(4)
def fallocate_slot(world):
    slot, offset, size = world.slot(folders=False), world.draw.number(MOST), 1 + world.draw.size()
    keep, punch, zero = calls.FALLOC_KEEP_SIZE, calls.FALLOC_PUNCH_HOLE, calls.FALLOC_ZERO_RANGE
    mode = world.draw.of([0, 0, keep, keep | punch, punch, zero, zero | keep])
    world.note(mode, offset, size)
    calls.fallocate(slot.fd, mode, offset, size)
    return state(world, slot), told(os.pread(slot.fd, MOST * 2, 0)) if slot.flags & os.O_RDWR else None


@operation(3)
def holes_slot(world):
    """SEEK_DATA and SEEK_HOLE may know of no hole, but what they call one has to read as zeros."""
    slot = world.slot()
    size = os.fstat(slot.fd).st_size
    if slot.flags & os.O_DIRECTORY or (slot.flags & os.O_ACCMODE) == os.O_WRONLY:
        return "not read"
    beyond = None
    try:
        os.lseek(slot.fd, size, os.SEEK_DATA)
    except OSError as error:
        beyond = errno.errorcode[error.errno]
    hole = os.lseek(slot.fd, 0, os.SEEK_HOLE) if os.fstat(slot.fd).st_size else 0
    try:
        data = os.lseek(slot.fd, hole, os.SEEK_DATA)
    except OSError:
        data = os.fstat(slot.fd).st_size
    read = os.pread(slot.fd, max(0, data - hole), hole)
    os.lseek(slot.fd, 0, os.SEEK_SET)
    return beyond, hole <= os.fstat(slot.fd).st_size, read.count(0) == len(read)


@operation(3)
def copy_range(world):
    """copy_file_range or sendfile from one slot to another."""
    source, target, size = world.slot(), world.slot(), world.draw.size()
    by_range = world.draw.chance(0.6) and hasattr(os, "copy_file_range")
    world.note(by_range, size)
    if source.inode == target.inode:
        return "the same file"
    if by_range:
        count = os.copy_file_range(source.fd, target.fd, size, 0)
    else:
        count = os.sendfile(target.fd, source.fd, 0, size)
    return count, state(world, target)


@operation(4)
def map_file(world):
    """What one writes through a shared mapping, others read, before and after msync."""
    path = world.note(world.tree.file())
    data, offset = world.draw.data(100), world.draw.number(5000)
    world.inside(path)
    fd = os.open(world.at(path), os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    world.passing.append(fd)
    other = os.open(world.at(path), os.O_RDONLY | os.O_CLOEXEC)
    world.passing.append(other)
    size = os.fstat(fd).st_size
    if size <= offset + len(data):
        os.ftruncate(fd, offset + len(data) + 1)
    with mmap.mmap(fd, 0) as view:
        view[offset : offset + len(data)] = data
        before = told(os.pread(other, len(data), offset))
        view.flush()
        after = told(os.pread(other, MOST, 0))
        os.pwrite(other if world.draw.chance(0.1) else fd, b"over", offset)
        return before, after, bytes(view[offset : offset + 4]).decode("latin1"), world.fields(os.fstat(other))


@operation(5)
def truncate_path(world):
    path, size = world.note(world.tree.place()), world.draw.size()
    world.note(size)
    world.inside(path)
    os.truncate(world.at(path), size)
    return world.fields(os.lstat(world.at(path)))


@operation(9)
def write_path(world):
    """As open(path, mode) does; the inode number stays."""
    path, way, data = world.tree.place(), world.draw.of(["w", "a", "r+", "x"]), world.draw.data()
    world.tree.add(path, FILE)
    name, fd = world.form(path)
    world.note(way, len(data))
    world.inside(path)
    before = inode_of(world, path)
    flags = {
        "w": os.O_WRONLY | os.O_CREAT | os.O_TRUNC,
        "a": os.O_WRONLY | os.O_CREAT | os.O_APPEND,
        "r+": os.O_RDWR,
        "x": os.O_WRONLY | os.O_CREAT | os.O_EXCL,
    }[way]
    opened = os.open(name, flags | os.O_CLOEXEC | os.O_NONBLOCK, 0o666, dir_fd=fd)
    world.passing.append(opened)
    os.write(opened, data)
    after = os.fstat(opened).st_ino
    return before is None or before == after, world.fields(os.fstat(opened))


def inode_of(world, path):
    try:
        return os.stat(world.at(path)).st_ino
    except OSError:
        return None


@operation(9)
def read_path(world):
    path = world.tree.place()
    name, fd = world.form(path)
    world.inside(path)
    opened = os.open(name, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK, dir_fd=fd)
    world.passing.append(opened)
    return told(os.read(opened, MOST * 2))


@operation(4)
def unlinked_but_open(world):
    """A file without a name goes on, also when the name is made anew."""
    path, data, again = world.tree.file(), world.draw.data(), world.draw.chance(0.5)
    world.note(path, again)
    if not again:
        world.tree.remove(path)
    world.inside(path)
    fd = os.open(world.at(path), os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    world.keep(fd, os.O_RDWR)
    os.unlink(world.at(path))
    gone = world.fields(os.fstat(fd))
    os.pwrite(fd, data, 10)
    if again:
        with open(world.at(path), "xb") as new:
            new.write(b"made anew")
    os.fchmod(fd, 0o600)
    return gone, world.fields(os.fstat(fd)), told(os.pread(fd, MOST * 2, 0)), inode_of(world, path) == os.fstat(fd).st_ino
