import { originOf } from '../view/locate.js';
import { copyUp } from './copy-up.js';
import { FileError } from './file-error.js';
import { type Thing, types } from './nodes.js';
import type { UpperState } from './options.js';
import { typeOf } from './set-attributes.js';

const userPrefix = 'user.';
/** What shenv-fs says itself; nobody else can set it. */
const ownPrefix = 'user.shenv.';
const originName = 'user.shenv.origin';

/** Throws ENODATA, EOPNOTSUPP. */
export function getAttribute(state: UpperState, thing: Thing, name: string): Buffer {
  if (!name.startsWith(userPrefix)) throw new FileError('EOPNOTSUPP', name);
  const origin = name === originName ? lowerOrigin(state, thing) : undefined;
  if (origin !== undefined) return Buffer.from(origin);
  if (name.startsWith(ownPrefix) || !hasOwn(thing)) throw new FileError('ENODATA', name);
  return state.disk.calls.getXattr(state.disk.pathOf(thing), name);
}

export function listAttributes(state: UpperState, thing: Thing): string[] {
  if (thing.kind === 'lower') return lowerOrigin(state, thing) === undefined ? [] : [originName];
  if (!hasOwn(thing)) return [];
  const names = state.disk.calls.listXattr(state.disk.pathOf(thing));
  return names.filter((name) => name.startsWith(userPrefix) && !name.startsWith(ownPrefix));
}

/** Throws EOPNOTSUPP: tools that copy attributes go on then. */
export function setAttribute(
  state: UpperState,
  thing: Thing,
  name: string,
  value: Buffer,
  flags: number,
): void {
  checkSettable(name);
  checkTaker(state, thing);
  if (flags === replaceFlag && thing.kind === 'lower') throw new FileError('ENODATA', name);
  state.disk.calls.setXattr(state.disk.pathOf(copyUp(state, thing)), name, value, flags);
}

export function removeAttribute(state: UpperState, thing: Thing, name: string): void {
  checkSettable(name);
  checkTaker(state, thing);
  if (thing.kind === 'lower') throw new FileError('ENODATA', name);
  state.disk.calls.removeXattr(state.disk.pathOf(thing), name);
}

/** XATTR_REPLACE of setxattr(2). */
const replaceFlag = 2;

function lowerOrigin({ tree }: UpperState, thing: Thing): string | undefined {
  return thing.kind === 'lower' ? originOf(tree.lower.lower.view, thing.entry) : undefined;
}

/** Whether there is something on disk that may have attributes. */
function hasOwn(thing: Thing): thing is Exclude<Thing, { kind: 'lower' }> {
  return thing.kind !== 'lower' && !(thing.kind === 'folder' && thing.removed);
}

function checkSettable(name: string): void {
  if (!name.startsWith(userPrefix) || name.startsWith(ownPrefix)) throw new FileError('EOPNOTSUPP', name);
}

/** Links and devices take no attributes of users: xattr(7). */
function checkTaker(state: UpperState, thing: Thing): void {
  if (thing.kind === 'folder' && thing.removed) throw new FileError('ENOENT', thing.name);
  const type = typeOf(state, thing);
  if (type !== types.file && type !== types.folder) throw new FileError('EPERM');
}
