"""Making, removing and renaming names."""
import os
import posixpath
import socket

from tree import FILE, FOLDER, LINK, OTHER
from world import operation
import calls


def both(world, path, *more):
    """Times of the folders in question, and what is at the path now."""
    times = [world.parent_time(one) for one in (path,) + more]
    try:
        return times, world.fields(os.lstat(world.at(path)))
    except OSError as error:
        return times, error.errno


@operation(8)
def mkdir(world):
    path = world.tree.new() if world.draw.chance(0.8) else world.tree.place()
    slash, mode = world.draw.chance(0.2), world.draw.of([0o777, 0o755, 0o700, 0o775])
    world.note(slash, oct(mode))
    world.tree.add(path, FOLDER)
    name, fd = world.form(path)
    os.mkdir(name + ("/" if slash else ""), mode, dir_fd=fd)
    return both(world, path)


@operation(3)
def makedirs(world):
    """As installers do: folders that are there already too, and deep ones."""
    path = world.tree.folder()
    parts = ["deep%d" % world.draw.number(3) for _ in range(world.draw.of([1, 2, 3, 12]))]
    for part in parts:
        path = posixpath.normpath(posixpath.join(path, part))
        world.tree.add(path, FOLDER)
    world.note(path)
    os.makedirs(world.at(path), exist_ok=True)
    return both(world, path)


@operation(9)
def unlink(world):
    path = world.tree.place()
    if world.tree.kinds.get(path) != FOLDER:
        world.tree.remove(path)
    name, fd = world.form(path)
    os.unlink(name, dir_fd=fd)
    return both(world, path)


@operation(5)
def rmdir(world):
    path = world.tree.small_folder(0) if world.draw.chance(0.6) else world.tree.folder()
    slash = world.note(world.draw.chance(0.2))
    if world.tree.kinds.get(path) == FOLDER and not world.tree.below(path):
        world.tree.remove(path)
    name, fd = world.form(path)
    os.rmdir(name + ("/" if slash else ""), dir_fd=fd)
    return both(world, path)


def target_of(world, source):
    """Somewhere to rename to: nothing, a file, a folder, itself, or below itself."""
    way = world.draw.weighted([("new", 50), ("beside", 15), ("file", 15), ("folder", 12), ("empty", 5), ("self", 3)])
    if way == "beside":
        return world.tree.new(posixpath.dirname(source) or ".")
    if way == "self":
        return source if world.draw.chance(0.5) else source + "/below"
    if way == "empty":
        return world.tree.small_folder(0)
    return {"new": world.tree.new, "file": world.tree.file, "folder": world.tree.folder}[way]()


@operation(12)
def rename_file(world):
    source = world.tree.known(FILE, LINK, OTHER)
    return rename(world, source, target_of(world, source), 0)


@operation(9)
def rename_folder(world):
    source = world.tree.small_folder(300)
    return rename(world, source, target_of(world, source), 0)


@operation(4)
def rename_without_replacing(world):
    source = world.tree.any()
    return rename(world, source, target_of(world, source), calls.RENAME_NOREPLACE)


@operation(4)
def exchange(world):
    source, target = world.tree.any(), world.tree.any()
    return rename(world, source, target, calls.RENAME_EXCHANGE)


def rename(world, source, target, flags):
    slash = world.draw.chance(0.15) and world.tree.kinds.get(source) == FOLDER
    world.note(flags, slash)
    if flags == calls.RENAME_EXCHANGE:
        if source in world.tree.kinds and target in world.tree.kinds:
            world.tree.exchange(source, target)
    elif flags == 0 or target not in world.tree.kinds:
        world.tree.move(source, target)
    old, old_fd = world.form(source)
    new, new_fd = world.form(target)
    before = os.lstat(world.at(source)).st_ino
    if flags:
        relative = [calls.AT_FDCWD if fd is None else fd for fd in (old_fd, new_fd)]
        calls.renameat2(old, new, flags, *relative)
    elif slash:
        os.rename(old + "/", new + "/", src_dir_fd=old_fd, dst_dir_fd=new_fd)
    else:
        os.rename(old, new, src_dir_fd=old_fd, dst_dir_fd=new_fd)
    return os.lstat(world.at(target)).st_ino == before, both(world, source, target), both(world, target)


@operation(4)
def pip_renames_away(world):
    """As pip's uninstallation: a folder, with a slash at its end, to a name beside it; sometimes back again."""
    source = world.tree.small_folder(300)
    parent, name = posixpath.split(source)
    target = posixpath.join(parent, "~" + name[1:])
    is_back = world.note(world.draw.chance(0.5))
    world.note(source)
    if not is_back:
        world.tree.move(source, target)
    os.rename(world.at(source) + "/", world.at(target))
    names = sorted(os.listdir(world.at(target)))
    if is_back:
        os.rename(world.at(target) + "/", world.at(source))
    return names, both(world, source, target)


@operation(5)
def symlink(world):
    path = world.tree.new() if world.draw.chance(0.8) else world.tree.place()
    target = world.draw.of(["nowhere", ".", "..", "t" * 400, posixpath.basename(world.tree.file())])
    world.note(target)
    world.tree.add(path, LINK)
    name, fd = world.form(path)
    os.symlink(target, name, dir_fd=fd)
    return both(world, path), os.readlink(world.at(path))


@operation(4)
def readlink(world):
    name, fd = world.form(world.tree.known(LINK) if world.draw.chance(0.8) else world.tree.place())
    return os.readlink(name, dir_fd=fd)


@operation(6)
def link(world):
    source = world.tree.known(FILE, LINK, OTHER) if world.draw.chance(0.9) else world.tree.any()
    target = world.tree.new() if world.draw.chance(0.8) else world.tree.place()
    if world.tree.kinds.get(source) not in (None, FOLDER):
        world.tree.add(target, world.tree.kinds[source])
    world.note(source, target)
    os.link(world.at(source), world.at(target), follow_symlinks=False)
    same = os.lstat(world.at(source)).st_ino == os.lstat(world.at(target)).st_ino
    return same, both(world, source), both(world, target)


@operation(2)
def mkfifo(world):
    path = world.tree.new()
    world.tree.add(path, OTHER)
    name, fd = world.form(path)
    os.mkfifo(name, 0o640, dir_fd=fd)
    reader = os.open(world.at(path), os.O_RDONLY | os.O_NONBLOCK)
    world.passing.append(reader)
    writer = os.open(world.at(path), os.O_WRONLY | os.O_NONBLOCK)
    world.passing.append(writer)
    os.write(writer, b"through")
    return both(world, path), os.read(reader, 10).decode()


@operation(2)
def bind_socket(world):
    folder = world.tree.folder()
    name = "s%d" % world.draw.number(10**6)
    world.note(folder, name)
    world.tree.add(posixpath.normpath(posixpath.join(folder, name)), OTHER)
    os.chdir(world.at(folder))
    with socket.socket(socket.AF_UNIX) as server, socket.socket(socket.AF_UNIX) as client:
        server.bind(name)
        server.listen(1)
        client.connect(name)
        return world.fields(os.lstat(name))
