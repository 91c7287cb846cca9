import { readFile } from 'node:fs/promises';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { ShenvError, unless } from '../base/errors.js';
import { normalizeName } from '../wheel/filename.js';

/** One requirement as a requirements file or the command line gives it. */
export interface RequirementLine {
  /** Without comment and options. */
  text: string;
  /** SHA-256 digests that its archive may have, from `--hash`. */
  sha256: readonly string[];
  editable: boolean;
  /** There are options whose meaning only the resolver knows. */
  isOpaque: boolean;
}

export interface Requirements {
  lines: RequirementLine[];
  /** There are constraints, options or remote files whose meaning only the resolver knows. */
  isOpaque: boolean;
  /** There are options that say where from. */
  namesSources: boolean;
}

const harmlessOptions =
  /^(-i|--index-url|--extra-index-url|-f|--find-links|--no-index|--trusted-host|--prefer-binary)\b/;
const archiveName = /\.(whl|zip|tar\.gz|tgz|tar\.bz2|tbz|tar\.xz|txz|tar)$/i;

/**
 * What the files ask for, nested ones included, in pip's requirements file format. Only reads: pip
 * gets the files themselves. Throws REQUIREMENTS_MISSING.
 */
export async function readRequirementFiles(paths: readonly string[]): Promise<Requirements> {
  const all: Requirements = { lines: [], isOpaque: false, namesSources: false };
  for (const path of paths) await readInto(all, path, new Set());
  return all;
}

async function readInto(all: Requirements, path: string, open: ReadonlySet<string>): Promise<void> {
  if (/^(https?|file):/.test(path) || open.has(resolve(path))) {
    all.isOpaque = true;
    return;
  }
  const text = await unless('ENOENT', readFile(path, 'utf8'));
  if (text === undefined) {
    throw new ShenvError('REQUIREMENTS_MISSING', `There is no requirements file ${path}`, {
      hint: "Give the path of a file in pip's format, or of a pylock.toml.",
      path,
    });
  }
  for (const line of logicalLines(text)) {
    const nested = /^(?:-r|--requirement)(?:\s+|=)?(.+)$/.exec(line)?.[1];
    if (nested !== undefined)
      await readInto(all, relativeTo(path, unquoted(nested)), new Set([...open, resolve(path)]));
    else readLine(all, line);
  }
}

function relativeTo(file: string, nested: string): string {
  return isAbsolute(nested) || /^(https?|file):/.test(nested) ? nested : join(dirname(file), nested);
}

function unquoted(text: string): string {
  return text.trim().replace(/^(["'])(.*)\1$/, '$2');
}

/** Continued lines joined, comments and empty lines left out, `${VARIABLE}` filled in as pip does. */
function logicalLines(text: string): string[] {
  return joinContinued(text.replace(/^\uFEFF/, '').split(/\r?\n/))
    .map((line) => line.replace(/(^|\s)#.*$/, '').trim())
    .map((line) => line.replace(/\$\{([A-Z0-9_]+)\}/g, (whole, name: string) => process.env[name] || whole))
    .filter((line) => line !== '');
}

/** A comment ends the line that it continues, and is not continued itself. */
function joinContinued(lines: readonly string[]): string[] {
  const joined: string[] = [];
  let begun = '';
  for (const line of lines) {
    const isComment = /^\s*#/.test(line);
    if (line.endsWith('\\') && !isComment) begun += line.replace(/\\+$/, '');
    else {
      joined.push(`${begun}${isComment ? ' ' : ''}${line}`);
      begun = '';
    }
  }
  return [...joined, begun];
}

function readLine(all: Requirements, line: string): void {
  const editable = /^(?:-e|--editable)(?:\s+|=)(.+)$/.exec(line)?.[1];
  if (editable !== undefined)
    all.lines.push({ text: unquoted(editable), sha256: [], editable: true, isOpaque: false });
  else if (!line.startsWith('-')) all.lines.push(requirementLine(line));
  else if (harmlessOptions.test(line)) all.namesSources = true;
  else all.isOpaque = true;
}

/** A requirement with its `--hash` options. */
export function requirementLine(line: string): RequirementLine {
  const sha256 = [...line.matchAll(/--hash[= ]sha256:([0-9a-f]{64})/g)].map((match) => match[1]!);
  const others = line.replace(/\s--hash[= ]sha(256|384|512):[0-9a-f]+/g, '');
  const isOpaque = /\s--[a-z]/.test(others) || (/\s--hash\b/.test(line) && sha256.length === 0);
  return { text: line.replace(/\s--[a-z].*$/, '').trim(), sha256, editable: false, isOpaque };
}

/** The line as it can be used from any folder: paths, as pip tells them from names, become absolute. */
export function requirementText({ text, editable }: Pick<RequirementLine, 'text' | 'editable'>): string {
  if (editable) return `-e ${/^[a-z][a-z0-9+.-]*:/i.test(text) ? text : resolve(text)}`;
  const place = text.replace(/\s*(;.*)?$/, '').replace(/\[[^\]/]*\]$/, '');
  const isPath = /^\.{0,2}\/|^\.{1,2}$/.test(place) || /^[^@:]*\//.test(place) || archiveName.test(place);
  return isPath && !/\s@\s|:\/\//.test(place) ? resolve(text) : text;
}

/** The normalized name of `name[extra]>=1 ; marker`; the text itself for paths, URLs and editables. */
export function requirementName(text: string): string {
  const match = /^([A-Za-z0-9](?:[\w.-]*[A-Za-z0-9])?)\s*(?=$|[[(<>=!~;@,\s])/.exec(text);
  return match ? normalizeName(match[1]!) : text;
}
