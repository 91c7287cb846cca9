import { fileURLToPath, pathToFileURL } from 'node:url';
import { normalizeName } from '../wheel/filename.js';
import { type Download, publicUrl } from './pin.js';
import { requirementName } from './requirements-file.js';

/** A distribution by its name, and by where it came from when it was asked for by place. */
export interface Named {
  image: { name: string };
  /** As PEP 610 has it. */
  directUrl?: object;
}

/**
 * The normalized name of what the requirement `text` led to: the one that it gives or, for paths, URLs
 * and editables, that of the distribution from this place. The text itself where there is none. Pure.
 */
export function requestedName(text: string, distributions: readonly Named[]): string {
  const place = placeOf(text);
  const found = distributions.find(({ directUrl }) => place && directUrl && isFrom(directUrl, place));
  return found ? normalizeName(found.image.name) : requirementName(text);
}

/** Extras that `requested` asks for, by normalized name. Pure. */
export function requestedExtras(
  requested: readonly string[],
  distributions: readonly Named[],
): Map<string, string[]> {
  const extras = new Map<string, string[]>();
  for (const text of requested) {
    const asked = extrasOf(text);
    const name = requestedName(text, distributions);
    if (asked.length > 0) extras.set(name, [...(extras.get(name) ?? []), ...asked]);
  }
  return extras;
}

/** A requirement that leads to the same place as `layer` did, as a line of a requirements file. Pure. */
export function requirementOf({ image, directUrl }: Named): string {
  const direct = directUrl as Download | undefined;
  if (!direct) return image.name;
  const { url, vcs_info: repository, subdirectory } = direct;
  if (direct.dir_info?.editable) return `-e ${fileURLToPath(url)}`;
  const prefix = repository ? `${repository.vcs}+` : '';
  const revision = repository?.requested_revision ? `@${repository.requested_revision}` : '';
  const fragment = subdirectory === undefined ? '' : `#subdirectory=${subdirectory}`;
  const place = `${prefix}${url}${revision}${fragment}`;
  // pip before 24.1 takes `name @ git+file:///…` for no requirement.
  return repository ? place : `${image.name} @ ${place}`;
}

/** Whether a requirement says where from, not only what. */
export function namesPlace(text: string): boolean {
  return placeOf(text) !== undefined || /^[\w.-]+\s*(\[[^\]]*\])?\s*@/.test(text);
}

/** The requirement as another machine can read it: what came from a place by its name and extras. Pure. */
export function portableRequirement(text: string, distributions: readonly Named[]): string {
  const name = requestedName(text, distributions);
  const found = distributions.find(({ image }) => normalizeName(image.name) === name);
  if (!found?.directUrl) return text;
  const extras = extrasOf(text);
  return extras.length > 0 ? `${name}[${extras.join(',')}]` : name;
}

function extrasOf(text: string): string[] {
  const named = /^[\w.-]+\s*\[([^\]]*)\]/.exec(text);
  const list = named?.[1] ?? /\[([^\]/]*)\]$/.exec(bare(text))?.[1] ?? '';
  return list.split(',').flatMap((extra) => extra.trim() || []);
}

/** Without `-e`, marker and fragment. */
function bare(text: string): string {
  return text
    .replace(/^-e\s+/, '')
    .replace(/\s+;.*$/, '')
    .replace(/#.*$/, '');
}

function placeOf(text: string): string | undefined {
  const place = bare(text);
  if (place.startsWith('/')) return pathToFileURL(place.replace(/\[[^\]/]*\]$/, '')).href;
  return /^[a-z][a-z0-9+.-]*:/i.test(place) && URL.canParse(place) ? publicUrl(place) : undefined;
}

function isFrom(directUrl: object, place: string): boolean {
  const { url, vcs_info: repository } = directUrl as Download;
  const known = repository ? `${repository.vcs}+${url}` : url;
  if (place.startsWith('file:') && known.startsWith('file:'))
    return fileURLToPath(place).replace(/\/$/, '') === fileURLToPath(known).replace(/\/$/, '');
  return place === known || place.startsWith(`${known}@`);
}
