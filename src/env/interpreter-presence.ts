import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { ShenvError } from '../base/errors.js';
import { noInterpreter } from '../manifest/types.js';
import { readInterpreter } from '../python/interpreter-record.js';
import type { Workspace } from './workspace.js';

/** The remedy for environments whose interpreter is not there any more. */
export const repairHint = '`shenv-fs repair`';

export async function isExecutable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}

/**
 * Looks whether the interpreter of an environment's current generation is still where it was; it is not run.
 * That of a bare environment is its own matter, if it was given one. Throws ENVIRONMENT_MISSING, INTERPRETER_MISSING,
 * INTERPRETER_NONE.
 */
export async function assertInterpreterPresent({ environments }: Workspace, name: string): Promise<void> {
  const { interpreter } = await environments.read(name);
  if (
    interpreter === noInterpreter &&
    (await isExecutable(join(environments.upper(name).tree, 'bin/python')))
  )
    return;
  const { baseExecutable, version } = await readInterpreter(environments.interpreters, interpreter);
  if (await isExecutable(baseExecutable)) return;
  throw new ShenvError(
    'INTERPRETER_MISSING',
    `'${name}' is of Python ${version}, and ${baseExecutable} is gone`,
    {
      hint: `${repairHint} finds it elsewhere, or makes the environment one of another with --python.`,
      path: baseExecutable,
    },
  );
}
