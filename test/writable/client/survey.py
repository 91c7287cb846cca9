"""Everything that a tree shows. As a program: survey.py ROOT prints it as JSON, with exact times and inode numbers."""
import hashlib
import json
import os
import stat
import sys

KINDS = {
    stat.S_IFREG: "file",
    stat.S_IFDIR: "folder",
    stat.S_IFLNK: "link",
    stat.S_IFIFO: "fifo",
    stat.S_IFSOCK: "socket",
}


def survey(root):
    """A mapping of each path to its fields; what could not be read has the errno in its place."""
    found, first = {}, {}
    _folder(root, ".", found)
    for path in sorted(found):
        inode = found[path]["inode"]
        if found[path]["kind"] != "folder" and first.setdefault(inode, path) != path:
            found[path]["same as"] = first[inode]
    return found


def _folder(root, path, found):
    full = os.path.join(root, path)
    found[path] = _item(full)
    try:
        with os.scandir(full) as entries:
            listed = sorted(entries, key=lambda entry: entry.name)
    except OSError as error:
        found[path]["listing"] = error.errno
        return
    names = [entry.name for entry in listed]
    if len(set(names)) != len(names):
        found[path]["listed twice"] = sorted(name for name in set(names) if names.count(name) > 1)
    for entry in listed:
        inner = entry.name if path == "." else path + "/" + entry.name
        try:
            item = _item(entry.path)
        except OSError as error:
            found[inner] = {"kind": "listed", "errno": error.errno, "inode": "", "mtime": 0}
            continue
        if str(entry.inode()) != item["inode"]:
            item["listed inode"] = "another"
        if entry.is_dir(follow_symlinks=False) and not entry.is_symlink():
            _folder(root, inner, found)
            if "listed inode" in item:
                found[inner]["listed inode"] = "another"
        else:
            found[inner] = item


def _item(full):
    info = os.lstat(full)
    kind = KINDS.get(stat.S_IFMT(info.st_mode), "other")
    item = {
        "kind": kind,
        "mode": oct(stat.S_IMODE(info.st_mode)),
        "owner": [info.st_uid, info.st_gid],
        # FUSE does not move the time of a FIFO that is written to.
        "mtime": info.st_mtime_ns if kind in ("file", "folder", "link") else 0,
        "inode": str(info.st_ino),
    }
    if kind != "folder":
        item["links"] = info.st_nlink
    if kind in ("file", "link"):
        item["size"] = info.st_size
    try:
        item["content"] = _content(full, kind)
        attributes = {name: os.getxattr(full, name, follow_symlinks=False).hex() for name in _names(full)}
        if attributes:
            item["attributes"] = attributes
    except OSError as error:
        item["errno"] = error.errno
    return item


def _names(full):
    """Without those that the mount makes up for files of the store."""
    return sorted(name for name in os.listxattr(full, follow_symlinks=False) if not name.startswith("user.shenv."))


def _content(full, kind):
    if kind == "link":
        return os.readlink(full)
    if kind != "file":
        return ""
    digest = hashlib.sha1()
    with open(full, "rb") as file:
        for block in iter(lambda: file.read(1 << 18), b""):
            digest.update(block)
    return digest.hexdigest()


if __name__ == "__main__":
    json.dump(survey(sys.argv[1]), sys.stdout, sort_keys=True)
