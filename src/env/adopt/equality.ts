import { readFile, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { Digest } from '../../base/brands.js';
import { sha256OfFile } from '../../base/digest.js';
import { isRefusal, unless } from '../../base/errors.js';
import { digestOf, readDigests } from '../../image/digests.js';
import type { Image } from '../../image/read.js';
import type { ImageContents } from '../../store/image-contents.js';
import { attributesOf } from '../../view/locate.js';
import { render } from '../../view/render.js';
import type { ImageEntry, View } from '../../view/tree.js';
import { isStaleFor, readHeader, sourceOfBytecode } from './bytecode-equality.js';
import type { Statuses } from './candidates.js';
import { placeOf } from './identity.js';
import type { Drop } from './plan.js';
import type { Pair, Steps } from './reconcile.js';
import { isGone, isKeepable, type UpperStatus } from './upper-tree.js';

/** What copies are compared with, and how they are read. */
export interface Comparing {
  /** The upper layer's `tree`. */
  root: string;
  statuses: Statuses;
  /** SHA-256 of files that were read already, by path. */
  digests: ReadonlyMap<string, Digest>;
  lower: View;
  /** Absolute paths at which the environment is shown: generated files are compared as they are shown there. */
  roots: readonly string[];
  name: string;
  contents: ImageContents;
  /** Paths of whiteouts, there or to be made. */
  hidden: ReadonlySet<string>;
}

/** Which of the copies of `steps` are equal to what the lower tree has, in type and content, and have a mode that can be kept. */
export async function findEqual(comparing: Comparing, steps: Pick<Steps, 'files'>): Promise<Drop[]> {
  const equality = new Equality(comparing);
  const isCompiled = ({ path }: Pair) => path.endsWith('.pyc');
  for (const pair of steps.files) if (!isCompiled(pair)) await equality.check(pair);
  // Bytecode is equal only where its source is.
  for (const pair of steps.files) if (isCompiled(pair)) await equality.check(pair);
  return [...equality.drops.values()];
}

/** What goes away while it is compared, and what may not be read, stays as it is. */
function unreadable(error: unknown): false {
  if (isGone(error) || isRefusal(error)) return false;
  throw error;
}

class Equality {
  readonly #comparing: Comparing;
  readonly #imageDigests = new Map<Image, Promise<Buffer>>();
  readonly drops = new Map<string, Drop>();

  constructor(comparing: Comparing) {
    this.#comparing = comparing;
  }

  async check(pair: Pair): Promise<void> {
    const { statuses, lower } = this.#comparing;
    const status = statuses.get(pair.path);
    if (!status || !(await this.#isEqual(pair, status).catch(unreadable))) return;
    const { stamp, mtimeNs } = status;
    const mode = pair.lower.kind === 'link' ? undefined : status.mode;
    this.drops.set(pair.path, { path: pair.path, stamp, mtimeNs, mode, ...placeOf(lower, pair.lower) });
  }

  async #isEqual({ path, lower: entry }: Pair, status: UpperStatus): Promise<boolean> {
    const { root, lower } = this.#comparing;
    if (entry.kind === 'link') {
      const target = await readlink(join(root, path)).catch(() => undefined);
      return target === entry.target;
    }
    if (entry.kind !== 'file' && entry.kind !== 'generated') return false;
    if (!isKeepable(status.mode)) return false;
    if (entry.kind === 'generated') return this.#isRendered(path, entry.content);
    if (sourceOfBytecode(lower, entry) !== undefined) return this.#isValidBytecode(path, entry);
    if (status.sizeBytes !== attributesOf(lower, entry).sizeBytes) return false;
    return (await this.#digestOf(path)) === (await this.#imageDigest(entry));
  }

  async #isRendered(path: string, content: Parameters<typeof render>[1]): Promise<boolean> {
    const { root, roots, name, lower, contents } = this.#comparing;
    const found = await unless('ENOENT', readFile(join(root, path)));
    if (!found) return false;
    const { systemSitePackages } = lower;
    const readContents = contents.readAll.bind(contents);
    for (const shown of roots) {
      const context = { path: shown, name, systemSitePackages, readContents };
      if (found.equals(await render(lower, content, context))) return true;
    }
    return false;
  }

  /** The lower tree shows a header that is made of its source's time and size (docs/writable.md, "Bytecode"). */
  async #isValidBytecode(path: string, entry: ImageEntry): Promise<boolean> {
    const { root, lower, contents, statuses, hidden } = this.#comparing;
    const source = sourceOfBytecode(lower, entry)!;
    const sourcePath = path.replace(/__pycache__\/[^/]*$/, source.name);
    const status = statuses.get(sourcePath);
    if (status ? !this.drops.has(sourcePath) : hidden.has(sourcePath)) return false;
    const { image, times } = lower.layers[entry.layer]!;
    const mtimeNs = status?.mtimeNs ?? times?.get(source.node)?.mtimeNs ?? image.mtimeNsOf(source.node);
    const header = await readHeader(join(root, path));
    const magic = (await contents.read(image, entry.node, 0, 4)).toString('hex');
    const { sizeBytes } = image.fileOf(source.node);
    return header !== undefined && !isStaleFor(header, { magic, mtimeNs, sizeBytes });
  }

  async #digestOf(path: string): Promise<Digest | undefined> {
    const { digests, root } = this.#comparing;
    return digests.get(path) ?? (await unless('ENOENT', sha256OfFile(join(root, path))));
  }

  async #imageDigest({ layer, node }: ImageEntry): Promise<string> {
    const { image } = this.#comparing.lower.layers[layer]!;
    const reading = this.#imageDigests.get(image) ?? readDigests(image);
    this.#imageDigests.set(image, reading);
    return digestOf(await reading, image.fileOf(node).digestIndex).toString('hex');
  }
}
