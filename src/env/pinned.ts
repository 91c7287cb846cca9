import type { Image } from '../image/read.js';
import type { InterpreterRecord } from '../python/interpreter-record.js';
import { markerEnvironment } from '../python/marker-environment.js';
import { normalizeName } from '../wheel/filename.js';
import { markerHolds } from '../wheel/marker.js';
import { parseRequirement, type Requirement } from '../wheel/requirement.js';
import { satisfies } from '../wheel/version.js';
import type { NewLayer } from './change.js';
import { installationsOf } from './check.js';
import { findProblems, spreadExtras } from './consistency.js';
import { rankOf } from './lock.js';
import { referenceTo } from './obtain.js';
import type { Chosen } from './pin.js';
import type { RequirementLine } from './requirements-file.js';
import type { Workspace } from './workspace.js';

/** A requirement that leaves nothing to choose. */
interface PinnedLine {
  requirement: Requirement;
  version: string;
  sha256: readonly string[];
}

const startsWithName = /^[A-Za-z0-9][\w.-]*\s*(?:\[[^\]]*\])?\s*(?:[(<>=!~;]|$)/;

/**
 * The images for requirements that are all pinned with `==`, when the store has each and together they
 * need nothing else: no resolver runs and no network is used. Undefined when any of this is not so.
 * `beside` is what is installed already and may meet their requirements; undefined when dependencies do
 * not count.
 */
export function choosePinned(
  workspace: Workspace,
  interpreter: InterpreterRecord,
  lines: readonly RequirementLine[],
  beside: readonly NewLayer[] | undefined,
): Chosen[] | undefined {
  const pinned = pinnedLines(lines, interpreter);
  if (pinned === undefined) return undefined;
  const chosen = new Map<string, Chosen & { outline: Image }>();
  for (const line of pinned) {
    const { name, extras } = line.requirement;
    const outline = bestImage(workspace.outlines.listVersion(name, line.version), interpreter, line.sha256);
    if (outline === undefined || chosen.has(normalizeName(name))) return undefined;
    chosen.set(normalizeName(name), {
      image: referenceTo(outline),
      requested: true,
      extras,
      added: false,
      outline,
    });
  }
  const others = beside?.filter(({ image }) => !chosen.has(normalizeName(image.name)));
  if (others && lacksSomething(workspace, interpreter, [...chosen.values()], others)) return undefined;
  return [...chosen.values()].map(({ outline: _, ...rest }) => rest);
}

/** Whether `chosen` need what neither they nor `others` are. */
function lacksSomething(
  workspace: Workspace,
  interpreter: InterpreterRecord,
  chosen: readonly (Chosen & { outline: Image })[],
  others: readonly NewLayer[],
): boolean {
  const environment = markerEnvironment(interpreter);
  const added = chosen.map(({ outline, extras }) => ({ ...outline.meta, extras }));
  const all = spreadExtras([...added, ...installationsOf(workspace, { layers: [...others] })], environment);
  const names = new Set(added.map(({ name }) => name));
  return findProblems(all, environment).some(({ name }) => names.has(name));
}

/** Lines whose markers hold; undefined when one leaves something to choose. */
function pinnedLines(
  lines: readonly RequirementLine[],
  interpreter: InterpreterRecord,
): PinnedLine[] | undefined {
  const environment = markerEnvironment(interpreter);
  const pinned: PinnedLine[] = [];
  // With a hash in one line pip asks for hashes in all.
  const hashed = lines.filter(({ sha256 }) => sha256.length > 0).length;
  if (hashed > 0 && hashed < lines.length) return undefined;
  for (const { text, sha256, editable, isOpaque } of lines) {
    if (editable || isOpaque || !startsWithName.test(text)) return undefined;
    const requirement = parseRequirement(text);
    if (requirement.marker && !markerHolds(requirement.marker, environment)) continue;
    const version = /^={2,3}\s*([^\s,*]+)$/.exec(requirement.specifier)?.[1];
    if (version === undefined) return undefined;
    pinned.push({ requirement, version, sha256 });
  }
  return pinned;
}

/**
 * The image whose tags the interpreter prefers, among those that have one of the digests. What was built
 * here, maybe from a folder or a commit, counts only where the digest of its source is given.
 */
function bestImage(
  images: readonly Image[],
  interpreter: InterpreterRecord,
  sha256: readonly string[],
): Image | undefined {
  const ranks = new Map(interpreter.tags.map((tag, index) => [tag, index]));
  const fitting = images.filter(({ meta, wheelDigest }) => {
    const isNamed = [wheelDigest, meta.builtFrom].some(
      (digest) => digest !== undefined && sha256.includes(digest),
    );
    const acceptsPython =
      meta.requiresPython === undefined ||
      satisfies(interpreter.version, meta.requiresPython, { prereleases: true });
    const isAllowed = sha256.length === 0 ? meta.builtFrom === undefined : isNamed;
    return acceptsPython && isAllowed && rankOf(meta.tags, ranks) < Number.POSITIVE_INFINITY;
  });
  return fitting.sort((a, b) => rankOf(a.meta.tags, ranks) - rankOf(b.meta.tags, ranks))[0];
}
