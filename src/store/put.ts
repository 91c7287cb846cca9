import { randomInt } from 'node:crypto';
import { unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { publishInFolder, stageFile, syncFolder } from '../base/atomic-write.js';
import { type Digest, type Serial, toSerial } from '../base/brands.js';
import { claimNumber } from '../base/claims.js';
import { sha256OfFile } from '../base/digest.js';
import { ShenvError } from '../base/errors.js';
import { imageKinds } from '../image/format.js';
import type { ImageMeta } from '../image/meta.js';
import { Image } from '../image/read.js';
import { TreeConflict } from '../image/tree.js';
import { writeImage } from '../image/write.js';
import { WheelArchive } from '../wheel/archive.js';
import { parseWheelFilename } from '../wheel/filename.js';
import { findDistInfo, planWheel, type WheelPlan } from '../wheel/plan.js';
import { refuseWheel } from '../wheel/refusal.js';
import { imagePlace } from './layout.js';
import type { Store } from './store.js';
import { WheelContents } from './wheel-contents.js';

export interface PutOptions {
  signal?: AbortSignal;
  /** SHA-256 of the source distribution that this wheel was built from. */
  builtFrom?: Digest;
  rebuild?: Rebuild;
}

/** An image takes the place of one that is damaged. */
export interface Rebuild {
  /** The number that it had, where that is known: so inode numbers stay. */
  serial?: Serial;
  /** Called when the image is staged: takes the damaged one away from its name. */
  setAside(): Promise<void>;
}

export interface PutResult {
  image: Image;
  /** False when the store had the image already. */
  added: boolean;
}

/**
 * Puts a wheel file into the store: verified, unpacked into a staged image, made durable, published
 * under its final name with link(2). Whoever comes second with the same wheel gets the first's image.
 * A refused wheel or a failure leaves the store as it was; only what is refused for its contents
 * (CRC, RECORD) has been staged by then, which leaves a new time on the staging folder.
 */
export async function putWheel(
  store: Store,
  wheelPath: string,
  options: PutOptions = {},
): Promise<PutResult> {
  const filename = parseWheelFilename(basename(wheelPath));
  const digest = await sha256OfFile(wheelPath);
  const place = imagePlace(basename(wheelPath), digest);
  const target = join(store.layout.images, place.folder, place.file);
  const version = filename.version.replaceAll('_', '-');
  const known = options.rebuild ? undefined : await store.find(filename.distribution, version, digest);
  if (known) return { image: await Image.open(known.path), added: false };
  const archive = await WheelArchive.open(wheelPath);
  try {
    const plan = await readPlan(archive, wheelPath);
    const staged = await stageImage(store, archive, plan, digest, options);
    await options.rebuild?.setAside();
    const added = await publishInFolder(store.layout.images, staged, target);
    return { image: await Image.open(target), added };
  } finally {
    await archive.close();
  }
}

/** Removes an image from the store: one unlink. The caller knows that nothing refers to it. */
export async function removeImage(path: string): Promise<void> {
  await unlink(path);
  await syncFolder(dirname(path));
}

async function readPlan(archive: WheelArchive, wheelPath: string): Promise<WheelPlan> {
  const filename = parseWheelFilename(basename(wheelPath));
  const distInfo = findDistInfo(archive.entries, filename);
  const has = new Set<string>(archive.entries.map(({ path }) => path));
  const text = async (name: string, optional = false) => {
    const path = `${distInfo}/${name}`;
    if (has.has(path)) return archive.readText(path, name === 'RECORD' ? 'recordBytes' : 'metadataBytes');
    if (optional) return '';
    const code = name === 'RECORD' ? 'WHEEL_RECORD' : 'WHEEL_METADATA';
    throw refuseWheel(code, `${wheelPath} has no ${path}`, path);
  };
  const texts = {
    wheel: await text('WHEEL'),
    metadata: await text('METADATA'),
    record: await text('RECORD'),
    entryPoints: await text('entry_points.txt', true),
  };
  return planWheel(filename, distInfo, archive.entries, texts, archive.limits);
}

async function stageImage(
  store: Store,
  archive: WheelArchive,
  plan: WheelPlan,
  digest: Digest,
  options: PutOptions,
): Promise<string> {
  const contents = await WheelContents.prepare(archive, plan);
  const contentBytes = contents.files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  const meta = { ...describe(plan, basename(archive.path), digest, options.builtFrom), contentBytes };
  await store.prepare();
  try {
    return await stageFile(store.layout.staging, (file) =>
      writeImage(file, {
        kind: imageKinds.wheel,
        claimSerial: async () => options.rebuild?.serial ?? claimSerial(store),
        meta,
        files: contents.files,
        content: (entry) => contents.read(entry),
        onBytes: () => options.signal?.throwIfAborted(),
      }),
    );
  } catch (cause) {
    if (!(cause instanceof TreeConflict)) throw cause;
    throw new ShenvError('WHEEL_ENTRY', `${archive.path}: ${cause.message}`, {
      hint: 'The wheel is refused; ask its publisher for a mended one.',
      cause,
    });
  }
}

/** The number of the next image of this store. */
export async function claimSerial(store: Store): Promise<Serial> {
  return toSerial(await claimNumber(store.layout.serials, firstSerial));
}

/**
 * A new store starts at a random multiple of 2^20, so that images of two stores that are used
 * together hardly ever share serials (and with them inode numbers).
 */
function firstSerial(): number {
  return randomInt(0, 2 ** 11) * 2 ** 20 + 1;
}

function describe(
  plan: WheelPlan,
  wheelFilename: string,
  wheelDigest: Digest,
  builtFrom?: Digest,
): Omit<ImageMeta, 'contentBytes'> {
  const { metadata } = plan;
  return {
    name: metadata.name,
    version: metadata.version,
    summary: metadata.summary,
    wheelFilename,
    wheelDigest,
    tags: plan.tags,
    requiresDist: metadata.requiresDist,
    ...(metadata.requiresPython === undefined ? {} : { requiresPython: metadata.requiresPython }),
    providesExtra: metadata.providesExtra,
    rootIsPurelib: plan.rootIsPurelib,
    distInfo: plan.distInfo,
    scripts: plan.entryPoints,
    fileCount: plan.files.length,
    ...(builtFrom === undefined ? {} : { builtFrom }),
  };
}
