"""System calls that Python has no function for. Each raises OSError with the call's errno."""
import ctypes
import os
import platform
import struct

AT_FDCWD = -100
AT_SYMLINK_FOLLOW = 0x400
RENAME_NOREPLACE = 1
RENAME_EXCHANGE = 2
FALLOC_KEEP_SIZE = 1
FALLOC_PUNCH_HOLE = 2
FALLOC_ZERO_RANGE = 16
O_PATH = 0o10000000

_numbers = {
    "x86_64": {"renameat2": 316, "fallocate": 285, "linkat": 265, "getdents64": 217},
    "aarch64": {"renameat2": 276, "fallocate": 47, "linkat": 37, "getdents64": 61},
}[platform.machine()]
_libc = ctypes.CDLL(None, use_errno=True)


def _call(name, *args):
    arguments = [ctypes.c_long(arg) if isinstance(arg, int) else arg for arg in args]
    result = _libc.syscall(ctypes.c_long(_numbers[name]), *arguments)
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


def renameat2(old, new, flags, old_fd=AT_FDCWD, new_fd=AT_FDCWD):
    _call("renameat2", old_fd, os.fsencode(old), new_fd, os.fsencode(new), flags)


def fallocate(fd, mode, offset, length):
    _call("fallocate", fd, mode, offset, length)


def link_descriptor(fd, path):
    """Gives the file of a descriptor (O_TMPFILE) a name."""
    source = "/proc/self/fd/%d" % fd
    _call("linkat", AT_FDCWD, os.fsencode(source), AT_FDCWD, os.fsencode(path), AT_SYMLINK_FOLLOW)


def getdents(fd, size):
    """One call of getdents64 with a buffer of `size` bytes: a list of (name, inode, cookie); empty at the end."""
    buffer = ctypes.create_string_buffer(size)
    filled = _call("getdents64", fd, buffer, size)
    entries, at = [], 0
    while at < filled:
        inode, cookie, length = struct.unpack_from("=QqH", buffer, at)
        name = buffer.raw[at + 19 : at + length].split(b"\0", 1)[0]
        entries.append((os.fsdecode(name), inode, cookie))
        at += length
    return entries
