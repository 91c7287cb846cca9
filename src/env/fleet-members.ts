import type { Digest } from '../base/brands.js';
import { ShenvError } from '../base/errors.js';
import type { Layer, Manifest } from '../manifest/types.js';
import { type InterpreterRecord, readInterpreter } from '../python/interpreter-record.js';
import { markerEnvironment } from '../python/marker-environment.js';
import { normalizeName } from '../wheel/filename.js';
import type { Workspace } from './workspace.js';

/** A distribution that was asked for and is left alone, with the reason in a few words. */
export interface Stay {
  name: string;
  version: string;
  why: string;
}

/** An environment that shows at least one of the distributions that are to change. */
export interface Member {
  manifest: Manifest;
  interpreter: InterpreterRecord;
  /** Equal for interpreters that would get the same wheels. */
  kind: string;
  /** Layers that may change. */
  asked: Layer[];
  stays: Stay[];
}

/**
 * The environments that show one of `names`, and those of which nobody can tell. Throws DISTRIBUTION_MISSING
 * for names that none shows.
 */
export async function membersOf(
  workspace: Workspace,
  names: readonly string[],
): Promise<{ members: Member[]; unreadable: { environment: string; error: string }[] }> {
  const wanted = new Set(names.map(normalizeName));
  const interpreters = new Map<Digest, InterpreterRecord>();
  const members: Member[] = [];
  const unreadable: { environment: string; error: string }[] = [];
  for (const name of await workspace.environments.list()) {
    try {
      const manifest = await workspace.environments.read(name);
      const shown = manifest.layers.filter(({ image }) => wanted.has(normalizeName(image.name)));
      if (shown.length === 0) continue;
      members.push(memberOf(manifest, await recordOf(workspace, manifest, interpreters), shown));
    } catch (error) {
      if (!(error instanceof ShenvError)) throw error;
      unreadable.push({ environment: name, error: error.message });
    }
  }
  assertShownSomewhere(members, wanted);
  return { members, unreadable };
}

async function recordOf(
  { environments }: Workspace,
  { interpreter }: Manifest,
  known: Map<Digest, InterpreterRecord>,
): Promise<InterpreterRecord> {
  const record = known.get(interpreter) ?? (await readInterpreter(environments.interpreters, interpreter));
  known.set(interpreter, record);
  return record;
}

function memberOf(manifest: Manifest, interpreter: InterpreterRecord, shown: readonly Layer[]): Member {
  const reasons = shown.map((layer) => ({ layer, why: whyLeftAlone(manifest, layer) }));
  return {
    manifest,
    interpreter,
    kind: JSON.stringify([interpreter.tags, interpreter.cacheTag, markerEnvironment(interpreter)]),
    asked: reasons.flatMap(({ layer, why }) => (why === undefined ? [layer] : [])),
    stays: reasons.flatMap(({ layer: { image }, why }) =>
      why === undefined ? [] : [{ name: image.name, version: image.version, why }],
    ),
  };
}

/** Why a layer is not the environment's to move, in a few words; undefined where it is. */
export function whyLeftAlone({ options }: Manifest, { image, from, directUrl }: Layer): string | undefined {
  if (from !== undefined) return `inherited from ${from}`;
  if (options.held.includes(normalizeName(image.name))) return 'held';
  return directUrl ? 'from a place of its own' : undefined;
}

function assertShownSomewhere(members: readonly Member[], wanted: ReadonlySet<string>): void {
  const shown = new Set(
    members.flatMap(({ manifest }) => manifest.layers.map(({ image }) => normalizeName(image.name))),
  );
  const missing = [...wanted].filter((name) => !shown.has(name));
  if (missing.length === 0) return;
  throw new ShenvError('DISTRIBUTION_MISSING', `No environment has ${missing.join(', ')}`, {
    hint: '`shenv-fs who-uses NAME` tells which environments have a distribution.',
  });
}
