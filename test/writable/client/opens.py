"""Opening in every way, and closing."""
import os

from tree import FILE, FOLDER
from world import operation, told
import calls

ALWAYS = os.O_CLOEXEC | os.O_NONBLOCK
MODES = [0o644, 0o666, 0o600, 0o755, 0o777, 0o444, 0o640]
FLAGS = [
    ("CREAT", os.O_CREAT, 0.45),
    ("EXCL", os.O_EXCL, 0.12),
    ("TRUNC", os.O_TRUNC, 0.2),
    ("APPEND", os.O_APPEND, 0.2),
    ("NOFOLLOW", os.O_NOFOLLOW, 0.15),
    ("DIRECTORY", os.O_DIRECTORY, 0.05),
    ("DSYNC", os.O_DSYNC, 0.03),
]


@operation(14)
def open_file(world):
    """Opens with flags drawn at random and keeps the descriptor."""
    path = world.tree.place()
    flags = world.draw.of([os.O_RDONLY, os.O_WRONLY, os.O_RDWR, os.O_RDWR])
    chosen = [(name, flag) for name, flag, share in FLAGS if world.draw.chance(share)]
    mode = world.draw.of(MODES)
    for _, flag in chosen:
        flags |= flag
    world.note([name for name, _ in chosen], flags & os.O_ACCMODE, oct(mode))
    if flags & os.O_CREAT and not flags & os.O_DIRECTORY:
        world.tree.add(path, FILE)
    name, fd = world.form(path)
    if not flags & os.O_NOFOLLOW:
        world.inside(path)
    opened = os.open(name, flags | ALWAYS, mode, dir_fd=fd)
    world.keep(opened, flags)
    return world.fields(os.fstat(opened))


@operation(3)
def open_folder(world):
    """A descriptor of a folder, kept while the folder may be renamed or removed."""
    name, fd = world.form(world.inside(world.tree.folder()))
    opened = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=fd)
    world.keep(opened, os.O_DIRECTORY)
    return world.fields(os.fstat(opened))


@operation(3)
def temporary_file(world):
    """O_TMPFILE, written to; then it is given a name, or not."""
    folder, path = world.tree.folder(), world.tree.new()
    is_named, exclusive = world.draw.chance(0.7), world.draw.chance(0.2)
    data = world.draw.data()
    world.note(folder, path, is_named, exclusive)
    if is_named and not exclusive:
        world.tree.add(path, FILE)
    flags = os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC | (os.O_EXCL if exclusive else 0)
    fd = os.open(world.at(world.inside(folder)), flags, 0o640)
    world.keep(fd, os.O_RDWR)
    os.write(fd, data)
    before = world.fields(os.fstat(fd))
    if is_named:
        calls.link_descriptor(fd, world.at(path))
    return before, world.fields(os.fstat(fd)), told(os.pread(fd, len(data), 0))


@operation(3)
def close_slot(world):
    number = world.draw.number(len(world.slots))
    world.note(number)
    was_open = world.slots[number] is not None
    world.close(number)
    return was_open


@operation(2)
def duplicate_slot(world):
    slot = world.slot()
    world.keep(os.dup(slot.fd), slot.flags)


@operation(2)
def open_again(world):
    """Opens what a descriptor has, through /proc: also what has no name any more."""
    slot = world.slot()
    flags = world.draw.of([os.O_RDONLY, os.O_RDWR, os.O_WRONLY | os.O_TRUNC])
    world.note(flags)
    fd = os.open("/proc/self/fd/%d" % slot.fd, flags | ALWAYS)
    world.keep(fd, flags)
    return world.fields(os.fstat(fd)), os.fstat(fd).st_ino == slot.inode


@operation(4)
def relative_to_slot(world):
    """Calls relative to a kept folder, which may have another name or none by now."""
    slot = world.slot(folders=True)
    name = world.draw.of(["sub", "f1", "f2.py", "__init__.py", "."])
    what = world.draw.of(["stat", "create", "mkdir", "unlink", "rename", "listdir", "link", "symlink", "dotdot"])
    world.note(name, what)
    if what == "stat":
        return world.fields(os.stat(name, dir_fd=slot.fd, follow_symlinks=False))
    if what == "create":
        fd = os.open(name, os.O_CREAT | os.O_WRONLY | os.O_NOFOLLOW | ALWAYS, 0o644, dir_fd=slot.fd)
        world.passing.append(fd)
        return os.write(fd, b"relative"), world.fields(os.fstat(fd))
    if what == "mkdir":
        return os.mkdir(name, dir_fd=slot.fd)
    if what == "unlink":
        return os.unlink(name, dir_fd=slot.fd)
    if what == "rename":
        return os.rename(name, name + "x", src_dir_fd=slot.fd, dst_dir_fd=slot.fd)
    if what == "link":
        return os.link(name, name + "y", src_dir_fd=slot.fd, dst_dir_fd=slot.fd, follow_symlinks=False)
    if what == "symlink":
        return os.symlink("f1", name + "z", dir_fd=slot.fd)
    if what == "dotdot":
        return world.fields(os.stat("..", dir_fd=slot.fd))["kind"] == FOLDER
    return sorted(os.listdir(slot.fd))
