import { chmodSync, closeSync, constants, ftruncateSync, lchownSync, openSync } from 'node:fs';
import { permitted } from './access.js';
import type { AttributeChanges, FileAttributes, TimeToSet } from './attributes.js';
import { attributesOfThing } from './attributes-of.js';
import { copyUp } from './copy-up.js';
import { FileError } from './file-error.js';
import { type Thing, types } from './nodes.js';
import type { UpperState } from './options.js';

/** As `UpperLayer.setAttributes`: the owner before the mode, which a change of owner may take bits from; times last. */
export function setAttributes(state: UpperState, thing: Thing, changes: AttributeChanges): FileAttributes {
  const { mode, uid, gid, size, atime, mtime } = changes;
  if (Object.values(changes).every((value) => value === undefined)) return attributesOfThing(state, thing);
  checkType(state, thing, changes);
  if (thing.kind === 'folder' && thing.removed) return setRemoved(thing.removed, changes);
  const node = copyUp(state, thing);
  const path = state.disk.pathOf(node);
  if (uid !== undefined || gid !== undefined) lchownSync(path, uid ?? keep, gid ?? keep);
  if (mode !== undefined) chmodSync(path, mode & 0o7777);
  if (size !== undefined) {
    permitted(
      state,
      () => [node],
      () => truncate(path, size),
    );
  }
  if (atime !== undefined || mtime !== undefined) {
    state.disk.calls.setTimes(path, atime ?? 'omit', mtime ?? 'omit');
  }
  return attributesOfThing(state, node);
}

/** Of a folder that is only open any more: what is kept of it changes. */
function setRemoved(removed: FileAttributes, changes: AttributeChanges): FileAttributes {
  const { mode, uid, gid, atime, mtime } = changes;
  const nowNs = BigInt(Date.now()) * 1_000_000n;
  const at = (time: TimeToSet) => (time === 'now' ? nowNs : time);
  if (mode !== undefined) removed.mode = (removed.mode & ~0o7777) | (mode & 0o7777);
  if (uid !== undefined) removed.uid = uid;
  if (gid !== undefined) removed.gid = gid;
  if (atime !== undefined) removed.atimeNs = at(atime);
  if (mtime !== undefined) removed.mtimeNs = at(mtime);
  removed.ctimeNs = nowNs;
  return removed;
}

/** For chown(2): it stays. */
const keep = -1;

/** Before anything is copied up. */
function checkType(state: UpperState, thing: Thing, { mode, size }: AttributeChanges): void {
  if (mode === undefined && size === undefined) return;
  const type = typeOf(state, thing);
  if (mode !== undefined && type === types.link) throw new FileError('EOPNOTSUPP');
  if (size !== undefined && type === types.folder) throw new FileError('EISDIR');
  if (size !== undefined && type !== types.file) throw new FileError('EINVAL');
}

/** The type bits of something's mode. */
export function typeOf({ tree, owner }: UpperState, thing: Thing): number {
  if (thing.kind === 'lower') return tree.lower.attributesOf(thing.entry, owner).mode & 0o170000;
  return thing.kind === 'folder' ? types.folder : thing.type;
}

function truncate(path: string, size: number): void {
  const fd = openSync(path, constants.O_WRONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    ftruncateSync(fd, size);
  } finally {
    closeSync(fd);
  }
}
