import { type FileHandle, unlink } from 'node:fs/promises';
import { ShenvError } from '../base/errors.js';
import { digestOf, readDigests } from '../image/digests.js';
import { walkImage } from '../image/dump.js';
import { imageKinds } from '../image/format.js';
import { Image } from '../image/read.js';
import { renumberImage } from '../image/renumber.js';
import { verifyContents } from '../image/verify.js';
import { parseScriptEntryPoints } from '../wheel/entry-points.js';
import { expandTags, normalizeName, parseWheelFilename, sameVersion } from '../wheel/filename.js';
import { parseCoreMetadata } from '../wheel/metadata.js';
import { installPlace } from '../wheel/plan.js';
import { parseRecord, recordHash } from '../wheel/record.js';
import { readContent } from './image-contents.js';
import { imagePlace } from './layout.js';
import { stageInStore } from './modes.js';
import { publishImage } from './publish-image.js';
import { claimSerial } from './serials.js';
import type { Store } from './store.js';

/** An image of another store, verified and staged in this one; nobody sees it yet. */
export interface StagedImage {
  image: Image;
  path: string;
}

/**
 * Stages what `write` writes and verifies it: every rule of the format, every section and file by its digest,
 * and the meta section by the wheel's own files. Throws IMAGE_DAMAGED, IMAGE_VERSION; nothing stays then.
 */
export async function stageForeignImage(
  store: Store,
  write: (file: FileHandle) => Promise<void>,
): Promise<StagedImage> {
  await store.prepare();
  const path = await stageInStore(store.layout, store.layout.staging, write);
  try {
    const image = await Image.open(path, undefined, store.first.trust);
    await verifyContents(image);
    await assertDescribesItself(image);
    return { image, path };
  } catch (error) {
    await unlink(path);
    throw error;
  }
}

/** Publishes a staged image with a serial of this store; false when it had that wheel's image meanwhile. */
export async function publishForeignImage(store: Store, { image, path }: StagedImage): Promise<boolean> {
  const place = imagePlace(image.meta.wheelFilename, image.wheelDigest);
  await renumberImage(path, await claimSerial(store));
  return (await publishImage(store, path, place)).added;
}

/** What a reader takes from the meta section is what the wheel's files say, and RECORD names every file. */
async function assertDescribesItself(image: Image): Promise<void> {
  const rule = metaRule(image) ?? (await metadataRule(image)) ?? (await recordRule(image));
  if (rule === undefined) return;
  throw new ShenvError('IMAGE_DAMAGED', `${image.path}: ${rule}`, {
    hint: 'The image is refused; nothing of it was kept.',
    path: image.path,
  });
}

function metaRule({ header, meta, wheelDigest }: Image): string | undefined {
  if (header.kind !== imageKinds.wheel) return "it is no wheel's image";
  if (meta.wheelDigest !== wheelDigest) return 'header and meta name two wheels';
  const filename = parseWheelFilename(meta.wheelFilename);
  const isSame =
    normalizeName(filename.distribution) === normalizeName(meta.name) &&
    sameVersion(filename.version.replaceAll('_', '-'), meta.version.replaceAll('_', '-'));
  if (!isSame) return `${meta.wheelFilename} is not of ${meta.name} ${meta.version}`;
  if (String(expandTags(filename)) !== String(meta.tags)) return 'its tags are not those of its wheel';
  return /^[^/]+\.dist-info$/.test(meta.distInfo)
    ? undefined
    : 'its .dist-info is no folder of site-packages';
}

async function metadataRule(image: Image): Promise<string | undefined> {
  const { meta } = image;
  const text = async (name: string) => {
    const node = image.resolve(`site/${meta.distInfo}/${name}`);
    return node === undefined || image.isDirectory(node)
      ? ''
      : (await readContent(image, node)).toString('utf8');
  };
  const { name, version, requiresDist } = parseCoreMetadata(
    await text('METADATA'),
    `${meta.distInfo}/METADATA`,
  );
  if (name !== meta.name || version !== meta.version) return `its METADATA is of ${name} ${version}`;
  if (!isSame(requiresDist, meta.requiresDist)) return 'its METADATA names other requirements';
  const entryPoints = parseScriptEntryPoints(
    await text('entry_points.txt'),
    `${meta.distInfo}/entry_points.txt`,
  );
  return isSame(entryPoints, meta.scripts) ? undefined : 'its entry points are others';
}

async function recordRule(image: Image): Promise<string | undefined> {
  const { distInfo } = image.meta;
  const recordPath = `site/${distInfo}/RECORD`;
  const record = image.resolve(recordPath);
  if (record === undefined || image.isDirectory(record)) return 'it has no RECORD';
  const hashes = new Map<string, string>();
  for (const row of parseRecord((await readContent(image, record)).toString('utf8'), recordPath)) {
    const { scheme, path } = installPlace(row.path);
    hashes.set(`${scheme}/${path}`, row.hash.replace(/=+$/, ''));
  }
  const unrecorded = new Set(['', '.jws', '.p7s'].map((ending) => `${recordPath}${ending}`));
  const digests = await readDigests(image);
  for (const { path, node } of walkImage(image)) {
    if (image.isDirectory(node) || unrecorded.has(path)) continue;
    const hash = hashes.get(path);
    if (hash === undefined) return `RECORD does not name '${path}'`;
    // RECORD has the digest of a script with its first line, which images leave out.
    if (image.isPythonScript(node) || !hash.startsWith('sha256=')) continue;
    if (recordHash(digestOf(digests, image.fileOf(node).digestIndex)) !== hash)
      return `'${path}' is not what RECORD says`;
  }
  return undefined;
}

function isSame(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
