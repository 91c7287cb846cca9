"""How editors save a file, call by call: saves.py WAY FILE TEXT."""
import os
import sys


def write(path, flags, text, mode=0o644):
    fd = os.open(path, os.O_WRONLY | flags, mode)
    os.write(fd, text.encode())
    os.fsync(fd)
    os.close(fd)


def probe(path):
    """vim: whether the folder can be written to, with a name that nobody has."""
    name = os.path.join(os.path.dirname(path), "4913")
    fd = os.open(name, os.O_CREAT | os.O_WRONLY | os.O_EXCL | os.O_NOFOLLOW, 0o100644)
    os.fchown(fd, os.stat(path).st_uid, os.stat(path).st_gid)
    os.close(fd)
    os.unlink(name)


def vim_rename(path, text):
    """backupcopy=no, with a swap file."""
    folder, name = os.path.split(path)
    swap = os.path.join(folder, ".%s.swp" % name)
    write(swap, os.O_CREAT | os.O_EXCL, "b0VIM 9.0", 0o600)
    mode = os.stat(path).st_mode
    probe(path)
    os.rename(path, path + "~")
    write(path, os.O_CREAT, text, 0o664)
    os.chmod(path, mode)
    os.unlink(path + "~")
    os.unlink(swap)


def vim_copy(path, text):
    """backupcopy=yes: the backup is a copy, and the file itself is overwritten."""
    info = os.stat(path)
    with open(path) as file:
        write(path + "~", os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, file.read(), info.st_mode & 0o777)
    os.utime(path + "~", ns=(info.st_atime_ns, info.st_mtime_ns))
    write(path, os.O_CREAT | os.O_TRUNC, text, 0o664)
    os.chmod(path, info.st_mode)
    os.unlink(path + "~")
    assert os.stat(path).st_ino == info.st_ino


def in_place(path, text):
    """As Visual Studio Code: the file is cut off and written."""
    number = os.stat(path).st_ino
    fd = os.open(path, os.O_RDWR)
    os.ftruncate(fd, 0)
    os.pwrite(fd, text.encode(), 0)
    os.fdatasync(fd)
    os.close(fd)
    assert os.stat(path).st_ino == number


def atomic(path, text):
    """As many others: a temporary file beside it takes its name."""
    spare = path + ".tmp.123"
    write(spare, os.O_CREAT | os.O_EXCL, text)
    os.chmod(spare, os.stat(path).st_mode)
    os.replace(spare, path)


WAYS = {"vim-rename": vim_rename, "vim-copy": vim_copy, "in-place": in_place, "atomic": atomic}
WAYS[sys.argv[1]](sys.argv[2], sys.argv[3])
with open(sys.argv[2]) as saved:
    assert saved.read() == sys.argv[3]
