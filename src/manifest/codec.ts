import { ShenvError } from '../base/errors.js';
import { FrameError, packFramed, unpackFramed } from '../base/msgpack.js';
import { type Manifest, manifestVersion } from './types.js';

/** Byte layout of the file: docs/manifest-format.md. */
const magic = 'SHENVMAN';

export function encodeManifest(manifest: Manifest): Buffer {
  return packFramed(magic, manifestVersion, manifest);
}

/** Throws MANIFEST_DAMAGED, also for a version that this program does not know. */
export function decodeManifest(data: Buffer, path: string): Manifest {
  try {
    return unpackFramed(magic, manifestVersion, data) as Manifest;
  } catch (cause) {
    if (!(cause instanceof FrameError)) throw cause;
    throw new ShenvError('MANIFEST_DAMAGED', `${path} is damaged: ${cause.message}`, {
      hint: 'Remove this generation; the one before it becomes current.',
      path,
      cause,
    });
  }
}
