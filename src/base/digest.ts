import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { type Digest, toDigest } from './brands.js';

const chunkBytes = 1 << 20;

export function sha256(data: Uint8Array): Digest {
  return toDigest(createHash('sha256').update(data).digest('hex'));
}

/** SHA-256 of a whole file, read in chunks of 1 MiB. */
export async function sha256OfFile(path: string): Promise<Digest> {
  const hash = createHash('sha256');
  const file = await open(path, 'r');
  try {
    const chunk = Buffer.allocUnsafe(chunkBytes);
    for (;;) {
      const { bytesRead } = await file.read(chunk, 0, chunkBytes, null);
      if (bytesRead === 0) break;
      hash.update(chunk.subarray(0, bytesRead));
    }
  } finally {
    await file.close();
  }
  return toDigest(hash.digest('hex'));
}
