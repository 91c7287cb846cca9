import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { unless } from '../../base/errors.js';
import type { Writer } from '../../manifest/types.js';
import type { Installed } from '../transfer/survey.js';
import type { Venv } from '../transfer/venv.js';

/** Whose forms an installed distribution's generated files have; undefined for those of the interpreter's time. */
export async function findWriter(venv: Venv, installed: Installed): Promise<Writer | undefined> {
  for (const path of installed.generated) {
    if (!path.startsWith('bin/')) continue;
    const text = await unless('ENOENT', readFile(join(venv.root, path), 'utf8'));
    if (text !== undefined) return writerOf(text, venv.minor);
  }
  const installer = join(venv.root, venv.sitePackages, installed.distInfo, 'INSTALLER');
  const text = await unless('ENOENT', readFile(installer, 'utf8'));
  return text === undefined || text.endsWith('\n') ? undefined : 'uv';
}

function writerOf(script: string, minor: string): Writer | undefined {
  if (script.includes('.endswith("-script.pyw")')) return 'uv';
  const isOld = script.includes("re.sub(r'(-script");
  return isOld && Number(minor.split('.')[1]) >= 9 ? 'distlib' : undefined;
}
