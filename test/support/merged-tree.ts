import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { sha256 } from '../../src/base/digest.js';
import { imageKinds, nodeFlags } from '../../src/image/format.js';
import type { ImageContents } from '../../src/store/image-contents.js';
import { attributesOf, listEntries, locate } from '../../src/view/locate.js';
import { render } from '../../src/view/render.js';
import type { View, ViewEntry } from '../../src/view/tree.js';

/** What is shown at one path: type, mode, time, and content (of bytecode the header that makes it valid). */
export type Shown = string;

/** An upper layer over a lower tree, read by the rules of docs/writable.md, "On disk", and by nothing else. */
export interface Layers {
  /** The upper layer's `tree`. */
  root: string;
  lower: View;
  /** Where it is shown, and the name. */
  path: string;
  name: string;
  contents: ImageContents;
}

export async function readMerged(layers: Layers): Promise<Map<string, Shown>> {
  const merged = new Merged(layers);
  await merged.folder('', layers.lower.root);
  return merged.shown;
}

class Merged {
  readonly shown = new Map<string, Shown>();
  readonly #layers: Layers;

  constructor(layers: Layers) {
    this.#layers = layers;
  }

  /** A folder of the upper layer; `lower` is what it is merged with. */
  async folder(path: string, lower: ViewEntry | undefined): Promise<void> {
    const { root, lower: view } = this.#layers;
    const names = readdirSync(join(root, path));
    const hidden = new Set(names.filter((name) => name.startsWith('.wh.')).map((name) => name.slice(4)));
    const upper = names.filter((name) => !name.startsWith('.wh.'));
    const below = new Map((lower && listEntries(view, lower)) ?? []);
    this.#put(path, ...describeUpper(join(root, path)));
    for (const name of upper) {
      const child = join(path, name);
      const full = join(root, child);
      if (!lstatSync(full).isDirectory()) this.#put(child, ...describeUpper(full));
      else {
        const redirect = readdirSync(full).includes('.wh..lower');
        const target = redirect
          ? locate(view, readFileSync(join(full, '.wh..lower'), 'utf8'))
          : below.get(name);
        await this.folder(
          child,
          (redirect || !hidden.has(name)) && target && isFolder(target) ? target : undefined,
        );
      }
    }
    for (const [name, entry] of below)
      if (!upper.includes(name) && !hidden.has(name)) await this.#lower(join(path, name), entry);
  }

  async #lower(path: string, entry: ViewEntry): Promise<void> {
    const { lower, contents, path: at, name } = this.#layers;
    const { mode, mtimeNs } = attributesOf(lower, entry);
    if (isFolder(entry)) {
      this.#put(path, mode, timeOf(lower, entry) ?? mtimeNs, 'folder');
      for (const [child, below] of listEntries(lower, entry)!) await this.#lower(join(path, child), below);
    } else if (entry.kind === 'link') this.#put(path, mode, mtimeNs, `link ${entry.target}`);
    else if (entry.kind === 'generated') {
      const context = {
        path: at,
        name,
        systemSitePackages: lower.systemSitePackages,
        readContents: contents.readAll.bind(contents),
      };
      this.#put(path, mode, mtimeNs, contentOf(path, await render(lower, entry.content, context)));
    } else if (entry.kind === 'file') {
      const data = await contents.readAll(lower.layers[entry.layer]!.image, entry.node);
      const shown = withCheckedHeader(lower, entry, data);
      this.#put(path, mode, timeOf(lower, entry) ?? mtimeNs, contentOf(path, shown));
    }
  }

  #put(path: string, mode: number, mtimeNs: bigint, content: string): void {
    this.shown.set(path, `${(mode & 0o7777).toString(8)} ${mtimeNs} ${content}`);
  }
}

function describeUpper(full: string): [mode: number, mtimeNs: bigint, content: string] {
  const status = lstatSync(full, { bigint: true });
  const mode = Number(status.mode);
  if (status.isDirectory()) return [mode, status.mtimeNs, 'folder'];
  if (status.isSymbolicLink()) return [mode, status.mtimeNs, `link ${readlinkSync(full)}`];
  return [mode, status.mtimeNs, contentOf(full, readFileSync(full))];
}

function contentOf(path: string, data: Buffer): string {
  if (path.includes('/__pycache__/')) return `bytecode ${data.toString('hex', 0, 16)}`;
  return `${data.length} ${sha256(data)}`;
}

function timeOf(view: View, entry: ViewEntry): bigint | undefined {
  if (entry.kind !== 'file' && entry.kind !== 'graft') return undefined;
  return view.layers[entry.layer]!.times?.get(entry.node)?.mtimeNs;
}

/** docs/writable.md, "Bytecode". */
function withCheckedHeader(view: View, { layer, node }: ViewEntry & { kind: 'file' }, data: Buffer): Buffer {
  const { image } = view.layers[layer]!;
  const isCompiled =
    image.header.kind === imageKinds.bytecode && (image.fileOf(node).flags & nodeFlags.inBase) === 0;
  if (!isCompiled) return data;
  const source = `${image.nameOf(node).split('.')[0]}.py`;
  const at = image.lookup(image.parentOf(image.parentOf(node)), source)!;
  const mtimeNs = view.layers[layer]!.times?.get(at)?.mtimeNs ?? image.mtimeNsOf(at);
  const patched = Buffer.from(data);
  patched.writeUInt32LE(0, 4);
  patched.writeUInt32LE(Number(mtimeNs / 1_000_000_000n), 8);
  patched.writeUInt32LE(image.fileOf(at).sizeBytes, 12);
  return patched;
}

function isFolder(entry: ViewEntry): boolean {
  return entry.kind === 'directory' || entry.kind === 'graft';
}
