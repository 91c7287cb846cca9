import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { deflateSync, inflateSync } from 'node:zlib';
import { replaceFile } from '../../base/atomic-write.js';
import { unless } from '../../base/errors.js';
import { FrameError, pack, packFramed, unpack, unpackFramed } from '../../base/msgpack.js';
import { nodeOf, slotOf } from '../../view/inode.js';
import type { Kept, View, ViewDirectory, ViewEntry } from '../../view/tree.js';
import { readNumbers, writeNumbers } from './numbers.js';

/**
 * Modification times and modes of what was adopted, by slot and node: every object of an environment has both, and they
 * stay as long as its layer does. Slot 0 holds what no layer brings.
 */
export type Times = ReadonlyMap<number, ReadonlyMap<number, Kept>>;

/** History: 1 (times alone), 2 (a slot may have modes, too). */
const timesVersion = 2;
const readableVersions = [timesVersion, 1];
const magic = 'SHENVTIM';
const fileName = 'times';

/**
 * One slot: its nodes ascending, as differences, of each the place of its time in the table, and its mode plus 1, or 0 where
 * that is not kept; empty where none is.
 */
type PackedSlot = [slot: number, nodes: Buffer, places: Buffer, modes?: Buffer];

/**
 * About 3 bytes an entry: files that an installer wrote at once share few times, which are neighbours. Under one umask there
 * are two or three modes, which deflate makes some bits of.
 */
export function encodeTimes(times: Times): Buffer {
  const all = [...times.values()].flatMap((nodes) => [...nodes.values()]);
  const table = [...new Set(all.map(({ mtimeNs }) => mtimeNs))].sort((a, b) => (a < b ? -1 : 1));
  const places = new Map(table.map((time, index) => [time, BigInt(index)]));
  const slots = [...times].map(([slot, nodes]): PackedSlot => {
    const sorted = [...nodes].sort(([a], [b]) => a - b);
    return [
      slot,
      writeNumbers(sorted.map(([node]) => BigInt(node))),
      writeNumbers(sorted.map(([, { mtimeNs }]) => places.get(mtimeNs)!)),
      packModes(sorted.map(([, { mode }]) => mode)),
    ];
  });
  return packFramed(magic, timesVersion, deflateSync(pack([writeNumbers(table), slots])));
}

function packModes(modes: readonly (number | undefined)[]): Buffer {
  if (modes.every((mode) => mode === undefined)) return Buffer.alloc(0);
  return writeNumbers(modes.map((mode) => (mode === undefined ? 0n : BigInt(mode) + 1n)));
}

/** Throws FrameError for what no version of `encodeTimes` has written. */
export function decodeTimes(data: Buffer): Times {
  const packed = inflateSync(unpackFramed(magic, readableVersions, data) as Buffer);
  const [packedTable, slots] = unpack(packed) as [Buffer, PackedSlot[]];
  const table = readNumbers(packedTable);
  return new Map(
    slots.map(([slot, nodes, places, packedModes]) => {
      const at = readNumbers(places);
      const modes = packedModes ? readNumbers(packedModes) : [];
      const keptAt = (index: number): Kept => {
        const mtimeNs = table[Number(at[index])]!;
        const mode = Number(modes[index] ?? 0n) - 1;
        return mode < 0 ? { mtimeNs } : { mtimeNs, mode };
      };
      return [slot, new Map(readNumbers(nodes).map((node, index) => [Number(node), keptAt(index)]))];
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

/** What is kept of `slots` alone, with `added` over them. Pure. */
export function mergeTimes(times: Times, added: Times, slots: ReadonlySet<number>): Times {
  const merged = new Map<number, ReadonlyMap<number, Kept>>();
  for (const slot of new Set([...times.keys(), ...added.keys()]))
    if (slots.has(slot)) merged.set(slot, new Map([...(times.get(slot) ?? []), ...(added.get(slot) ?? [])]));
  return merged;
}

/** The view with these times and modes in the place of the images' and of its own. Pure. */
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
  const kept = times.get(slotOf(entry.inode))?.get(nodeOf(entry.inode));
  if (kept === undefined) return entry;
  return entry.kind === 'link' ? { ...entry, mtimeNs: kept.mtimeNs } : { ...entry, ...kept };
}
