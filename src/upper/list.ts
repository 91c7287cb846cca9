import { permitted } from './access.js';
import type { ListEntry } from './attributes.js';
import { attributesOfThing } from './attributes-of.js';
import { isReserved } from './names.js';
import type { FolderNode, LowerFolderThing, Thing } from './nodes.js';
import { typeBits } from './nodes.js';
import type { UpperState } from './options.js';

/** Cookies of '.' and '..' come before. */
const firstCookie = 3;
/** Orders of what is upper alone come after all positions in a lower folder. */
const upperCookies = 2 ** 32;

/**
 * As `UpperLayer.list`: first the names of the lower folder, by their position there, as the native engine lists an
 * unchanged folder; then those that only the upper layer has, in the order in which they came.
 */
export function* list(
  state: UpperState,
  folder: FolderNode | LowerFolderThing,
  after: number,
): Generator<ListEntry> {
  const { tree } = state;
  const names = folder.kind === 'lower' ? tree.lower.namesIn(folder.entry) : tree.lowerNames(folder);
  for (let index = Math.max(0, after - firstCookie + 1); index < names.length; index += 1) {
    const thing = tree.child(folder, names[index]!);
    if (thing !== undefined) yield entryOf(state, names[index]!, thing, index + firstCookie);
  }
  if (folder.kind === 'lower') return;
  for (const [name, { node, order }] of folder.children) {
    const cookie = upperCookies + order;
    if (cookie <= after || isReserved(name) || tree.lowerHas(folder, name)) continue;
    yield entryOf(state, name, node, cookie);
  }
}

function entryOf(state: UpperState, name: string, thing: Thing, cookie: number): ListEntry {
  const attributes = permitted(
    state,
    () => [thing],
    () => attributesOfThing(state, thing),
  );
  const { inode, mode, size } = attributes;
  return {
    name,
    inode,
    type: mode & typeBits,
    cookie,
    attributes: size === undefined ? undefined : attributes,
  };
}
