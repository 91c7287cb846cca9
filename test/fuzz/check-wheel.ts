import { createHash } from 'node:crypto';
import { readdir, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ShenvError } from '../../src/base/errors.js';
import { Image } from '../../src/image/read.js';
import { verifyContents } from '../../src/image/verify.js';
import { putWheel } from '../../src/store/put.js';
import type { Store } from '../../src/store/store.js';
import { WheelArchive } from '../../src/wheel/archive.js';
import { parseRequirement } from '../../src/wheel/requirement.js';
import { compareTrees, readTree, type TreeItem } from '../support/tree.js';
import { composeImages } from '../support/views.js';

/** What became of a wheel: the code that it was refused with, or the digest of every file that it holds. */
export type Outcome = { refused: string } | { accepted: Record<string, string> };

/**
 * Puts a wheel into the store, which holds other images. Throws an Error that tells what is wrong: an
 * error that is not the user's, a store that a refusal changed, an image that does not hold, a file
 * outside of the store.
 */
export async function checkWheel(store: Store, wheel: string): Promise<Outcome> {
  const before = await readSurroundings(store);
  try {
    const { image } = await putWheel(store, wheel);
    const accepted = await checkAccepted(image.path, wheel);
    await rm(dirname(dirname(image.path)), { recursive: true });
    const differences = compareTrees(before, await readSurroundings(store)).filter(isNews);
    if (differences.length > 0) throw new Error(`accepted, and beside it: ${differences.join('; ')}`);
    return { accepted };
  } catch (error) {
    if (!(error instanceof ShenvError) || !error.code.startsWith('WHEEL_')) throw error;
    const differences = compareTrees(before, await readSurroundings(store));
    if (differences.length > 0) throw new Error(`refused, but: ${differences.join('; ')}`);
    if (!error.hint || /[\p{Cc}\p{Zl}]/u.test(error.message)) {
      throw new Error(`refused badly: ${JSON.stringify(error.message)}`);
    }
    return { refused: error.code };
  }
}

/** The folder that the store is in: everything that a wheel could reach by a name with `..` in it. */
function readSurroundings(store: Store): Promise<Map<string, TreeItem>> {
  return readTree(dirname(dirname(store.layout.root)));
}

/** A new serial takes the place of an older one; nothing else may stay. */
function isNews(difference: string): boolean {
  return !/\/serials\//.test(difference);
}

async function checkAccepted(path: string, wheel: string): Promise<Record<string, string>> {
  const image = await Image.open(path);
  await verifyContents(image);
  composeImages([image]);
  for (const requirement of image.meta.requiresDist) {
    try {
      parseRequirement(requirement);
    } catch (error) {
      if (!(error instanceof ShenvError)) throw error;
    }
  }
  const archive = await WheelArchive.open(wheel);
  try {
    const digests: Record<string, string> = {};
    for (const entry of archive.entries) {
      const data = await archive.read(entry.path);
      digests[entry.path] = createHash('sha256').update(data).digest('hex');
    }
    return digests;
  } finally {
    await archive.close();
  }
}

const largestReal = 4 << 20;

/** The wheels of a folder, of at most 4 MB each, in order. */
export async function listWheels(folder: string): Promise<string[]> {
  const paths: string[] = [];
  for (const name of (await readdir(folder)).sort()) {
    const path = join(folder, name);
    if (name.endsWith('.whl') && (await stat(path)).size <= largestReal) paths.push(path);
  }
  return paths;
}
