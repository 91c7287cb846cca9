import { randomBytes } from 'node:crypto';
import { ShenvError } from '../base/errors.js';
import type { Layer, Manifest } from '../manifest/types.js';
import { normalizeName } from '../wheel/filename.js';
import { compareVersions, parseSpecifier } from '../wheel/version.js';
import { assignSlots, differences, type NewLayer, nowMs, toLayer } from './change.js';
import { describeProblem } from './check.js';
import type { Problem } from './consistency.js';
import { type Member, membersOf, type Stay, whyLeftAlone } from './fleet-members.js';
import { isOfEnvironment, problemsAdded } from './fleet-problems.js';
import { composeManifest } from './load-view.js';
import { namesPlace, requestedName } from './requested.js';
import { type Selection, select } from './select.js';
import type { Wanted } from './wanted.js';
import type { Workspace } from './workspace.js';

/** What is to be upgraded in every environment. */
export interface FleetRequest {
  names: readonly string[];
  /** A version specifier that the new versions have to be within; empty for any. */
  within: string;
  /** Where from and how; it asks for nothing itself. */
  wanted: Wanted;
}

/** A distribution that changes; without `from` it is added. */
export interface Move {
  name: string;
  from: string | undefined;
  to: string;
}

/** What a change of all environments means for one that shows what is to be upgraded. */
export interface FleetEntry {
  environment: string;
  /** What was asked for. */
  moves: Move[];
  /** What has to move with it. */
  movesWith: Move[];
  /** What was asked for and stays as it is. */
  stays: Stay[];
  /** Why it cannot be done, in the words of `pip check`; empty where it can. */
  blockedBy: string[];
  /** What the resolver said, where it was asked in vain. */
  detail?: string;
  /** The generation to publish; undefined where nothing moves. */
  next: Manifest | undefined;
}

export interface FleetPlan {
  /** The change's id in every environment. */
  id: string;
  entries: FleetEntry[];
}

/** What the members of one kind of interpreter get, by normalized name. */
type Targets = ReadonlyMap<string, NewLayer>;

type Blocked = Pick<FleetEntry, 'blockedBy' | 'detail'>;

/** A short name for a change of several environments. */
export function newChangeId(): string {
  return randomBytes(4).toString('hex');
}

/**
 * Plans newer versions of distributions in all environments that show them as layers of their own and do not
 * hold them. The version is chosen once for each kind of interpreter; a resolver runs for those environments
 * alone whose requirements it breaks. Fills the store, changes no environment. Throws DISTRIBUTION_MISSING,
 * USAGE, and what choosing the version throws.
 */
export async function planUpgrade(workspace: Workspace, request: FleetRequest): Promise<FleetPlan> {
  assertSpecifier(request.within);
  const { members, unreadable } = await membersOf(workspace, request.names);
  const planning = new Planning(workspace, request, newChangeId());
  const entries = unreadable.map(blockedEntry);
  for (const kind of new Set(members.map((member) => member.kind))) {
    const group = members.filter((member) => member.kind === kind);
    const targets = await planning.chooseTargets(group);
    for (const member of group) entries.push(await planning.plan(member, targets));
  }
  return { id: planning.id, entries: entries.sort((a, b) => (a.environment < b.environment ? -1 : 1)) };
}

/** An environment that cannot be read may show what is to be upgraded. */
function blockedEntry({ environment, error }: { environment: string; error: string }): FleetEntry {
  return { environment, moves: [], movesWith: [], stays: [], blockedBy: [error], next: undefined };
}

function assertSpecifier(within: string): void {
  if (within === '' || parseSpecifier(within)) return;
  throw new ShenvError('USAGE', `'${within}' is no version specifier`, {
    hint: 'For example: --within ">=2.5,<3"',
  });
}

class Planning {
  readonly id: string;
  readonly #workspace: Workspace;
  readonly #request: FleetRequest;
  /** What the resolver said to environments that are equal. */
  readonly #selections = new Map<string, Promise<Selection>>();

  constructor(workspace: Workspace, request: FleetRequest, id: string) {
    this.#workspace = workspace;
    this.#request = request;
    this.id = id;
  }

  /** One choice for members whose interpreters are equal. */
  async chooseTargets(members: readonly Member[]): Promise<Targets> {
    const names = new Set(
      members.flatMap(({ asked }) => asked.map(({ image }) => normalizeName(image.name))),
    );
    if (names.size === 0) return new Map();
    const { wanted, within } = this.#request;
    const requirements = [...names].sort().map((name) => `${name}${within}`);
    const { interpreter } = members[0]!;
    const exactly = { ...wanted, requirements, withDependencies: false };
    const { chosen, installer } = await select(this.#workspace, interpreter, exactly);
    return new Map(
      chosen.map((item) => [normalizeName(item.image.name), toLayer(item, installer, interpreter.cacheTag)]),
    );
  }

  async plan(member: Member, targets: Targets): Promise<FleetEntry> {
    const { manifest } = member;
    const { newer, stays } = chooseNewer(member, targets);
    const entry = { environment: manifest.name, stays, movesWith: [], next: undefined };
    if (newer.length === 0) return { ...entry, moves: [], blockedBy: [] };
    const moves = movesBetween(manifest, replaceLayers(manifest, newer));
    const outcome = await this.#prepare(member, newer);
    if ('blockedBy' in outcome) return { ...entry, ...outcome, moves };
    const names = namesIn(newer);
    const movesWith = movesBetween(manifest, outcome.next.layers).filter(
      ({ name }) => !names.has(normalizeName(name)),
    );
    return { ...entry, moves, movesWith, blockedBy: [], next: outcome.next };
  }

  /** Composes without bytecode, which is compiled when the plan is carried out. */
  async #prepare(member: Member, newer: readonly NewLayer[]): Promise<{ next: Manifest } | Blocked> {
    try {
      const outcome = await this.#layersFor(member, newer);
      if ('blockedBy' in outcome) return outcome;
      const next = this.#nextOf(member.manifest, outcome.layers);
      const layers = next.layers.map(({ bytecode: _, ...layer }) => layer);
      composeManifest({ ...next, layers }, member.interpreter, this.#workspace.outlines);
      return { next };
    } catch (error) {
      if (error instanceof ShenvError && (error.code === 'PATH_CONFLICT' || error.code === 'IMAGE_MISSING'))
        return { blockedBy: [error.message] };
      throw error;
    }
  }

  /** The newer layers in place of the old ones when this breaks nothing, else what the resolver makes of it. */
  async #layersFor(member: Member, newer: readonly NewLayer[]): Promise<{ layers: NewLayer[] } | Blocked> {
    const layers = replaceLayers(member.manifest, newer);
    const problems = problemsAdded(this.#workspace, member, layers);
    if (problems.length === 0) return { layers };
    const blocked = { blockedBy: problems.map(describeProblem) };
    if (problems.some(isOfEnvironment)) return blocked;
    try {
      const { chosen, installer } = await this.#select(member, newer, problems);
      const cacheTag = member.interpreter.cacheTag;
      const moved = chosen.map((item) => toLayer(item, installer, cacheTag));
      return this.#accept(member, replaceLayers(member.manifest, moved));
    } catch (error) {
      if (!(error instanceof ShenvError) || error.code !== 'RESOLVER_FAILED') throw error;
      return { ...blocked, detail: error.message };
    }
  }

  /** Refuses what the resolver chose where it breaks something or moves what is not the environment's to move. */
  #accept(member: Member, layers: NewLayer[]): { layers: NewLayer[] } | Blocked {
    const problems = problemsAdded(this.#workspace, member, layers);
    const fixed = differences(member.manifest.layers, layers as Layer[]).replaced.flatMap(({ from, to }) => {
      const layer = member.manifest.layers.find(({ image }) => image === from)!;
      const why = whyLeftAlone(member.manifest, layer);
      return why === undefined
        ? []
        : [`${from.name} ${from.version} is ${why}, but ${to.version} is needed.`];
    });
    const blockedBy = [...problems.map(describeProblem), ...fixed];
    return blockedBy.length > 0 ? { blockedBy } : { layers };
  }

  /**
   * Asks the resolver for the new versions beside all that the environment was asked for. It is not told to
   * upgrade: so pip keeps what is there wherever it can, and moves what stands in the way.
   */
  #select(member: Member, newer: readonly NewLayer[], problems: readonly Problem[]): Promise<Selection> {
    const { manifest, interpreter, kind } = member;
    const { layers, options } = manifest;
    const pinned = newer.map(({ image }) => `${image.name}==${image.version}`);
    const broken = problems
      .map(({ name }) => name)
      .filter((name) => !namesIn(newer).has(normalizeName(name)));
    const requirements = [...new Set([...pinned, ...requirementsOf(manifest), ...broken])];
    const key = JSON.stringify([kind, requirements, layers.map(({ image }) => image.wheelDigest), options]);
    const known =
      this.#selections.get(key) ??
      select(
        this.#workspace,
        interpreter,
        { ...this.#request.wanted, requirements },
        { layers, systemSitePackages: options.systemSitePackages, upgrade: undefined },
      );
    this.#selections.set(key, known);
    return known;
  }

  #nextOf(current: Manifest, layers: readonly NewLayer[]): Manifest {
    const names = this.#request.names.map(normalizeName).join(' ');
    const what = `upgrade ${names} --everywhere${this.#request.within && ` --within ${this.#request.within}`}`;
    return {
      ...current,
      generation: current.generation + 1,
      change: { atMs: Date.now(), what, id: this.id },
      createdMs: nowMs(),
      ...assignSlots(current.layers, layers, current.nextSlot),
    };
  }
}

/** The layers that are newer than what a member shows, and what stays. */
function chooseNewer({ asked, stays }: Member, targets: Targets): { newer: NewLayer[]; stays: Stay[] } {
  const newer = asked.flatMap(({ image }) => {
    const target = targets.get(normalizeName(image.name));
    return target && compareVersions(target.image.version, image.version) > 0 ? [target] : [];
  });
  const names = namesIn(newer);
  const current = asked.filter(({ image }) => !names.has(normalizeName(image.name)));
  const why = 'nothing newer';
  return {
    newer,
    stays: [...stays, ...current.map(({ image: { name, version } }) => ({ name, version, why }))],
  };
}

function namesIn(layers: readonly NewLayer[]): Set<string> {
  return new Set(layers.map(({ image }) => normalizeName(image.name)));
}

/** What the environment was asked for; what came from a place stays in the version that is there. */
function requirementsOf({ requested, layers }: Manifest): string[] {
  return requested.flatMap((text) => {
    const name = requestedName(text, layers);
    const layer = layers.find(({ image }) => normalizeName(image.name) === name);
    if (!layer) return [];
    return layer.directUrl || namesPlace(text) ? `${layer.image.name}==${layer.image.version}` : text;
  });
}

/** What is the same keeps its place; what is new or replaced comes last, as if it had been installed after. */
function replaceLayers({ layers, options }: Manifest, chosen: readonly NewLayer[]): NewLayer[] {
  const before = new Map(layers.map((layer) => [normalizeName(layer.image.name), layer]));
  const later = chosen.flatMap(({ bytecode, ...layer }) => {
    const old = before.get(normalizeName(layer.image.name));
    if (old?.image.wheelDigest === layer.image.wheelDigest) return [];
    const shown = options.bytecode && bytecode !== undefined ? { bytecode } : {};
    return [{ ...layer, ...shown, reason: old?.reason ?? ('dependency' as const) }];
  });
  const replaced = namesIn(later);
  return [...layers.filter(({ image }) => !replaced.has(normalizeName(image.name))), ...later];
}

function movesBetween({ layers }: Manifest, after: readonly NewLayer[]): Move[] {
  const { added, replaced } = differences(layers, after as Layer[]);
  return [
    ...replaced.map(({ from, to }) => ({ name: to.name, from: from.version, to: to.version })),
    ...added.map(({ name, version }) => ({ name, from: undefined, to: version })),
  ];
}
