"""
Applies a seeded sequence of file operations to a folder and logs what each gave, as lines of JSON:
main.py ROOT --seed N --steps N --every N --log FILE [--fault OPERATION:N] [--skip OPERATION,...] [--workers FOLDER,...]

The sequence follows from the seed and from what the tree holds at each survey, so that two equal trees get the same.
"""
import argparse
import errno
import json
import os
import shutil
import sys

import attributes
import contents
import names
import opens
import sessions
import shared
from survey import survey
from world import Outside, World, operations

KIND_OF = {"file": "file", "folder": "folder", "link": "link"}


def main():
    options = read_options()
    workers = options.workers.split(",") if options.workers else []
    if not workers:
        run(options, options.root, options.log, 0)
        return
    children = []
    for index, folder in enumerate(workers):
        child = os.fork()
        if child == 0:
            status = 1
            try:
                run(options, os.path.join(options.root, folder), "%s.%d" % (options.log, index), index + 1)
                status = 0
            finally:
                os._exit(status)
        children.append(child)
    failed = [child for child in children if os.waitpid(child, 0)[1] != 0]
    with open(options.log, "w") as log:
        found = survey(options.root)
        log.write(json.dumps({"step": options.steps, "tree": shared.without_times(found)}, sort_keys=True) + "\n")
    sys.exit(1 if failed else 0)


def read_options():
    parser = argparse.ArgumentParser()
    parser.add_argument("root")
    parser.add_argument("--seed", required=True)
    parser.add_argument("--steps", type=int, required=True)
    parser.add_argument("--every", type=int, required=True)
    parser.add_argument("--log", required=True)
    parser.add_argument("--fault", default="")
    parser.add_argument("--skip", default="")
    parser.add_argument("--workers", default="")
    return parser.parse_args()


def run(options, root, log_path, worker):
    world = World(root, "%s.%d" % (options.seed, worker), options.root if worker else None, worker)
    world.change_mode = faulty(os.chmod, options.fault)
    skipped = options.skip.split(",")
    chosen = [pair for pair in operations if pair[0].__name__ not in skipped and (worker or not shared.is_of(pair[0]))]
    with open(log_path, "w") as log:
        seen = look(world, log, 0, {})
        for step in range(1, options.steps + 1):
            world.draw.begin(world.seed, step)
            os.umask(world.draw.of([0o022, 0o022, 0o002, 0o077]))
            function = world.draw.weighted(chosen)
            result = attempt(function, world)
            line = {"step": step, "operation": function.__name__, "args": world.args, "result": result}
            log.write(json.dumps(line, sort_keys=True) + "\n")
            log.flush()
            world.end_step()
            if step % options.every == 0 or step == options.steps:
                seen = look(world, log, step, seen)


def attempt(function, world):
    """What the operation gave; an errno, or the kind of another failure, where it failed."""
    try:
        return function(world)
    except OSError as error:
        if isinstance(error, shutil.Error):
            return {"failed": len(error.args[0])}
        return {"errno": errno.errorcode.get(error.errno, error.errno)}
    except Outside:
        return "outside"
    except ValueError as error:
        return {"failed": str(error)}


def look(world, log, step, before):
    """Logs the whole tree. A time is told as it was set, or else as whether it moved, or came, since the last look."""
    found = survey(world.root)
    tree = {path: timed(world, item, before.get(path)) for path, item in found.items()}
    log.write(json.dumps({"step": step, "tree": tree}, sort_keys=True) + "\n")
    world.next_tick()
    world.tree.reset({path: KIND_OF.get(found[path]["kind"], "other") for path in sorted(found) if path != "."})
    return found


def timed(world, item, before):
    told = {name: value for name, value in item.items() if name != "inode"}
    if item["mtime"] >= world.started_ns:
        same = before is not None and all(before[field] == item[field] for field in ("mtime", "inode"))
        told["mtime"] = "stays" if same else "moved"
    return told


def faulty(change_mode, fault):
    """For a test of the comparison: the N-th call of it does nothing."""
    left = int(fault.split(":")[1]) if fault.startswith("chmod:") else 0

    def call(path, mode):
        nonlocal left
        left -= 1
        if left != 0:
            change_mode(path, mode)

    return call


assert attributes and contents and names and opens and sessions
if __name__ == "__main__":
    main()
