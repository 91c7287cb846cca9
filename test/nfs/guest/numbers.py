"""numbers.py FOLDER: prints each entry below FOLDER whose d_ino is not its st_ino, and each folder whose `..` is not its parent."""
import os
import sys


def walk(folder):
    own = os.stat(folder).st_ino
    with os.scandir(folder) as entries:
        for entry in entries:
            number = os.lstat(entry.path).st_ino
            if entry.inode() != number:
                print("%s: d_ino %d, st_ino %d" % (entry.path, entry.inode(), number))
            if entry.is_dir(follow_symlinks=False):
                above = os.stat(os.path.join(entry.path, "..")).st_ino
                if above != own:
                    print("%s/..: %d, and its parent is %d" % (entry.path, above, own))
                walk(entry.path)


walk(sys.argv[1])
