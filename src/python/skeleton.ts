import { mkdtemp, readdir, readFile, readlink, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ShenvError } from '../base/errors.js';
import { run } from '../base/run.js';

/** What differs between two environments of one interpreter. */
export type Variable = 'path' | 'name' | 'prompt' | 'systemSitePackages';
/**
 * How a template quotes it: not at all, as Python's shlex.quote, as PowerShell, as the path of a URL, or
 * as a word of prose (`ENV` for what would need quotes).
 */
export type Quoting = 'raw' | 'posix' | 'powershell' | 'url' | 'word';
/** Literal text, or a variable's place. */
export type Segment = string | readonly [Variable, Quoting];

export type SkeletonEntry =
  | { kind: 'directory'; path: string }
  | { kind: 'link'; path: string; target: string }
  | { kind: 'file'; path: string; executable: boolean; segments: Segment[] };

/** The values that a skeleton's templates are filled with. */
export interface SkeletonValues {
  path: string;
  name: string;
  /** Whether pyvenv.cfg includes the system's site-packages. */
  systemSitePackages: boolean;
}

/** A quote and a space in the name show how each template quotes. */
const markerName = "x'y z";
const venvTimeoutMs = 60_000;

/**
 * What `python -m venv --without-pip` of this interpreter writes, with the places of path, name and
 * prompt marked: so an environment has exactly the files that its own Python would give it.
 * Throws INTERPRETER_UNUSABLE when the venv module does not work.
 */
export async function captureSkeleton(executable: string): Promise<SkeletonEntry[]> {
  const folder = await mkdtemp(join(tmpdir(), 'shenv-fs-skeleton-'));
  try {
    const path = join(folder, markerName);
    const finished = await run(executable, ['-I', '-m', 'venv', '--without-pip', path], {
      timeoutMs: venvTimeoutMs,
    });
    if (finished.status !== 0) {
      const reason = (finished.stderr || finished.stdout).trim().split('\n').at(-1);
      throw new ShenvError('INTERPRETER_UNUSABLE', `${executable} -m venv fails: ${reason}`, {
        hint: "Install this Python's venv module (on Debian and Ubuntu the package python3-venv).",
        path: executable,
      });
    }
    const entries: SkeletonEntry[] = [];
    await readTree(path, '', entries);
    return entries;
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function readTree(root: string, below: string, entries: SkeletonEntry[]): Promise<void> {
  const children = await readdir(join(root, below), { withFileTypes: true });
  for (const child of children.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = below === '' ? child.name : `${below}/${child.name}`;
    if (child.isSymbolicLink()) {
      entries.push({ kind: 'link', path, target: await readlink(join(root, path)) });
    } else if (child.isDirectory()) {
      entries.push({ kind: 'directory', path });
      await readTree(root, path, entries);
    } else {
      const text = await readFile(join(root, path), 'utf8');
      const executable = ((await stat(join(root, path))).mode & 0o111) !== 0;
      entries.push({ kind: 'file', path, executable, segments: findVariables(text, root) });
    }
  }
}

/** Splits a generated text at the places where the marked environment's path, name or prompt stand. */
export function findVariables(text: string, path: string): Segment[] {
  const values: [Variable, string, string?][] = [
    ['path', path],
    ['systemSitePackages', 'false', 'include-system-site-packages = '],
    ['prompt', `(${markerName}) `],
    ['name', markerName],
  ];
  const needles = values.flatMap(([variable, value, before = '']) => {
    const quotings: Quoting[] = before === '' ? ['posix', 'powershell', 'raw'] : ['raw'];
    return quotings.map((quoting) => ({ variable, quoting, before, text: before + quote(value, quoting) }));
  });
  const segments: Segment[] = [];
  let rest = text;
  while (rest !== '') {
    let first: { at: number; needle: (typeof needles)[number] } | undefined;
    for (const needle of needles) {
      const at = rest.indexOf(needle.text);
      if (at >= 0 && (first === undefined || at < first.at)) first = { at, needle };
    }
    if (!first) break;
    const literal = rest.slice(0, first.at) + first.needle.before;
    if (literal !== '') segments.push(literal);
    segments.push([first.needle.variable, first.needle.quoting]);
    rest = rest.slice(first.at + first.needle.text.length);
  }
  if (rest !== '') segments.push(rest);
  return segments;
}

/** The text of a captured file for one environment. */
export function fillTemplate(segments: readonly Segment[], values: SkeletonValues): string {
  const { path, name } = values;
  const all = { path, name, prompt: `(${name}) `, systemSitePackages: String(values.systemSitePackages) };
  return segments
    .map((segment) => (typeof segment === 'string' ? segment : quote(all[segment[0]], segment[1])))
    .join('');
}

function quote(value: string, quoting: Quoting): string {
  if (quoting === 'powershell') return `'${value.replaceAll("'", "''")}'`;
  if (quoting === 'url') return value.split('/').map(encodeURIComponent).join('/');
  if (quoting === 'word') return /^[\w@%+=:,.-]+$/.test(value) ? value : 'ENV';
  if (quoting === 'raw' || /^[\w@%+=:,./-]+$/.test(value)) return value;
  return `'${value.replaceAll("'", `'"'"'`)}'`;
}
