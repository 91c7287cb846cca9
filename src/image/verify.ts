import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { ShenvError } from '../base/errors.js';
import { openTrusted } from '../base/trust.js';
import { digestOf, readDigests } from './digests.js';
import { walkImage } from './dump.js';
import { damageHint, nodeFlags } from './format.js';
import type { Image, NodeIndex } from './read.js';

const pieceBytes = 1 << 20;

/**
 * Compares every file that an image holds with its digest; `Image.open` has checked everything before the
 * contents. Throws IMAGE_DAMAGED naming the file. `onBytes` may throw to end it.
 */
export async function verifyContents(
  image: Image,
  onBytes: (bytes: number) => void = () => {},
): Promise<void> {
  const digests = await readDigests(image);
  const file = await openTrusted(image.path, image.trust);
  try {
    for (const { path, node } of walkImage(image)) {
      if (image.isDirectory(node) || (image.fileOf(node).flags & nodeFlags.inBase) !== 0) continue;
      const found = await digestContents(file, image, node, onBytes);
      if (!found.equals(digestOf(digests, image.fileOf(node).digestIndex))) throw damaged(image, path);
    }
  } finally {
    await file.close();
  }
}

async function digestContents(
  file: FileHandle,
  image: Image,
  node: NodeIndex,
  onBytes: (bytes: number) => void,
): Promise<Buffer> {
  const { sizeBytes, contentOffset } = image.fileOf(node);
  const hash = createHash('sha256');
  const piece = Buffer.allocUnsafe(Math.min(pieceBytes, sizeBytes));
  for (let done = 0; done < sizeBytes; ) {
    const wanted = Math.min(piece.length, sizeBytes - done);
    const { bytesRead } = await file.read(piece, 0, wanted, contentOffset + done);
    if (bytesRead === 0) break;
    hash.update(piece.subarray(0, bytesRead));
    onBytes(bytesRead);
    done += bytesRead;
  }
  return hash.digest();
}

function damaged(image: Image, file: string): ShenvError {
  return new ShenvError(
    'IMAGE_DAMAGED',
    `${image.path}: the contents of '${file}' are not what its digest says`,
    {
      hint: damageHint,
      path: image.path,
    },
  );
}
