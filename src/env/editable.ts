import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ShenvError } from '../base/errors.js';
import { packageFile } from '../base/package-files.js';
import { run } from '../base/run.js';
import type { InterpreterRecord } from '../python/interpreter-record.js';
import type { Pin } from './pin.js';
import { findPip, runPip } from './pip.js';
import { makeShadow, nothingInstalled } from './shadow.js';
import type { Workspace } from './workspace.js';

export interface EditableRequest {
  /** Where to work and to leave the wheel. */
  folder: string;
  pin: Pin;
  /** Where the build backend is to be had: pip's index options. */
  indexArgs: readonly string[];
}

/**
 * The wheel that a project's build backend makes for an editable installation (PEP 660): pip installs
 * it into an empty venv below `folder`, and what it put there is packed again. Throws RESOLVER_FAILED.
 */
export async function buildEditable(
  { progress, signal, outlines }: Workspace,
  interpreter: InterpreterRecord,
  { folder, pin, indexArgs }: EditableRequest,
): Promise<string> {
  const project = join(fileURLToPath(pin.download.url), pin.download.subdirectory ?? '');
  const shadow = await makeShadow(
    join(folder, `editable-${pin.name}`),
    interpreter,
    nothingInstalled,
    outlines,
  );
  const pip = await findPip(interpreter, shadow.python);
  await runPip(pip, ['install', '--no-deps', '--no-compile', ...indexArgs, '-e', project], progress, signal);
  const script = packageFile('src/python/repack.py');
  const packed = await run(shadow.python, ['-I', '-B', script, shadow.sitePackages, folder]);
  if (packed.status === 0) return packed.stdout.trim();
  throw new ShenvError('RESOLVER_FAILED', `${project} cannot be installed in editable mode`, {
    hint: 'Its build backend has to support PEP 660 (setuptools 64 or later, hatchling, flit, …).',
    path: project,
    found: packed.stderr.trim(),
  });
}
