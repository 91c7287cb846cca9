import { basename } from 'node:path';
import type { ImageMeta } from '../image/meta.js';
import type { Layer, Manifest } from '../manifest/types.js';
import type { InterpreterRecord } from '../python/interpreter-record.js';
import { normalizeName, parseWheelFilename } from '../wheel/filename.js';
import { satisfies } from '../wheel/version.js';
import { isSameKind } from './interpreter-survey.js';
import { requirementName } from './requirements-file.js';

/** A change of an environment from one interpreter to another. */
export interface Passage {
  current: Manifest;
  from: InterpreterRecord;
  to: InterpreterRecord;
}

/** Whether a wheel that `from` has runs with `to` as well. Pure. */
export function mayStay(meta: ImageMeta, { from, to }: Passage): boolean {
  if (supports(meta, to)) return true;
  // What one of this kind runs although its tags do not say so, the other runs too.
  return isSameKind(from, to) && (to.tags.length === 0 || !supports(meta, from));
}

/** Whether a wheel is one for the interpreter: its tags and Requires-Python. Pure. */
export function supports(
  { tags, requiresPython }: Pick<ImageMeta, 'tags' | 'requiresPython'>,
  interpreter: InterpreterRecord,
): boolean {
  const accepts =
    requiresPython === undefined || satisfies(interpreter.version, requiresPython, { prereleases: true });
  // Where no tags are known only what needs none of them is safe.
  if (interpreter.tags.length === 0) return accepts && tags.includes('py3-none-any');
  const known = new Set(interpreter.tags);
  return accepts && tags.some((tag) => known.has(tag));
}

/** The pip that `create` took from one interpreter's ensurepip, and that of the other one's. */
export interface BundledPip {
  layer: Layer;
  wheel: string;
  version: string;
}

/**
 * What is to be done with the pip that came with the interpreter: a pip is seldom fit for a Python that is
 * younger than it. Undefined where the environment has none, another one, or one that was asked for. Pure.
 */
export function bundledPipOf({ current, from, to }: Passage): BundledPip | undefined {
  const layer = current.layers.find(({ image }) => normalizeName(image.name) === 'pip');
  const isAsked = current.requested.some((text) => requirementName(text) === 'pip');
  if (!layer || isAsked || !from.ensurepipWheel || !to.ensurepipWheel || isSameKind(from, to))
    return undefined;
  if (versionOf(from.ensurepipWheel) !== layer.image.version) return undefined;
  return { layer, wheel: to.ensurepipWheel, version: versionOf(to.ensurepipWheel) };
}

function versionOf(wheel: string): string {
  return parseWheelFilename(basename(wheel)).version;
}
