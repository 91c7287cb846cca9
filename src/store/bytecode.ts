import { type FileHandle, open, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { publishInFolder, stageFile, stagingName } from '../base/atomic-write.js';
import type { Serial } from '../base/brands.js';
import { unless } from '../base/errors.js';
import { walkImage } from '../image/dump.js';
import { imageKinds, nodeFlags } from '../image/format.js';
import { digestOf, Image, type NodeIndex, readDigests } from '../image/read.js';
import type { ImageFile } from '../image/tree.js';
import { writeImage } from '../image/write.js';
import { normalizeName } from '../wheel/filename.js';
import { bytecodeName } from './layout.js';
import { claimSerial, type Rebuild } from './put.js';
import { rescue } from './rescue.js';
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
) => Promise<(number | null)[]>;

/** The image of the same wheel with bytecode for `cacheTag`, or undefined; a condemned one is taken back. */
export async function findBytecode(
  { layout }: Store,
  base: Image,
  cacheTag: string,
): Promise<Image | undefined> {
  const path = bytecodePath(base, cacheTag);
  const open = () => unless('ENOENT', Image.open(path, base));
  const found = await open();
  if (found) return found;
  return rescue(layout, normalizeName(base.meta.name), basename(path)) ? open() : undefined;
}

/**
 * Puts the bytecode image of a wheel's image into the store: the same tree with `__pycache__`, whose
 * other files stay where they are in the wheel's image. Published like a wheel's image.
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
    const sizes = await compile(base.path, compiled, sources);
    const claim = async () => rebuild?.serial ?? claimSerial(store);
    const staged = await stageBytecode(store, base, cacheTag, compiled, { sources, sizes, claim });
    const target = bytecodePath(base, cacheTag);
    await rebuild?.setAside();
    await publishInFolder(store.layout.images, staged, target);
    return await Image.open(target, base);
  } finally {
    await rm(compiled, { force: true });
  }
}

function bytecodePath(base: Image, cacheTag: string): string {
  return join(dirname(base.path), bytecodeName(basename(base.path), cacheTag));
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
  const compiled = await open(compiledPath, 'r');
  try {
    return await stageFile(store.layout.staging, async (target) =>
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
