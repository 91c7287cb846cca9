import { cp, mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { sha256 } from '../../src/base/digest.js';
import { unless } from '../../src/base/errors.js';
import { findPlaces } from '../../src/base/paths.js';
import { collectGarbage, type Garbage, type GarbageRequest } from '../../src/env/collect-garbage.js';
import { openWorkspace, type Workspace } from '../../src/env/workspace.js';
import type { Image } from '../../src/image/read.js';
import { type Layer, type Manifest, manifestVersion } from '../../src/manifest/types.js';
import { putBytecode } from '../../src/store/bytecode.js';
import { identifyHome } from '../../src/store/homes.js';
import { putWheel } from '../../src/store/put.js';
import { type HomeRoots, readRoots } from '../../src/store/roots.js';
import { eventually } from './eventually.js';
import { temporaryFolder } from './temporary-folder.js';
import { writeWheel } from './wheel-builder.js';

const always: GarbageRequest = {
  keep: undefined,
  protectedGenerations: [],
  olderThanMs: 0,
  maxBytes: undefined,
  isDryRun: false,
  waitMs: 0,
  settleMs: 0,
};

/** A home with environments of hand-made wheels; nothing of it needs a Python. */
export class StoredHome {
  readonly home: string;
  readonly store: string;
  readonly #wheels: string;
  readonly workspace: Workspace;

  private constructor(folder: string, home: string, store: string) {
    this.home = home;
    this.store = store;
    this.#wheels = join(folder, 'wheels');
    this.workspace = openWorkspace(findPlaces({ HOME: folder, SHENV_HOME: home, SHENV_STORE: store }));
  }

  static async make(t: ExecutionContext): Promise<StoredHome> {
    const folder = await temporaryFolder(t);
    return new StoredHome(folder, join(folder, 'home'), join(folder, 'store'));
  }

  /** A second home on the same store. */
  beside(name: string): StoredHome {
    return new StoredHome(join(this.home, '..'), join(this.home, '..', name), this.store);
  }

  async copyTo(name: string): Promise<StoredHome> {
    const copy = this.beside(name);
    await cp(this.home, copy.home, { recursive: true, preserveTimestamps: true });
    return copy;
  }

  get layout() {
    return this.workspace.store.layout;
  }

  async put(name: string, version = '1.0', bytes = 100): Promise<Image> {
    await mkdir(this.#wheels, { recursive: true });
    const files = { [`${name}.py`]: `${'#'.repeat(bytes)}\n` };
    const wheel = await writeWheel(this.#wheels, { name, version, files });
    return (await putWheel(this.workspace.store, wheel)).image;
  }

  /** The image of the same wheel with bytecode that no Python has made. */
  compile(base: Image): Promise<Image> {
    return putBytecode(this.workspace.store, base, 'cpython-999', async (_, output, sources) => {
      await writeFile(output, Buffer.alloc(sources.length * 16));
      return sources.map(() => 16);
    });
  }

  manifest(name: string, serial: number, images: readonly Image[], generation = 1): Manifest {
    return {
      version: manifestVersion,
      name,
      serial,
      generation,
      change: { atMs: 1, what: 'test' },
      createdMs: 1_700_000_000_000,
      interpreter: sha256(Buffer.from('python')),
      layers: images.map(layerOf),
      parents: [],
      options: { systemSitePackages: false, bytecode: false, held: [] },
      nextSlot: images.length + 1,
      requested: [],
    };
  }

  /** A new environment that shows `images`. */
  async publish(name: string, ...images: Image[]): Promise<Manifest> {
    const { environments } = this.workspace;
    const manifest = this.manifest(name, await environments.claimSerial(), images);
    await environments.create(manifest);
    return manifest;
  }

  async roots(): Promise<HomeRoots | undefined> {
    return readRoots(this.layout, await identifyHome(this.home));
  }

  gc(options: Partial<GarbageRequest> = {}): Promise<Garbage> {
    return collectGarbage(this.workspace, { ...always, ...options });
  }

  gcWith(signal: AbortSignal, options: Partial<GarbageRequest>): Promise<Garbage> {
    return collectGarbage({ ...this.workspace, signal }, { ...always, ...options });
  }

  /** Resolves once a gc has taken something out of the sight of look-ups. */
  async condemnedAppears(): Promise<void> {
    await eventually(async () => {
      const found = (await unless('ENOENT', readdir(this.layout.condemned, { recursive: true }))) ?? [];
      return found.some((file) => file.endsWith('.img'));
    }, 'something is condemned');
  }

  /** Names and versions of what the store has. */
  async images(): Promise<string[]> {
    const found: string[] = [];
    for await (const { name, version } of this.workspace.store.list()) found.push(`${name} ${version}`);
    return found;
  }
}

function layerOf(image: Image, index: number): Layer {
  const { name, version } = image.meta;
  return {
    image: { name, version, wheelDigest: image.wheelDigest },
    slot: index + 1,
    reason: 'requested',
    installer: 'pip',
  };
}
