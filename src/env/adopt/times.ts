import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { deflateSync, inflateSync } from 'node:zlib';
import { replaceFile } from '../../base/atomic-write.js';
import { unless } from '../../base/errors.js';
import { FrameError, pack, packFramed, unpack, unpackFramed } from '../../base/msgpack.js';
import { nodeOf, slotOf } from '../../view/inode.js';
import type { View, ViewDirectory, ViewEntry } from '../../view/tree.js';
import { readNumbers, writeNumbers } from './numbers.js';

/**
 * Modification times in ns of what was adopted, by slot and node: every object of an environment has both, and they
 * stay as long as its layer does. Slot 0 holds what no layer brings.
 */
export type Times = ReadonlyMap<number, ReadonlyMap<number, bigint>>;

/** History: 1 (first version). */
const timesVersion = 1;
const magic = 'SHENVTIM';
const fileName = 'times';

/** One slot: its nodes ascending, as differences, and of each the place of its time in the table. */
type PackedSlot = [slot: number, nodes: Buffer, places: Buffer];

/** About 3 bytes an entry: files that an installer wrote at once share few times, which are neighbours. */
export function encodeTimes(times: Times): Buffer {
  const table = [...new Set([...times.values()].flatMap((nodes) => [...nodes.values()]))];
  table.sort((a, b) => (a < b ? -1 : 1));
  const places = new Map(table.map((time, index) => [time, BigInt(index)]));
  const slots = [...times].map(([slot, nodes]): PackedSlot => {
    const sorted = [...nodes].sort(([a], [b]) => a - b);
    return [
      slot,
      writeNumbers(sorted.map(([node]) => BigInt(node))),
      writeNumbers(sorted.map(([, time]) => places.get(time)!)),
    ];
  });
  return packFramed(magic, timesVersion, deflateSync(pack([writeNumbers(table), slots])));
}

/** Throws FrameError for what `encodeTimes` has not written. */
export function decodeTimes(data: Buffer): Times {
  const [packedTable, slots] = unpack(inflateSync(unpackFramed(magic, timesVersion, data) as Buffer)) as [
    Buffer,
    PackedSlot[],
  ];
  const table = readNumbers(packedTable);
  return new Map(
    slots.map(([slot, nodes, places]) => {
      const at = readNumbers(places);
      return [
        slot,
        new Map(readNumbers(nodes).map((node, index) => [Number(node), table[Number(at[index])]!])),
      ];
    }),
  );
}

/** Of an upper layer's folder; empty where nothing was adopted, and for a file that is damaged: times are no contents. */
export async function readTimes(folder: string): Promise<Times> {
  const data = await unless('ENOENT', readFile(join(folder, fileName)));
  if (!data) return new Map();
  try {
    return decodeTimes(data);
  } catch (error) {
    if (error instanceof FrameError) return new Map();
    throw error;
  }
}

/** Durable when it resolves. */
export async function writeTimes(folder: string, times: Times): Promise<void> {
  await replaceFile(join(folder, fileName), encodeTimes(times));
}

/** The times of `slots` alone, with `added` over them. Pure. */
export function mergeTimes(times: Times, added: Times, slots: ReadonlySet<number>): Times {
  const merged = new Map<number, ReadonlyMap<number, bigint>>();
  for (const slot of new Set([...times.keys(), ...added.keys()]))
    if (slots.has(slot)) merged.set(slot, new Map([...(times.get(slot) ?? []), ...(added.get(slot) ?? [])]));
  return merged;
}

/** The view with these times in the place of the images' and of its own. Pure. */
export function applyTimes(view: View, times: Times): View {
  if (times.size === 0) return view;
  const layers = view.layers.map((layer) => {
    const known = times.get(layer.slot);
    return known ? { ...layer, times: known } : layer;
  });
  const copies = new Map<ViewDirectory, ViewDirectory>();
  const root = withTimes(view.root, undefined, times, copies);
  const expanded = new Map([...view.expanded].map(([key, folder]) => [key, copies.get(folder) ?? folder]));
  return { ...view, layers, root, expanded };
}

function withTimes(
  directory: ViewDirectory,
  parent: ViewDirectory | undefined,
  times: Times,
  copies: Map<ViewDirectory, ViewDirectory>,
): ViewDirectory {
  const copy: ViewDirectory = { ...timed(directory, times), parent, entries: new Map() };
  copies.set(directory, copy);
  for (const [name, entry] of directory.entries) copy.entries.set(name, copyOf(entry, copy, times, copies));
  return copy;
}

function copyOf(
  entry: ViewEntry,
  parent: ViewDirectory,
  times: Times,
  copies: Map<ViewDirectory, ViewDirectory>,
): ViewEntry {
  if (entry.kind === 'directory') return withTimes(entry, parent, times, copies);
  return entry.kind === 'generated' || entry.kind === 'link' ? timed(entry, times) : entry;
}

function timed<T extends Exclude<ViewEntry, { node: number }>>(entry: T, times: Times): T {
  const mtimeNs = times.get(slotOf(entry.inode))?.get(nodeOf(entry.inode));
  return mtimeNs === undefined ? entry : { ...entry, mtimeNs };
}
