import { type FileHandle, mkdir, open } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { publishExclusively, stageFile } from '../../base/atomic-write.js';
import type { Image } from '../../image/read.js';
import type { Manifest } from '../../manifest/types.js';
import { readInterpreter } from '../../python/interpreter-record.js';
import { ImageCache } from '../../store/image-cache.js';
import type { Workspace } from '../workspace.js';
import { copyRange } from './copy-range.js';
import { encodeIndex } from './pack-format.js';
import { assertFreeFile, targetTaken } from './target.js';

/** What was written. */
export interface Packed {
  path: string;
  images: number;
  bytes: number;
}

/**
 * Writes an environment with everything that another machine needs of it into one file: docs/pack-format.md.
 * Staged beside it; it has its name when it is whole. Throws TARGET_UNUSABLE, IMAGE_MISSING, INTERPRETER_MISSING.
 */
export async function packEnvironment(
  workspace: Workspace,
  manifest: Manifest,
  file: string,
): Promise<Packed> {
  const { store, environments, progress, signal } = workspace;
  const path = resolve(file);
  await assertFreeFile(path);
  const { implementation, version, minor } = await readInterpreter(
    environments.interpreters,
    manifest.interpreter,
  );
  const images = await openImages(new ImageCache(store), manifest);
  const index = encodeIndex({
    manifest,
    interpreter: { implementation, version, minor },
    images: images.map(({ meta, wheelDigest, header }) => ({
      name: meta.name,
      version: meta.version,
      wheelDigest,
      lengthBytes: header.fileBytes,
    })),
  });
  const bytes = images.reduce((sum, { header }) => sum + header.fileBytes, index.length);
  await mkdir(dirname(path), { recursive: true });
  progress.start('Packing', images.length);
  try {
    const staged = await stageFile(dirname(path), async (target) => {
      await target.writeFile(index);
      for (const image of images) {
        await appendImage(target, image, signal);
        progress.advance(1, image.meta.name);
      }
    });
    if (!(await publishExclusively(staged, path))) throw targetTaken(path, 'was made meanwhile');
  } finally {
    progress.finish();
  }
  return { path, images: images.length, bytes };
}

/** Each wheel's image once; bytecode is compiled anew elsewhere. */
async function openImages(cache: ImageCache, manifest: Manifest): Promise<Image[]> {
  const images = await Promise.all(manifest.layers.map(({ image }) => cache.open(image)));
  return [...new Set(images)];
}

async function appendImage(target: FileHandle, image: Image, signal: AbortSignal | undefined): Promise<void> {
  const source = await open(image.path, 'r');
  try {
    const whole = { position: 0, lengthBytes: image.header.fileBytes };
    const isWhole = await copyRange(source, whole, async (piece) => {
      signal?.throwIfAborted();
      await target.writeFile(piece);
    });
    if (!isWhole) throw new Error(`${image.path} was cut off while it was read`);
  } finally {
    await source.close();
  }
}
