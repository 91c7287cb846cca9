import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { digestBytes, header, headerBytes } from '../../src/image/format.js';

/** The bytes of the image at `path` with another wheel's digest in the header: false in no way but its contents. */
export async function forgeImage(path: string, wheelDigest: string): Promise<Buffer> {
  const data = await readFile(path);
  Buffer.from(wheelDigest, 'hex').copy(data, header.wheelDigest);
  const signed = headerBytes - digestBytes;
  createHash('sha256').update(data.subarray(0, signed)).digest().copy(data, signed);
  return data;
}
