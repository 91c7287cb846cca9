import { nodeOf, slotOf } from '../../view/inode.js';
import type { View, ViewEntry } from '../../view/tree.js';

/** Slot and node of an object of an environment: its inode number and its time are known by these. */
export function placeOf(view: View, entry: ViewEntry): { slot: number; node: number } {
  if (entry.kind === 'graft' || entry.kind === 'file')
    return { slot: view.layers[entry.layer]!.slot, node: entry.node };
  return { slot: slotOf(entry.inode), node: nodeOf(entry.inode) };
}

export function identityOf(view: View, entry: ViewEntry): string {
  const { slot, node } = placeOf(view, entry);
  return `${slot}:${node}`;
}
