import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { systemErrorCode } from '../../base/errors.js';
import { normalizeName } from '../../wheel/filename.js';
import { type ImageName, imageNameOfFile, type StoreLayout } from '../layout.js';
import { basePathOf } from './inspect.js';

/** A file of the store that is an image by its name. */
export interface ImageFilePlace {
  path: string;
  /** Folders that it lies in: normalized name and version. */
  distribution: string;
  version: string;
  image: ImageName;
  /** Of one of bytecode: where its wheel's image belongs. */
  basePath: string | undefined;
}

export interface Walked {
  images: ImageFilePlace[];
  /** Paths below `images/` that no shenv-fs made. */
  strange: string[];
}

/** Every image of the store, of wheels and of bytecode; or those of the distributions named. */
export async function walkImages({ images }: StoreLayout, distributions: readonly string[]): Promise<Walked> {
  const wanted = new Set(distributions.map(normalizeName));
  const walked: Walked = { images: [], strange: [] };
  for (const distribution of await listFolder(images, walked)) {
    if (wanted.size > 0 && !wanted.has(distribution)) continue;
    const folder = join(images, distribution);
    for (const version of await listFolder(folder, walked)) {
      for (const file of await listFolder(join(folder, version), walked)) {
        const path = join(folder, version, file);
        const image = imageNameOfFile(file);
        if (image) walked.images.push({ path, distribution, version, image, basePath: basePathOf(path) });
        else walked.strange.push(path);
      }
    }
  }
  return walked;
}

async function listFolder(path: string, { strange }: Walked): Promise<string[]> {
  try {
    return (await readdir(path)).sort();
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === 'ENOTDIR') strange.push(path);
    if (code === 'ENOTDIR' || code === 'ENOENT') return [];
    throw error;
  }
}
