import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { anyInterpreter } from '../support/interpreters.js';
import { compile } from '../support/probe-client.js';
import { writeSampleWheels } from '../support/sample-wheels.js';
import { projectRoot, type Sandbox } from '../support/sandbox.js';
import { rules } from './guest/rules.js';
import type { SceneOptions } from './guest/scene.js';
import { runGuest } from './machine.js';

export interface Result {
  title: string;
  /** What does not hold; empty when the rule does. */
  violations: string[];
  ms: number;
}

const deadlineMs = 240_000;
const environment = 'demo';

/** Makes an environment with `extension` and the sample wheels, exports its mount in a guest and tries every rule. */
export async function runRules(
  sandbox: Sandbox,
  packages: string,
  extension: { requirement: string; module: string },
): Promise<Result[]> {
  const wheels = await writeSampleWheels(sandbox);
  const requirements = ['alpha', extension.requirement, '--find-links', wheels, '--no-bytecode'];
  const options = await prepareScene(sandbox, { packages, extension: extension.module, requirements });
  const printed = await runInGuest(sandbox, 'main.js', options, { memory: '1G', deadlineMs });
  const results = await readResults<Result>(options, 'rules');
  if (results.length === rules.length || results.some(({ title }) => title === 'scene')) return results;
  throw new Error(`the guest ended after '${results.at(-1)?.title}': ${lastOf(printed)}`);
}

interface Wanted {
  packages: string;
  extension: string;
  /** Arguments of `create`. */
  requirements: readonly string[];
}

/** Makes the environment, on the machine itself. */
export async function prepareScene(
  sandbox: Sandbox,
  { packages, extension, requirements }: Wanted,
): Promise<SceneOptions> {
  const { minor, baseExecutable } = await anyInterpreter();
  const source = ['--python', baseExecutable, '--without-pip'];
  await sandbox.expect('create', environment, ...source, ...requirements);
  const results = sandbox.path('results');
  await mkdir(results);
  return {
    packages,
    home: sandbox.variables.SHENV_HOME!,
    environment,
    extension,
    site: `lib/python${minor}/site-packages`,
    probe: await probe(sandbox),
    results,
  };
}

/** Lets the guest run a module of test/nfs/guest with these options; gives what it printed. */
export async function runInGuest(
  sandbox: Sandbox,
  module: string,
  options: SceneOptions,
  limits: { memory: string; deadlineMs: number },
): Promise<string> {
  const file = sandbox.path('options.json');
  await writeFile(file, JSON.stringify(options));
  const command = [process.execPath, join(projectRoot, 'build/test/nfs/guest', module), file];
  return runGuest({ packages: options.packages, sandbox, command, ...limits });
}

/** The lines of JSON that the guest wrote. */
export async function readResults<T>({ results }: SceneOptions, name: string): Promise<T[]> {
  const lines = await readFile(join(results, name), 'utf8').catch(() => '');
  return lines
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as T);
}

export function lastOf(printed: string): string {
  return printed.split('\n').slice(-40).join('\n');
}

async function probe(sandbox: Sandbox): Promise<string> {
  const files = await readdir(join(projectRoot, 'test/conformance/client'));
  const sources = files.filter((file) => file.endsWith('.c')).map((file) => `client/${file}`);
  return compile(sandbox, 'probe-client', sources);
}
