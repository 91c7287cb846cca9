import type { FileHandle } from 'node:fs/promises';

const pieceBytes = 4 << 20;

export interface Range {
  position: number;
  lengthBytes: number;
}

/** Appends a range of one open file to another; false when the source ends before. `append` may throw to end it. */
export async function copyRange(
  source: FileHandle,
  { position, lengthBytes }: Range,
  append: (piece: Buffer) => Promise<void>,
): Promise<boolean> {
  const piece = Buffer.allocUnsafe(Math.min(pieceBytes, lengthBytes));
  for (let done = 0; done < lengthBytes; ) {
    const wanted = Math.min(piece.length, lengthBytes - done);
    const { bytesRead } = await source.read(piece, 0, wanted, position + done);
    if (bytesRead === 0) return false;
    await append(piece.subarray(0, bytesRead));
    done += bytesRead;
  }
  return true;
}
