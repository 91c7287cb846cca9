import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { type Serial, toSerial } from '../../base/brands.js';
import { ShenvError, systemErrorCode } from '../../base/errors.js';
import { Image } from '../../image/read.js';
import { baseNameOf } from '../../store/layout.js';
import { mayWrite } from '../../store/modes.js';
import type { Rebuild } from '../../store/put.js';
import { noteRenewal } from '../../store/renewals.js';
import type { Store } from '../../store/store.js';
import { assertRepairable, listLost, setAside } from '../../store/verify/set-aside.js';
import { type ImageVerdict, type Verification, verifyStore } from '../../store/verify/verify.js';
import { compileMissing } from '../bytecode.js';
import { type Gap, type ImageUser, readStoreUse, usersByImage } from '../store-use.js';
import type { Workspace } from '../workspace.js';
import { findLocally, WheelFetch, type WheelSources } from './fetch-wheels.js';
import { KnownInterpreters } from './interpreters.js';
import { describeLosses, type LostWheel } from './losses.js';

export interface StoreRepairRequest extends WheelSources {
  distributions: readonly string[];
  dryRun: boolean;
}

interface MaybeAside extends ImageVerdict {
  /** Where the damaged file is now. */
  asideAt?: string | undefined;
}

/**
 * `rebuilt` under its name; `lost`: put aside, and its wheel is not to be had; `left`: it is sound or another's, and
 * stays. With `dryRun` what would be tried.
 */
export type RepairOutcome = 'rebuilt' | 'lost' | 'left' | 'would be rebuilt';

export interface RepairedImage extends MaybeAside {
  outcome: RepairOutcome;
  /** The wheel or the interpreter that it was, or would be, rebuilt with; or why it was not. */
  how: string;
  users: ImageUser[];
}

export interface StoreRepair extends Omit<Verification, 'faulty'> {
  images: RepairedImage[];
  /** What is not known of who shows images. */
  gaps: Gap[];
}

/**
 * Verifies a store, puts what is damaged aside and rebuilds it: wheels' images from the wheels with the digests that
 * they had, images of bytecode by compiling them again, both with their old numbers where those are known.
 * Throws STORE_UNUSABLE where something is damaged and the store cannot be written.
 */
export async function repairStore(workspace: Workspace, request: StoreRepairRequest): Promise<StoreRepair> {
  const { store, progress, signal } = workspace;
  const { distributions, dryRun } = request;
  return store.during('store repair', async () => {
    const { faulty, ...found } = await verifyStore(store, { distributions, progress, signal });
    const lost = await listLost(store, distributions);
    const use = faulty.length + lost.length > 0 ? await readStoreUse(workspace) : undefined;
    const users = use ? usersByImage(use) : new Map<string, ImageUser[]>();
    const broken = [...faulty.filter(isBroken), ...lost.filter(({ image }) => users.has(image))];
    if (broken.length > 0 && !dryRun) await assertRepairable(store.layout);
    const others = new Set<ImageVerdict>();
    for (const verdict of broken) if (!(await isOurs(verdict))) others.add(verdict);
    const images = await new StoreRepairing(workspace, request).run(
      broken.filter((item) => !others.has(item)),
    );
    if (images.some(({ outcome }) => outcome === 'rebuilt')) await noteRenewal(store.layout);
    const left = [
      ...faulty.filter((verdict) => !isBroken(verdict)).map(leave),
      ...[...others].map(leaveToOwner),
    ];
    const all = [...images, ...left].map((image) => ({ ...image, users: users.get(image.image) ?? [] }));
    return { ...found, images: all.sort((a, b) => (a.path < b.path ? -1 : 1)), gaps: use?.gaps ?? [] };
  });
}

function isBroken({ faults }: ImageVerdict): boolean {
  return faults.some(({ kind }) => kind === 'damaged' || kind === 'serial');
}

/**
 * What somebody who is not believed has written says nothing of what would be put in its place; what lies in another
 * user's folder cannot be moved.
 */
async function isOurs(verdict: MaybeAside): Promise<boolean> {
  if (!verdict.isBelieved) return false;
  return verdict.asideAt !== undefined || mayWrite(dirname(verdict.path));
}

function leave(verdict: ImageVerdict): Result {
  const isPlace = verdict.faults.every(({ kind }) => kind === 'place');
  return { ...verdict, outcome: 'left', how: isPlace ? 'move it to its place' : 'nothing was done' };
}

function leaveToOwner(verdict: ImageVerdict): Result {
  return { ...verdict, outcome: 'left', how: `user ${verdict.uid}, whose it is, can repair it` };
}

type Result = Omit<RepairedImage, 'users'>;

/** One repair, in a folder of its own for wheels. */
class StoreRepairing {
  readonly #workspace: Workspace;
  readonly #request: StoreRepairRequest;
  readonly #interpreters: KnownInterpreters;
  readonly #results: Result[] = [];

  constructor(workspace: Workspace, request: StoreRepairRequest) {
    this.#workspace = workspace;
    this.#request = request;
    this.#interpreters = new KnownInterpreters(workspace);
  }

  async run(broken: readonly ImageVerdict[]): Promise<Result[]> {
    if (broken.length === 0) return [];
    const folder = await mkdtemp(join(tmpdir(), 'shenv-fs-repair-'));
    try {
      await this.#rebuildWheels(
        broken.filter(({ basePaths }) => basePaths === undefined),
        folder,
      );
      await this.#rebuildBytecode(broken.filter(({ basePaths }) => basePaths !== undefined));
      return this.#results;
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }

  async #rebuildWheels(broken: readonly ImageVerdict[], folder: string): Promise<void> {
    if (broken.length === 0) return;
    const { store, progress, signal } = this.#workspace;
    const lost = await describeLosses(store.layout, broken);
    const wheels = await findLocally(lost, this.#request.findLinks);
    const missing = lost.filter((wheel) => !wheels.has(wheel));
    if (this.#request.dryRun) return this.#forecastWheels(lost, wheels);
    const fetch = new WheelFetch(this.#workspace, this.#interpreters, this.#request, folder);
    progress.start('Fetching', missing.length);
    try {
      await fetch.run(missing);
      progress.start('Rebuilding', lost.length);
      for (const wheel of lost) {
        signal?.throwIfAborted();
        progress.advance(1, wheel.name);
        this.#results.push(await this.#rebuildWheel(wheel, wheels.get(wheel) ?? fetch.found.get(wheel)));
      }
    } finally {
      progress.finish();
    }
  }

  #forecastWheels(lost: readonly LostWheel[], wheels: ReadonlyMap<LostWheel, string>): void {
    for (const wheel of lost) {
      const how = wheels.get(wheel) ?? wheel.urls[0] ?? 'pip would be asked';
      this.#results.push({ ...wheel.verdict, outcome: 'would be rebuilt', how });
    }
  }

  async #rebuildWheel(lost: LostWheel, path: string | undefined): Promise<Result> {
    const { verdict } = lost;
    if (path === undefined) return this.#giveUp(verdict, whyLost(lost));
    const { putWheel } = await import('../../store/put.js');
    const aside = new Aside(this.#workspace, verdict);
    try {
      const { store, signal } = this.#workspace;
      const { builtFrom } = verdict;
      await putWheel(store, path, {
        rebuild: aside.rebuild,
        ...(builtFrom ? { builtFrom } : {}),
        ...(signal ? { signal } : {}),
      });
      return { ...verdict, outcome: 'rebuilt', how: basename(path), asideAt: aside.path };
    } catch (error) {
      if (!(error instanceof ShenvError)) throw error;
      return this.#giveUp(verdict, error.message);
    }
  }

  async #giveUp(verdict: MaybeAside, how: string): Promise<Result> {
    const asideAt = verdict.asideAt ?? (await setAside(this.#workspace.store.layout, verdict));
    return { ...verdict, outcome: 'lost', how, asideAt };
  }

  async #rebuildBytecode(broken: readonly ImageVerdict[]): Promise<void> {
    const tags = new Map<string, ImageVerdict[]>();
    for (const verdict of broken) {
      const tag = verdict.image.slice(baseNameOf(verdict.image).length + 1);
      tags.set(tag, [...(tags.get(tag) ?? []), verdict]);
    }
    for (const [tag, verdicts] of tags) await this.#compile(tag, verdicts);
  }

  async #compile(cacheTag: string, verdicts: readonly ImageVerdict[]): Promise<void> {
    const interpreter = await this.#interpreters.find((probe) => probe.cacheTag === cacheTag);
    const rebuilds = new Map<Image, Rebuild>();
    const asides: Aside[] = [];
    for (const verdict of verdicts) {
      const base = await openSound(this.#workspace.store, verdict.basePaths!);
      if (this.#request.dryRun)
        this.#results.push({ ...verdict, outcome: 'would be rebuilt', how: `compiled for ${cacheTag}` });
      else if (!interpreter) this.#results.push(await this.#giveUp(verdict, `no ${cacheTag} is here`));
      else if (!base) this.#results.push(await this.#giveUp(verdict, "its wheel's image is lost too"));
      else {
        const aside = new Aside(this.#workspace, verdict);
        asides.push(aside);
        rebuilds.set(base, aside.rebuild);
      }
    }
    if (!interpreter || rebuilds.size === 0) return;
    await compileMissing(this.#workspace, interpreter, [...rebuilds.keys()], rebuilds);
    for (const { verdict, path } of asides)
      this.#results.push({
        ...verdict,
        outcome: 'rebuilt',
        how: interpreter.baseExecutable,
        asideAt: path,
      });
  }
}

/** Puts one image aside at the moment when the one that takes its place is ready. */
class Aside {
  readonly verdict: ImageVerdict;
  readonly rebuild: Rebuild;
  path: string | undefined;

  constructor({ store }: Workspace, verdict: MaybeAside) {
    this.verdict = verdict;
    this.path = verdict.asideAt;
    const serial = ownSerial(verdict);
    this.rebuild = {
      setAside: async () => {
        this.path ??= await setAside(store.layout, verdict);
      },
      ...(serial === undefined ? {} : { serial }),
    };
  }
}

/** Undefined where the header does not tell it, or another image has it. */
function ownSerial({ serial, faults }: ImageVerdict): Serial | undefined {
  const isShared = faults.some(({ kind }) => kind === 'serial');
  return serial === undefined || isShared ? undefined : toSerial(serial);
}

/** The first of the images at `paths` that is believed in its store and can be read. */
async function openSound(store: Store, paths: readonly string[]): Promise<Image | undefined> {
  for (const path of paths) {
    const part = store.parts.find((candidate) => candidate.pathWithin(path) !== undefined)!;
    try {
      return await Image.open(path, undefined, part.trust);
    } catch (error) {
      if (!(error instanceof ShenvError) && systemErrorCode(error) === undefined) throw error;
    }
  }
  return undefined;
}

function whyLost({ name, version, digest, isBuilt }: LostWheel): string {
  if (isBuilt) return 'its wheel was built here; building again gives another one';
  if (digest === undefined) return `nothing tells which wheel of ${name} ${version} it was`;
  return `no wheel of ${name} ${version} with the SHA-256 ${digest.slice(0, 16)}… is to be had`;
}
