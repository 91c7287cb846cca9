"""Operations of several calls, as tools do them: listings under change, whole trees, locks, saved files."""
import errno
import fcntl
import os
import posixpath
import shutil

from tree import FILE, FOLDER
from world import operation, told
import calls


@operation(4)
def list_while_changing(world):
    """What is there all the time comes exactly once, whatever comes and goes; what comes and goes, once at most."""
    folder, count, size = world.tree.folder(), world.draw.of([0, 3, 40, 150]), world.draw.of([280, 300, 600, 2000])
    world.note(folder, count, size)
    base = world.at(world.inside(folder))
    for index in range(count):
        make(posixpath.join(base, "turn%d" % index))
    steady = set(os.listdir(base)) - {"turn%d" % index for index in range(count)}
    fd = os.open(base, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    world.passing.append(fd)
    seen, turn = [], 0
    while True:
        entries = calls.getdents(fd, size)
        if not entries:
            break
        seen += [name for name, _, _ in entries]
        if turn < count:
            os.unlink(posixpath.join(base, "turn%d" % turn))
            make(posixpath.join(base, "late%d" % turn))
            turn += 1
    again = set(os.listdir(base))
    for name in again:
        if name.startswith(("turn", "late")):
            os.unlink(posixpath.join(base, name))
    wrong = sorted(name for name in set(seen) if seen.count(name) > 1)
    missed = sorted(steady - set(seen))
    os.lseek(fd, 0, os.SEEK_SET)
    rest = sum(1 for _ in iter(lambda: len(calls.getdents(fd, 4096)), 0))
    return wrong, missed, sorted(set(os.listdir(fd)) - steady), rest > 0


def make(path):
    os.close(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o644))


@operation(3)
def resume_listing(world):
    """A listing goes on from every place that it told."""
    folder = world.note(world.tree.folder())
    fd = os.open(world.at(world.inside(folder)), os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    world.passing.append(fd)
    entries = []
    for found in iter(lambda: calls.getdents(fd, 400), []):
        entries += found
    if not entries:
        return "nothing"
    at = world.draw.number(len(entries))
    os.lseek(fd, entries[at][2], os.SEEK_SET)
    rest = [name for found in iter(lambda: calls.getdents(fd, 400), []) for name, _, _ in found]
    return rest == [name for name, _, _ in entries[at + 1 :]], sorted(name for name, _, _ in entries)


@operation(4)
def list_folder(world):
    path = world.note(world.tree.folder())
    with os.scandir(world.at(world.inside(path))) as entries:
        return sorted([entry.name, entry.is_dir(follow_symlinks=False), entry.is_symlink()] for entry in entries)


@operation(3)
def remove_tree(world):
    path = world.note(world.tree.small_folder(world.draw.of([3, 5, 20, 60])))
    world.tree.remove(path)
    shutil.rmtree(world.at(path))
    return os.path.lexists(world.at(path)), world.parent_time(path)


@operation(3)
def copy_tree(world):
    source, target = world.tree.small_folder(60), world.tree.new()
    world.note(source, target)
    if not target.startswith(source + "/"):
        world.tree.add(target, FOLDER)
        for path in world.tree.below(source):
            world.tree.add(target + path[len(source) :], world.tree.kinds[path])
    if any(world.tree.kinds[path] == "other" for path in world.tree.below(source)):
        return "has a fifo or socket"
    if target.startswith(source + "/"):
        return "into itself"
    shutil.copytree(world.at(source), world.at(target), symlinks=True)
    return sorted(os.listdir(world.at(target)))


@operation(3)
def work_inside_renamed(world):
    """The working folder gets another name; then it is removed, if it is empty."""
    path, target = world.tree.small_folder(100), world.tree.new()
    world.note(path, target)
    if not target.startswith(path + "/"):
        world.tree.move(path, target)
    os.chdir(world.at(world.inside(path)))
    os.rename(world.at(path), world.at(target))
    seen = [os.path.relpath(os.getcwd(), world.root)]
    with open("inside", "w") as file:
        file.write(target)
    seen.append(sorted(os.listdir(".")))
    os.unlink("inside")
    seen.append(os.path.exists(world.at(target)))
    return seen


@operation(3)
def work_inside_removed(world):
    """Nothing can be made in a folder that is gone, and it stays listable."""
    path = world.note(world.tree.new())
    os.mkdir(world.at(path))
    os.chdir(world.at(path))
    fd = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    world.passing.append(fd)
    os.rmdir(world.at(path))
    seen = [errno_of(lambda: os.mkdir("x")), errno_of(lambda: open("y", "w")), errno_of(os.getcwd)]
    seen += [os.listdir(fd), os.fstat(fd).st_mode, errno_of(lambda: os.symlink("a", "b", dir_fd=fd))]
    os.mkdir(world.at(path))
    world.tree.add(path, FOLDER)
    same = os.fstat(fd).st_ino == os.stat(world.at(path)).st_ino
    return seen, same, errno_of(lambda: os.mkdir("z", dir_fd=fd))


def errno_of(call):
    try:
        call()
        return None
    except OSError as error:
        return errno.errorcode[error.errno]


@operation(3)
def locks(world):
    """flock by two descriptors, and fcntl's locks against another process."""
    path = world.note(world.tree.file())
    world.inside(path)
    flags = os.O_RDWR | os.O_CLOEXEC | os.O_NONBLOCK
    one, two = os.open(world.at(path), flags), os.open(world.at(path), flags)
    world.passing += [one, two]
    fcntl.flock(one, fcntl.LOCK_EX)
    refused = errno_of(lambda: fcntl.flock(two, fcntl.LOCK_EX | fcntl.LOCK_NB))
    fcntl.flock(one, fcntl.LOCK_SH)
    shared = errno_of(lambda: fcntl.flock(two, fcntl.LOCK_SH | fcntl.LOCK_NB))
    fcntl.lockf(one, fcntl.LOCK_EX, 10, 5)
    other = os.fork()
    if other == 0:
        code = errno_of(lambda: fcntl.lockf(two, fcntl.LOCK_EX | fcntl.LOCK_NB, 2, 6))
        free = errno_of(lambda: fcntl.lockf(two, fcntl.LOCK_EX | fcntl.LOCK_NB, 2, 20))
        os._exit(3 if code in ("EAGAIN", "EACCES") and free is None else 4)
    return refused, shared, os.waitpid(other, 0)[1] >> 8


@operation(5)
def save_by_rename(world):
    """As pip, git and editors: a new file beside it, synced, that takes its name."""
    path, data = world.note(world.tree.file()), world.draw.data()
    world.inside(path)
    spare = world.at(path) + ".tmp"
    fd = os.open(spare, os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_RDWR | os.O_CLOEXEC, 0o600)
    world.passing.append(fd)
    os.write(fd, data)
    os.fsync(fd)
    os.chmod(spare, 0o644)
    os.replace(spare, world.at(path))
    with open(world.at(path), "rb") as file:
        return told(file.read()), world.fields(os.fstat(fd)), world.parent_time(path)


@operation(4)
def save_in_place(world):
    """As editors that keep links: a copy first, then the file itself is cut off and written."""
    path, data = world.note(world.tree.file()), world.draw.data()
    world.inside(path)
    shutil.copy2(world.at(path), world.at(path) + "~")
    before = os.stat(world.at(path)).st_ino
    with open(world.at(path), "r+b") as file:
        file.truncate(0)
        file.write(data)
    os.unlink(world.at(path) + "~")
    return world.fields(os.stat(world.at(path))), os.stat(world.at(path)).st_ino == before


@operation(4)
def stays_the_same(world):
    """The inode number of a file over writing, chmod and rename; another one for a copy."""
    path, target = world.tree.file(), world.tree.new()
    world.note(path, target)
    world.inside(path)
    world.tree.move(path, target)
    numbers = [os.lstat(world.at(path)).st_ino]
    with open(world.at(path), "ab") as file:
        file.write(b"more")
    numbers.append(os.lstat(world.at(path)).st_ino)
    os.chmod(world.at(path), 0o640)
    numbers.append(os.lstat(world.at(path)).st_ino)
    os.rename(world.at(path), world.at(target))
    numbers.append(os.lstat(world.at(target)).st_ino)
    shutil.copyfile(world.at(target), world.at(path))
    world.tree.add(path, FILE)
    return len(set(numbers)), os.lstat(world.at(path)).st_ino in numbers
