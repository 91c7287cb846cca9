import type { ExecutionContext } from 'ava';
import type { ErrorCode } from '../../src/base/errors.js';
import { errorCodes } from '../../src/base/errors.js';
import type { Sandbox } from './sandbox.js';
import { type WheelSpec, writeWheel } from './wheel-builder.js';

/** What `--json` of a command that changes an environment tells. */
export interface Change {
  generation: number;
  added: Title[];
  removed: Title[];
  replaced: { from: Title; to: Title }[];
  broken: { name: string }[];
  imagesAdded: number;
}

interface Title {
  name: string;
  version: string;
}

/** `alpha` needs `beta`, of which there are two; `gamma` needs an old `beta`, and `gamma[fast]` `delta`. */
const specs: WheelSpec[] = [
  { name: 'alpha', version: '1.0', requires: ['beta'] },
  { name: 'alpha', version: '2.0', requires: ['beta'] },
  { name: 'beta', version: '1.0' },
  { name: 'beta', version: '2.0' },
  { name: 'gamma', version: '1.0', requires: ['beta<2', 'delta; extra == "fast"'] },
  { name: 'delta', version: '1.0' },
];

/** A folder of wheels whose modules tell their version, and pip's options to use it alone. */
export async function writePackages(sandbox: Sandbox): Promise<{ folder: string; source: string[] }> {
  const folder = sandbox.path('wheels');
  for (const spec of specs) await writeWheel(folder, withModule(spec));
  return { folder, source: ['--no-index', '--find-links', folder] };
}

/** The wheel with a module of its name. */
export function withModule(spec: WheelSpec): WheelSpec {
  const { name, version } = spec;
  const metadata = `Metadata-Version: 2.1\nName: ${name}\nVersion: ${version}\n`;
  const extras = name === 'gamma' ? 'Provides-Extra: fast\n' : '';
  const requires = (spec.requires ?? []).map((text) => `Requires-Dist: ${text}\n`).join('');
  return {
    ...spec,
    files: { [`${name}.py`]: `VERSION = "${version}"\n`, ...spec.files },
    metadata: `${metadata}${extras}${requires}`,
  };
}

/** An environment `demo` with nothing but `requirements`; without bytecode, which takes most of the time. */
export async function createDemo(sandbox: Sandbox, ...options: string[]): Promise<void> {
  await sandbox.expect('create', 'demo', '--without-pip', '--no-bytecode', ...options);
}

export async function change(sandbox: Sandbox, ...args: string[]): Promise<Change> {
  return JSON.parse(await sandbox.expect(...args, '--json')) as Change;
}

/** What an environment holds, as `freeze` tells it. */
export async function frozen(sandbox: Sandbox, name = 'demo'): Promise<string[]> {
  return JSON.parse(await sandbox.expect('freeze', name, '--json')) as string[];
}

/** Asserts that the command ends with the status of `code` and says `text`. Gives stderr. */
export async function fails(
  t: ExecutionContext,
  sandbox: Sandbox,
  { code, says }: { code: ErrorCode; says: RegExp },
  ...args: string[]
): Promise<void> {
  const { status, stderr } = await sandbox.shenv(...args);
  t.is(status, errorCodes[code], stderr);
  t.regex(stderr, says);
  t.notRegex(stderr, /\n\s+at /);
}
