import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import type { Serial } from '../base/brands.js';
import { digestBytes, header, headerBytes } from './format.js';
import { writeFully } from './write.js';

/** Gives the image file at `path`, which nobody else has yet, another serial; durable when it returns. */
export async function renumberImage(path: string, serial: Serial): Promise<void> {
  const file = await open(path, 'r+');
  try {
    const data = Buffer.alloc(headerBytes);
    await file.read(data, 0, headerBytes, 0);
    data.writeBigUInt64LE(BigInt(serial), header.serial);
    const signed = headerBytes - digestBytes;
    createHash('sha256').update(data.subarray(0, signed)).digest().copy(data, signed);
    await writeFully(file, data, 0);
    await file.sync();
  } finally {
    await file.close();
  }
}
