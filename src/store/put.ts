import type { FileHandle } from 'node:fs/promises';
import { basename } from 'node:path';
import type { Digest, Serial } from '../base/brands.js';
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
import { stageInStore } from './modes.js';
import { publishImage } from './publish-image.js';
import { claimSerial } from './serials.js';
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
 * under its final name with link(2). A wheel that an upstream store has is not put again; whoever comes second with the
 * same wheel gets the first's image.
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
  const version = filename.version.replaceAll('_', '-');
  const openKnown = () => store.open(filename.distribution, version, digest);
  const known = options.rebuild ? undefined : await store.find(filename.distribution, version, digest);
  if (known) return { image: await openKnown(), added: false };
  const archive = await WheelArchive.open(wheelPath);
  try {
    const plan = await readPlan(archive, wheelPath);
    const staged = await stageImage(store, archive, plan, digest, options);
    await options.rebuild?.setAside();
    const { path, added } = await publishImage(store, staged, imagePlace(basename(wheelPath), digest));
    const image = added ? await Image.open(path, undefined, store.first.trust) : await openKnown();
    return { image, added };
  } finally {
    await archive.close();
  }
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
    const write = (file: FileHandle) =>
      writeImage(file, {
        kind: imageKinds.wheel,
        claimSerial: async () => options.rebuild?.serial ?? claimSerial(store),
        meta,
        files: contents.files,
        content: (entry) => contents.read(entry),
        onBytes: () => options.signal?.throwIfAborted(),
      });
    return await stageInStore(store.layout, store.layout.staging, write);
  } catch (cause) {
    if (!(cause instanceof TreeConflict)) throw cause;
    throw new ShenvError('WHEEL_ENTRY', `${archive.path}: ${cause.message}`, {
      hint: 'The wheel is refused; ask its publisher for a mended one.',
      cause,
    });
  }
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
