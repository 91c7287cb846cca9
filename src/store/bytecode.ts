import { type FileHandle, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { stagingName } from '../base/atomic-write.js';
import type { Serial } from '../base/brands.js';
import { unless } from '../base/errors.js';
import { openTrusted, type Trust } from '../base/trust.js';
import { digestOf, readDigests } from '../image/digests.js';
import { walkImage } from '../image/dump.js';
import { imageKinds, nodeFlags } from '../image/format.js';
import { Image, type NodeIndex } from '../image/read.js';
import type { ImageFile } from '../image/tree.js';
import { writeImage } from '../image/write.js';
import { sameVersion } from '../wheel/filename.js';
import { listFolder, type StorePart } from './chain.js';
import { bytecodeName, imagePlace } from './layout.js';
import { stageInStore } from './modes.js';
import { publishImage } from './publish-image.js';
import type { Rebuild } from './put.js';
import { claimSerial } from './serials.js';
import type { Store } from './store.js';

/** A Python source of an image and where its bytes are in the image's file. */
export interface SourceFile {
  path: string;
  contentOffset: number;
  sizeBytes: number;
}

/** Compiles sources of an image into `output`; the size of each .pyc, null where it does not compile. */
export type CompileSources = (
  image: string,
  output: string,
  sources: readonly SourceFile[],
  trust: Trust | undefined,
) => Promise<(number | null)[]>;

/** The image of the same wheel with bytecode for `cacheTag`, of any store, or undefined; a condemned one is taken back. */
export async function findBytecode(store: Store, base: Image, cacheTag: string): Promise<Image | undefined> {
  const place = bytecodePlace(base, cacheTag);
  const found = await findPlaced(store, base, place);
  if (found || !store.rescue(base.meta.name, base.wheelDigest)) return found;
  return findPlaced(store, base, place);
}

async function findPlaced(
  store: Store,
  base: Image,
  { folder, file }: { folder: string; file: string },
): Promise<Image | undefined> {
  for (const part of store.parts) {
    const folders = await part.versionFolders(dirname(folder));
    for (const { version, folder: path } of folders) {
      if (!sameVersion(version, basename(folder))) continue;
      const found = await findIn(part, path, file, base);
      if (found) return found;
    }
  }
  return undefined;
}

/** Under its own name, or one that ends in the same way where that was taken. */
async function findIn(
  part: StorePart,
  folder: string,
  file: string,
  base: Image,
): Promise<Image | undefined> {
  const named = await openFitting(part, join(folder, file), base);
  if (named) return named;
  const ending = endingOf(file);
  for (const other of await listFolder(folder)) {
    const found = other.endsWith(ending) ? await openFitting(part, join(folder, other), base) : undefined;
    if (found) return found;
  }
  return undefined;
}

/** What every name of an image of bytecode for this wheel and cache tag ends in. */
function endingOf(file: string): string {
  return /-[0-9a-f]{16}\..+$/.exec(file)![0];
}

/** Undefined where it is not there, not believed, or refers to places that its base has not. */
async function openFitting({ trust }: StorePart, path: string, base: Image): Promise<Image | undefined> {
  const image = await unless('ENOENT', Image.open(path, base, trust));
  return image && image.wheelDigest === base.wheelDigest && refersTo(image, base) ? image : undefined;
}

/**
 * Whether bytecode fits the wheel's image: every file that stays there is where it says. The base may be of another
 * store than the one that the bytecode was compiled from.
 */
export function refersTo(image: Image, base: Image): boolean {
  for (let node = 0; node < image.nodeCount; node += 1) {
    if (image.isDirectory(node)) continue;
    const { flags, baseNode, contentOffset, sizeBytes } = image.fileOf(node);
    if ((flags & nodeFlags.inBase) === 0) continue;
    if (baseNode >= base.nodeCount || base.isDirectory(baseNode)) return false;
    const there = base.fileOf(baseNode);
    if (there.contentOffset !== contentOffset || there.sizeBytes !== sizeBytes) return false;
  }
  return true;
}

/**
 * Puts the bytecode image of a wheel's image into the store: the same tree with `__pycache__`, whose
 * other files stay where they are in the wheel's image. Published like a wheel's image, in the store that is
 * written, wherever the wheel's is.
 */
export async function putBytecode(
  store: Store,
  base: Image,
  cacheTag: string,
  compile: CompileSources,
  rebuild?: Rebuild,
): Promise<Image> {
  await store.prepare();
  const compiled = join(store.layout.staging, stagingName());
  try {
    const sources = [...pythonSources(base)];
    const sizes = await compile(base.path, compiled, sources, base.trust);
    const claim = async () => rebuild?.serial ?? claimSerial(store);
    const staged = await stageBytecode(store, base, cacheTag, compiled, { sources, sizes, claim });
    await rebuild?.setAside();
    const { path } = await publishImage(store, staged, bytecodePlace(base, cacheTag));
    return await Image.open(path, base, store.first.trust);
  } finally {
    await rm(compiled, { force: true });
  }
}

/** Below `images`, of whichever store. */
function bytecodePlace(base: Image, cacheTag: string): { folder: string; file: string } {
  const { folder, file } = imagePlace(base.meta.wheelFilename, base.wheelDigest);
  return { folder, file: bytecodeName(file, cacheTag) };
}

/** What pip would compile: every `.py` file of site-packages. */
function* pythonSources(base: Image): Generator<SourceFile> {
  for (const { path, node } of walkImage(base)) {
    if (base.isDirectory(node) || !path.startsWith('site/') || !path.endsWith('.py')) continue;
    const { contentOffset, sizeBytes } = base.fileOf(node);
    yield { path, contentOffset, sizeBytes };
  }
}

interface Compiled {
  sources: readonly SourceFile[];
  sizes: readonly (number | null)[];
  claim: () => Promise<Serial>;
}

async function stageBytecode(
  store: Store,
  base: Image,
  cacheTag: string,
  compiledPath: string,
  { sources, sizes, claim }: Compiled,
): Promise<string> {
  const digests = await readDigests(base);
  const compiledAt = new Map<ImageFile, number>();
  const files = [...referredFiles(base)];
  const known = new Set(files.map(({ path }) => path));
  let offset = 0;
  sources.forEach(({ path }, index) => {
    const sizeBytes = sizes[index];
    if (sizeBytes === null || sizeBytes === undefined) return;
    const file = {
      path: compiledName(path, cacheTag),
      sizeBytes,
      executable: false,
      mtimeNs: base.mtimeNsOf(0),
      flags: 0,
    };
    if (!known.has(file.path)) {
      compiledAt.set(file, offset);
      files.push(file);
    }
    offset += sizeBytes;
  });
  const compiled = await openTrusted(compiledPath, store.first.trust);
  try {
    return await stageInStore(store.layout, store.layout.staging, async (target) =>
      writeImage(target, {
        kind: imageKinds.bytecode,
        claimSerial: claim,
        meta: { ...base.meta, cacheTag },
        files,
        baseDigest: (file) => digestOf(digests, base.fileOf(file.base!.node).digestIndex),
        async *content(file) {
          yield await readFully(compiled, file.sizeBytes, compiledAt.get(file)!);
        },
      }),
    );
  } finally {
    await compiled.close();
  }
}

/** read(2) may give a part only. Throws where the file ends too early. */
async function readFully(file: FileHandle, sizeBytes: number, position: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafe(sizeBytes);
  for (let done = 0; done < sizeBytes; ) {
    const { bytesRead } = await file.read(buffer, done, sizeBytes - done, position + done);
    if (bytesRead === 0) throw new Error(`compiled files end after ${position + done} bytes`);
    done += bytesRead;
  }
  return buffer;
}

function* referredFiles(base: Image): Generator<ImageFile> {
  for (const { path, node } of walkImage(base)) {
    if (base.isDirectory(node)) continue;
    yield { path, ...referredFile(base, node) };
  }
}

function referredFile(base: Image, node: NodeIndex): Omit<ImageFile, 'path'> {
  const { sizeBytes, contentOffset, flags } = base.fileOf(node);
  return {
    sizeBytes,
    executable: (base.modeOf(node) & 0o111) !== 0,
    mtimeNs: base.mtimeNsOf(node),
    flags: flags | nodeFlags.inBase,
    base: { node, contentOffset },
  };
}

/** PEP 3147: `package/module.py` to `package/__pycache__/module.<cache tag>.pyc`. */
function compiledName(path: string, cacheTag: string): string {
  const name = basename(path, '.py');
  return `${dirname(path)}/__pycache__/${name}.${cacheTag}.pyc`;
}
