import { copyFile, mkdir, realpath, rename, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { sha256 } from '../../src/base/digest.js';
import { pack } from '../../src/base/msgpack.js';
import { Environments } from '../../src/env/environments.js';
import type { Manifest } from '../../src/manifest/types.js';
import {
  type InterpreterRecord,
  keepInterpreter,
  readInterpreter,
} from '../../src/python/interpreter-record.js';
import type { Probe } from '../../src/python/probe.js';
import type { Sandbox } from './sandbox.js';

/**
 * An interpreter in a folder of the test's own that can be moved and removed: a copy of the program, which finds
 * its prefix by its own place, and a link to the library. Gives the path of the program.
 */
export async function movableInterpreter(sandbox: Sandbox, probe: Probe, name: string): Promise<string> {
  const prefix = sandbox.path('pythons', name);
  await mkdir(join(prefix, 'bin'), { recursive: true });
  await symlink(join(probe.basePrefix, 'lib'), join(prefix, 'lib'));
  await copyFile(await realpath(probe.baseExecutable), join(prefix, 'bin', `python${probe.minor}`));
  await symlink(`python${probe.minor}`, join(prefix, 'bin', 'python3'));
  return join(prefix, 'bin', 'python3');
}

/** Moves it and puts its new place first on PATH, so that it is found before others; gives its new path. */
export async function moveInterpreter(sandbox: Sandbox, executable: string, name: string): Promise<string> {
  const prefix = sandbox.path('pythons', name);
  await rename(dirname(dirname(executable)), prefix);
  sandbox.variables.PATH = `${join(prefix, 'bin')}:${sandbox.variables.PATH}`;
  return join(prefix, 'bin', 'python3');
}

export function environmentsOf(sandbox: Sandbox): Environments {
  return new Environments(sandbox.path('home'));
}

/** The current generation of an environment and the record of its interpreter. */
export async function stateOf(
  sandbox: Sandbox,
  name: string,
): Promise<{ manifest: Manifest; interpreter: InterpreterRecord }> {
  const environments = environmentsOf(sandbox);
  const manifest = await environments.read(name);
  return { manifest, interpreter: await readInterpreter(environments.interpreters, manifest.interpreter) };
}

/** Makes a generation as if it had been made when the interpreter's facts were others. */
export async function withOtherFacts(
  sandbox: Sandbox,
  name: string,
  facts: Partial<InterpreterRecord>,
): Promise<void> {
  const environments = environmentsOf(sandbox);
  const { manifest, interpreter } = await stateOf(sandbox, name);
  const record = { ...interpreter, ...facts };
  const key = sha256(pack(record));
  await keepInterpreter(environments.interpreters, { key, record });
  await environments.commit({ ...manifest, generation: manifest.generation + 1, interpreter: key });
}
