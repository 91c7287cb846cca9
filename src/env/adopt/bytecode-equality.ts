import { open } from 'node:fs/promises';
import { unless } from '../../base/errors.js';
import { imageKinds, nodeFlags } from '../../image/format.js';
import type { NodeIndex } from '../../image/read.js';
import type { ImageEntry, View } from '../../view/tree.js';

const headerBytes = 16;
const nsPerSecond = 1_000_000_000n;
const bytecodeName = /^(.+?)\.[^.]+(?:\.opt-[^.]+)?\.pyc$/;

/** The source of a file of bytecode that the store has compiled, in the same image; undefined for anything else. Pure. */
export function sourceOfBytecode(
  view: View,
  { layer, node }: ImageEntry,
): { name: string; node: NodeIndex } | undefined {
  const { image } = view.layers[layer]!;
  if (image.header.kind !== imageKinds.bytecode) return undefined;
  if ((image.fileOf(node).flags & nodeFlags.inBase) !== 0) return undefined;
  const folder = image.parentOf(node);
  const stem = bytecodeName.exec(image.nameOf(node))?.[1];
  if (stem === undefined || image.nameOf(folder) !== '__pycache__') return undefined;
  const name = `${stem}.py`;
  const source = image.lookup(image.parentOf(folder), name);
  return source === undefined || image.isDirectory(source) ? undefined : { name, node: source };
}

/** The first bytes of a file of bytecode; undefined where it is shorter or not there. */
export async function readHeader(path: string): Promise<Buffer | undefined> {
  const file = await unless('ENOENT', open(path, 'r'));
  if (!file) return undefined;
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(headerBytes), 0, headerBytes, 0);
    return bytesRead === headerBytes ? buffer : undefined;
  } finally {
    await file.close();
  }
}

/** Whether Python would compile the source anew: PEP 552, for bytecode that is valid by time and size. Pure. */
export function isStaleFor(
  header: Buffer,
  source: { magic: string; mtimeNs: bigint; sizeBytes: number },
): boolean {
  const seconds = source.mtimeNs / nsPerSecond - (source.mtimeNs % nsPerSecond < 0n ? 1n : 0n);
  return (
    header.toString('hex', 0, 4) !== source.magic ||
    header.readUInt32LE(4) !== 0 ||
    header.readUInt32LE(8) !== Number(BigInt.asUintN(32, seconds)) ||
    header.readUInt32LE(12) !== source.sizeBytes % 2 ** 32
  );
}
