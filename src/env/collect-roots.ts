import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { isRefusal, ShenvError, unless } from '../base/errors.js';
import { encodeManifest } from '../manifest/codec.js';
import type { Manifest } from '../manifest/types.js';
import type { Marked, MarkTimes } from '../store/gc/collect.js';
import { listHomes, type RegisteredHome, readHomeId } from '../store/homes.js';
import type { ImageName, StoreLayout } from '../store/layout.js';
import {
  forgetGone,
  type HomeRoots,
  imagesOf,
  mendRoots,
  type Root,
  type RootKey,
  readRoots,
  removeRoot,
  retireRoots,
  rootKeyOf,
} from '../store/roots.js';
import { Environments } from './environments.js';
import { readJournals } from './joint-change.js';

/** How old a root of nothing has to be before it is given up; its generation may be about to be published. */
const publicationMs = 3_600_000;

export interface MarkOptions extends MarkTimes {
  /** How long the notes of deleted generations are kept. */
  goneMs: number;
  /** Register what is not registered, give up roots of nothing; false only reads. */
  isMending: boolean;
}

/** A home of which it is not known what it refers to. */
interface Gap {
  home: RegisteredHome;
  why: string;
}

/**
 * What every home refers to: its roots, and where it can be reached also its generations themselves, so that a lost or
 * damaged root is no matter. Throws ROOTS_INCOMPLETE where neither tells.
 */
export async function markReferred(layout: StoreLayout, options: MarkOptions): Promise<Marked> {
  const marked: Marked = { referred: new Set(), givenUpMs: new Map() };
  const gaps: Gap[] = [];
  for (const home of await listHomes(layout)) {
    const why = await new HomeMark(layout, home, options).mark(marked);
    if (why !== undefined) gaps.push({ home, why });
  }
  if (gaps.length > 0) throw incomplete(layout, gaps);
  return marked;
}

/** The marks of one home. */
class HomeMark {
  readonly #layout: StoreLayout;
  readonly #home: RegisteredHome;
  readonly #options: MarkOptions;

  constructor(layout: StoreLayout, home: RegisteredHome, options: MarkOptions) {
    this.#layout = layout;
    this.#home = home;
    this.#options = options;
  }

  /** Why it is not known what the home refers to; undefined where it is. The home is read first: roots come before. */
  async mark(marked: Marked): Promise<string | undefined> {
    const published = await this.#readPublished();
    const roots = await readRoots(this.#layout, this.#home.id);
    if (roots === undefined && published === undefined) return 'its roots are gone';
    if (this.#home.path === undefined && published === undefined) return 'it is not known where it is';
    const known = roots ?? { live: [], gone: [], halved: [] };
    const unknown = known.live.filter((root) => !root.manifest && !published?.covers(root));
    if (unknown.length > 0) return `${unknown.length} of its roots are damaged`;
    if (published && published.unreadJournals.length > 0)
      return `${published.unreadJournals[0]} cannot be read by this version`;
    const unread = published?.damaged.find((item) => !known.live.some((root) => isOf(root, item)));
    if (unread) return `${unread.name}@${unread.generation} is damaged, and its root is lost`;
    const orphans = published ? known.live.filter((root) => this.#isOfNothing(root, published)) : [];
    const live = known.live.filter((root) => !orphans.includes(root));
    for (const { manifest } of [...live, ...(published?.readable ?? [])])
      if (manifest) for (const name of imagesOf(manifest.layers)) marked.referred.add(name);
    noteGivenUp(marked.givenUpMs, known.gone);
    if (this.#options.isMending) {
      await this.#mend({ ...known, live }, published);
      await this.#giveUp(orphans);
    }
    return undefined;
  }

  /** Undefined where the home cannot be reached, or another one is in its place. */
  async #readPublished(): Promise<Published | undefined> {
    const { path, id } = this.#home;
    if (path === undefined) return undefined;
    const found = await readHomeId(path).catch(() => undefined);
    // Its environments may lie on a disk of their own, which is not there now.
    if (found !== id || !(await exists(join(path, 'environments')))) return undefined;
    return Published.read(path).catch((error: unknown) => {
      if (!isRefusal(error)) throw error;
      return undefined;
    });
  }

  async #mend(roots: HomeRoots, published: Published | undefined): Promise<void> {
    const { id } = this.#home;
    const { nowMs, goneMs } = this.#options;
    const halved = new Set(roots.halved.map(textOf));
    const sound = roots.live.filter((root) => root.manifest && !halved.has(textOf(root)));
    const whole = new Set(sound.map(textOf));
    const present = published?.readable ?? roots.halved.flatMap(generationsOf);
    const lost = present.filter((item) => !whole.has(textOf(item)));
    if (lost.length > 0) await this.#register(lost.map(({ manifest }) => manifest));
    // What is damaged and was not written anew is of a generation that is gone.
    const mended = new Set(lost.map(textOf));
    for (const root of roots.live)
      if (!root.manifest && !mended.has(textOf(root))) await removeRoot(this.#layout, id, root);
    await forgetGone(this.#layout, id, roots.gone, nowMs - goneMs);
  }

  /** What has been deleted since the home was read is given up again, or its images would stay for an hour more. */
  async #register(manifests: readonly Manifest[]): Promise<void> {
    const { id } = this.#home;
    await mendRoots(this.#layout, id, manifests);
    const published = await this.#readPublished();
    if (!published || published.damaged.length > 0) return;
    const present = new Set(published.readable.map(textOf));
    const deleted = manifests
      .map((manifest) => textOf(rootKeyOf(encodeManifest(manifest), manifest)))
      .filter((text) => !present.has(text));
    if (deleted.length > 0) await retireRoots(this.#layout, id, (key) => deleted.includes(textOf(key)));
  }

  /**
   * Whether its generation was never published, or is gone without its root having been given up: it is old, and no
   * operation runs that was there when it was registered.
   */
  #isOfNothing(root: Root, published: Published): boolean {
    const { nowMs, operationsSinceMs = nowMs } = this.#options;
    const isOld = root.atMs <= nowMs - publicationMs && root.atMs < operationsSinceMs;
    return isOld && root.manifest !== undefined && !published.covers(root);
  }

  async #giveUp(orphans: readonly Root[]): Promise<void> {
    if (orphans.length === 0) return;
    const doomed = new Set(orphans.map(textOf));
    await retireRoots(this.#layout, this.#home.id, (key) => doomed.has(textOf(key)));
  }
}

interface PublishedGeneration extends RootKey {
  manifest: Manifest;
}

/** The generations that a home has. */
class Published {
  readonly readable: readonly PublishedGeneration[];
  /** What cannot be read; while there is any, no root is of nothing. */
  readonly damaged: readonly { name: string; generation: number }[];
  /** Paths of journals that cannot be read, and may publish anything. */
  readonly unreadJournals: readonly string[];
  readonly #keys: ReadonlySet<string>;

  private constructor(
    readable: readonly PublishedGeneration[],
    { damaged, unreadJournals }: Pick<Published, 'damaged' | 'unreadJournals'>,
  ) {
    this.readable = readable;
    this.damaged = damaged;
    this.unreadJournals = unreadJournals;
    this.#keys = new Set(readable.map(textOf));
  }

  static async read(home: string): Promise<Published> {
    const environments = new Environments(home);
    const { manifests: interrupted, unread: unreadJournals } = await readJournals(environments);
    const { manifests, damaged } = await environments.readAll();
    const readable = [...interrupted, ...manifests].map((manifest) => ({
      ...rootKeyOf(encodeManifest(manifest), manifest),
      manifest,
    }));
    return new Published(readable, { damaged, unreadJournals });
  }

  /** Whether the root is known to be of a generation that is here or, where it is damaged, not needed. */
  covers(root: Root): boolean {
    if (this.#keys.has(textOf(root))) return true;
    return (root.manifest !== undefined) === this.damaged.length > 0;
  }
}

async function exists(path: string): Promise<boolean> {
  return (await unless('ENOENT', stat(path))) !== undefined;
}

function generationsOf({ manifest, ...root }: Root): PublishedGeneration[] {
  return manifest ? [{ ...root, manifest }] : [];
}

function isOf({ manifest }: Root, { name, generation }: { name: string; generation: number }): boolean {
  return manifest?.name === name && manifest.generation === generation;
}

function noteGivenUp(givenUpMs: Map<ImageName, number>, gone: readonly Root[]): void {
  for (const { manifest, atMs } of gone) {
    for (const name of imagesOf(manifest?.layers ?? []))
      givenUpMs.set(name, Math.max(atMs, givenUpMs.get(name) ?? 0));
  }
}

function textOf({ serial, generation, digest }: RootKey): string {
  return `${serial}-${generation}-${digest}`;
}

function incomplete({ root }: StoreLayout, gaps: readonly Gap[]): ShenvError {
  const named = gaps.map(({ home, why }) => `${home.path ?? `home ${home.id}`}: ${why}`);
  const first = gaps[0]!.home;
  const where = first.path === undefined ? '' : ` on ${first.host ?? 'its host'}`;
  return new ShenvError(
    'ROOTS_INCOMPLETE',
    `It is not known what every home refers to, so nothing was removed (${named.join('; ')})`,
    {
      hint: `Run \`shenv-fs store gc\` where that home can be reached${where}, or, if it is gone for good, \`shenv-fs store forget ${first.id}\` first.`,
      path: root,
    },
  );
}
