import { lstatSync } from 'node:fs';
import { join } from 'node:path';
import { ShenvError } from '../../base/errors.js';
import { type Manifest, noInterpreter } from '../../manifest/types.js';
import { findInterpreter, type KnownInterpreter, readInterpreter } from '../../python/interpreter-record.js';
import { readVenv, type Venv } from '../transfer/venv.js';

/** What an environment has, or gets from the venv that was made in it. */
export interface Base {
  interpreter: KnownInterpreter;
  systemSitePackages: boolean;
}

/**
 * The interpreter of an environment; of a bare one that of the venv in it. Undefined where there is none, or one that is
 * still being made. Throws INTERPRETER_MISSING, INTERPRETER_UNUSABLE.
 */
export async function findBase(
  interpreters: string,
  manifest: Manifest,
  { root, quietSinceMs }: { root: string; quietSinceMs: number },
): Promise<Base | undefined> {
  if (manifest.interpreter !== noInterpreter) {
    const record = await readInterpreter(interpreters, manifest.interpreter);
    const { systemSitePackages } = manifest.options;
    return { interpreter: { key: manifest.interpreter, record }, systemSitePackages };
  }
  const venv = await readWholeVenv(root, quietSinceMs);
  if (!venv) return undefined;
  const interpreter = await findInterpreter(interpreters, venv.python);
  const { systemSitePackages } = venv;
  return interpreter.record.minor === venv.minor ? { interpreter, systemSitePackages } : undefined;
}

async function readWholeVenv(root: string, quietSinceMs: number): Promise<Venv | undefined> {
  const status = lstatSync(join(root, 'pyvenv.cfg'), { throwIfNoEntry: false });
  if (!status?.isFile() || status.ctimeMs > quietSinceMs) return undefined;
  try {
    return await readVenv(root);
  } catch (error) {
    if (error instanceof ShenvError && error.code === 'VENV_UNUSABLE') return undefined;
    throw error;
  }
}

/** The upper layer as a venv that can be surveyed. */
export function venvOf(
  { interpreter, systemSitePackages }: Base,
  root: string,
  roots: readonly string[],
): Venv {
  const { minor, baseExecutable } = interpreter.record;
  return {
    root,
    python: baseExecutable,
    minor,
    systemSitePackages,
    sitePackages: `lib/python${minor}/site-packages`,
    spellings: [...roots],
  };
}
