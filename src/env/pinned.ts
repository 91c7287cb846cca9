import type { Image } from '../image/read.js';
import type { InterpreterRecord } from '../python/interpreter-record.js';
import { markerEnvironment } from '../python/marker-environment.js';
import { normalizeName } from '../wheel/filename.js';
import { markerHolds } from '../wheel/marker.js';
import { parseRequirement, type Requirement } from '../wheel/requirement.js';
import { satisfies } from '../wheel/version.js';
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

/**
 * The images for requirements that are all pinned with `==`, when the store has each and together they
 * need nothing else: no resolver runs and no network is used. Undefined when any of this is not so.
 */
export function choosePinned(
  { outlines }: Workspace,
  interpreter: InterpreterRecord,
  lines: readonly RequirementLine[],
  withDependencies: boolean,
): Chosen[] | undefined {
  const pinned = pinnedLines(lines, interpreter);
  if (pinned === undefined) return undefined;
  const chosen = new Map<string, Chosen & { outline: Image }>();
  for (const line of pinned) {
    const { name, extras } = line.requirement;
    const outline = bestImage(outlines.listVersion(name, line.version), interpreter, line.sha256);
    if (outline === undefined || chosen.has(normalizeName(name))) return undefined;
    chosen.set(normalizeName(name), {
      image: referenceTo(outline),
      requested: true,
      extras,
      added: false,
      outline,
    });
  }
  if (withDependencies) {
    const environment = markerEnvironment(interpreter);
    const distributions = [...chosen.values()].map(({ outline, extras }) => ({ ...outline.meta, extras }));
    if (findProblems(spreadExtras(distributions, environment), environment).length > 0) return undefined;
  }
  return [...chosen.values()].map(({ outline: _, ...rest }) => rest);
}

/** Lines whose markers hold; undefined when one leaves something to choose. */
function pinnedLines(
  lines: readonly RequirementLine[],
  interpreter: InterpreterRecord,
): PinnedLine[] | undefined {
  const environment = markerEnvironment(interpreter);
  const pinned: PinnedLine[] = [];
  for (const { text, sha256, editable } of lines) {
    if (editable || !/^[A-Za-z0-9][\w.-]*\s*(\[[^\]]*\])?\s*={2,3}/.test(text)) return undefined;
    const requirement = parseRequirement(text);
    if (requirement.marker && !markerHolds(requirement.marker, environment)) continue;
    const version = /^={2,3}\s*([^\s,*]+)$/.exec(requirement.specifier)?.[1];
    if (version === undefined) return undefined;
    pinned.push({ requirement, version, sha256 });
  }
  return pinned;
}

/** The image whose tags the interpreter prefers, among those that have one of the digests. */
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
    return (
      acceptsPython && rankOf(meta.tags, ranks) < Number.POSITIVE_INFINITY && (sha256.length === 0 || isNamed)
    );
  });
  return fitting.sort((a, b) => rankOf(a.meta.tags, ranks) - rankOf(b.meta.tags, ranks))[0];
}
