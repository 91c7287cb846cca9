import { open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { systemErrorCode } from '../../base/errors.js';
import { openTrusted } from '../../base/trust.js';
import { digestBytes, headerBytes } from '../../image/format.js';
import type { Image } from '../../image/read.js';
import { checkRun } from '../verify/content-run.js';
import { inspectImage } from '../verify/inspect.js';
import { RunBuffers } from '../verify/run-file.js';

/** Of each read of a shared file system; its client cuts them as its protocol allows. */
const pieceBytes = 4 << 20;

/** Copies the file of an image to `target`, from its first byte to its last. Throws a system error. */
export async function copySequentially({ path, trust }: Image, target: string): Promise<void> {
  const from = await openTrusted(path, trust);
  try {
    const to = await open(target, 'w', 0o600);
    try {
      const piece = Buffer.allocUnsafeSlow(pieceBytes);
      for (;;) {
        const { bytesRead } = await from.read(piece, 0, pieceBytes);
        if (bytesRead === 0) return;
        await to.writeFile(piece.subarray(0, bytesRead));
      }
    } finally {
      await to.close();
    }
  } finally {
    await from.close();
  }
}

/** Whether a copy is the whole image whose header has the digest `key`: every byte of it is compared with digests. */
export async function isSoundCopy(path: string, key: string): Promise<boolean> {
  try {
    if ((await headerDigestOf(path)) !== key) return false;
    const { faults, runs } = inspectImage(path, dirname(path));
    // Copies have names of their own.
    if (faults.some(({ kind }) => kind !== 'place')) return false;
    const buffers = new RunBuffers();
    for (const run of runs) {
      const found = await buffers.with(path, (file) => checkRun(file, run, () => undefined));
      if (!found || found.length > 0) return false;
    }
    return true;
  } catch (error) {
    if (systemErrorCode(error) === undefined) throw error;
    return false;
  }
}

async function headerDigestOf(path: string): Promise<string> {
  const file = await open(path, 'r');
  try {
    const header = Buffer.alloc(headerBytes);
    await file.read(header, 0, headerBytes, 0);
    return header.toString('hex', headerBytes - digestBytes);
  } finally {
    await file.close();
  }
}
