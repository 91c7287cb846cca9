import { imageKinds, modes, nodeFlags } from '../image/format.js';
import type { Image, NodeIndex } from '../image/read.js';
import { mtimeNsOf } from './locate.js';
import type { View } from './tree.js';

/** Where in a `.pyc` file (PEP 552) the bytes of `checkedBytecodeHeader` lie: its magic stays. */
export const checkedHeaderAt = 4;
const headerBytes = 16;
const nsPerSecond = 1_000_000_000n;
/** `NAME.TAG.pyc` or `NAME.TAG.opt-LEVEL.pyc`. */
const bytecodeName = /^(.+?)\.[^.]+(?:\.opt-[^.]+)?\.pyc$/;

/**
 * Bytes 4 to 15 of a `.pyc` file as an own view shows it: valid for its source's time and size. Undefined where the
 * bytes of the image are shown: for any other file, and for bytecode whose source is not in its image. Pure.
 */
export function checkedBytecodeHeader(view: View, layer: number, node: NodeIndex): Buffer | undefined {
  if (!view.isOwn) return undefined;
  const { image } = view.layers[layer]!;
  const source = sourceOf(image, node);
  if (source === undefined) return undefined;
  const patch = Buffer.alloc(headerBytes - checkedHeaderAt);
  const seconds = floorDivide(mtimeNsOf(view, layer, source), nsPerSecond);
  patch.writeUInt32LE(Number(BigInt.asUintN(32, seconds)), 4);
  patch.writeUInt32LE(Number(BigInt.asUintN(32, BigInt(image.fileOf(source).sizeBytes))), 8);
  return patch;
}

/** The source that a bytecode file of an image was compiled from. */
function sourceOf(image: Image, node: NodeIndex): NodeIndex | undefined {
  if (image.header.kind !== imageKinds.bytecode || image.modeOf(node) === modes.directory) return undefined;
  const { flags, sizeBytes } = image.fileOf(node);
  if ((flags & nodeFlags.inBase) !== 0 || sizeBytes < headerBytes) return undefined;
  const folder = image.parentOf(node);
  const name = bytecodeName.exec(image.nameOf(node))?.[1];
  if (name === undefined || image.nameOf(folder) !== '__pycache__') return undefined;
  const source = image.lookup(image.parentOf(folder), `${name}.py`);
  return source === undefined || image.isDirectory(source) ? undefined : source;
}

function floorDivide(value: bigint, by: bigint): bigint {
  return value / by - (value % by < 0n ? 1n : 0n);
}
