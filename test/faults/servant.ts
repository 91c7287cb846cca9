/**
 * A child process that works for the rounds: it runs commands of `shenv-fs` one after another, which saves the
 * start of a process for each, or reads through the mount, so that a mount that hangs holds up nobody else.
 */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CommanderError } from 'commander';
import { unless } from '../../src/base/errors.js';
import { makeProgram } from '../../src/cli/program.js';

export type Request = { args: readonly string[] } | { environment: string; modules: readonly string[] };

export interface Ended {
  status: number;
  stderr: string;
}

/** What an environment shows: versions by distribution, and the texts of modules. */
export interface Shown {
  held: Record<string, string>;
  texts: Record<string, string | undefined>;
}

export interface Answer {
  result?: Ended | Shown | undefined;
  error?: string;
}

process.on('message', (request: Request) => {
  handle(request).then(
    (result) => process.send!({ result } satisfies Answer),
    (error: unknown) => process.send!({ error: String((error as Error).stack) } satisfies Answer),
  );
});
process.on('disconnect', () => process.exit());

function handle(request: Request): Promise<Ended | Shown | undefined> {
  return 'args' in request ? runCommand(request.args) : shownBy(request.environment, request.modules);
}

async function runCommand(args: readonly string[]): Promise<Ended> {
  const ended: Ended = { status: 0, stderr: '' };
  const write = process.stderr.write;
  process.stderr.write = (text: string | Uint8Array) => {
    ended.stderr += String(text);
    return true;
  };
  process.exitCode = 0;
  try {
    await makeProgram(new AbortController().signal).parseAsync(args, { from: 'user' });
    ended.status = Number(process.exitCode);
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    Object.assign(ended, { status: 2, stderr: error.message });
  } finally {
    process.stderr.write = write;
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
