/**
 * A child process that works for the rounds and the storm: it runs commands of `shenv-fs` one after another, which
 * saves the start of a process for each, or reads through a mount, so that one that hangs holds up nobody else.
 */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CommanderError } from 'commander';
import { unless } from '../../src/base/errors.js';
import { makeProgram } from '../../src/cli/program.js';

export type Request =
  | { args: readonly string[] }
  | { environment: string; modules: readonly string[] }
  | { mountpoint: string }
  | { fresh: string }
  | { check: true };

export interface Ended {
  status: number;
  stdout: string;
  stderr: string;
}

/** What an environment shows: versions by distribution, and the texts of modules. */
export interface Shown {
  held: Record<string, string>;
  texts: Record<string, string | undefined>;
}

/** Files that were read, or images that were found whole. */
export type Count = number;

export type Result = Ended | Shown | Count | undefined;

export interface Answer {
  result?: Result;
  error?: string;
}

process.on('message', (request: Request) => {
  handle(request).then(
    (result) => process.send!({ result } satisfies Answer),
    (error: unknown) => process.send!({ error: String((error as Error).stack) } satisfies Answer),
  );
});
process.on('disconnect', () => process.exit());

async function handle(request: Request): Promise<Result> {
  if ('args' in request) return runCommand(request.args);
  if ('environment' in request) return shownBy(request.environment, request.modules);
  if ('fresh' in request) return (await import('../endurance/fresh.js')).checkFresh(request.fresh);
  if ('mountpoint' in request) return (await import('../storm/walk.js')).walkMount(request.mountpoint);
  return (await import('../storm/check-whole.js')).checkWhole();
}

async function runCommand(args: readonly string[]): Promise<Ended> {
  const ended: Ended = { status: 0, stdout: '', stderr: '' };
  const { stdout, stderr } = process;
  const [writeOut, writeError] = [stdout.write, stderr.write];
  const keep = (name: 'stdout' | 'stderr') => (text: string | Uint8Array) => {
    ended[name] += String(text);
    return true;
  };
  stdout.write = keep('stdout');
  stderr.write = keep('stderr');
  process.exitCode = 0;
  try {
    await makeProgram(new AbortController().signal).parseAsync(args, { from: 'user' });
    ended.status = Number(process.exitCode);
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    Object.assign(ended, { status: 2, stderr: error.message });
  } finally {
    stdout.write = writeOut;
    stderr.write = writeError;
    process.exitCode = 0;
  }
  return ended;
}

/** Undefined where there is no such environment. */
async function shownBy(environment: string, modules: readonly string[]): Promise<Shown | undefined> {
  const libraries = await unless('ENOENT', readdir(join(environment, 'lib')));
  if (libraries === undefined) return undefined;
  const packages = join(environment, 'lib', libraries[0]!, 'site-packages');
  const names = (await readdir(packages)).map((name) => /^(.+)-(.+)\.dist-info$/.exec(name));
  const found = names.filter((match) => match !== null);
  const texts: Shown['texts'] = {};
  for (const module of modules)
    texts[module] = await unless('ENOENT', readFile(join(packages, module), 'utf8'));
  return { held: Object.fromEntries(found.map(([, name, version]) => [name, version])), texts };
}
