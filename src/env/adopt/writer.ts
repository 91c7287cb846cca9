import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { unless } from '../../base/errors.js';
import type { Layer, Writer } from '../../manifest/types.js';
import type { Installed } from '../transfer/survey.js';
import type { Venv } from '../transfer/venv.js';

export type Forms = Pick<Layer, 'writer' | 'scriptPython'>;

/** The forms of what an installer has generated for a distribution, where they are not those that a view has by itself. */
export async function findForms(venv: Venv, installed: Installed): Promise<Forms> {
  const [writer, scriptPython] = [await findWriter(venv, installed), await findScriptPython(venv, installed)];
  return { ...(writer ? { writer } : {}), ...(scriptPython ? { scriptPython } : {}) };
}

/** `#!/…/bin/python3.12`, or a line with `exec` where that is too long. */
const startedPython = /^#!(?:.*\n'''exec' )?"?[^"\n]*\/bin\/(python[\d.]*)"?[ \n]/;

/** The interpreter's name in the first of its scripts; undefined for `python`. */
async function findScriptPython(venv: Venv, installed: Installed): Promise<string | undefined> {
  const scripts = [...installed.generated, ...installed.files.keys()].filter((path) =>
    path.startsWith('bin/'),
  );
  for (const path of scripts) {
    const text = await unless('ENOENT', readFile(join(venv.root, path), 'latin1'));
    const name = text === undefined ? undefined : startedPython.exec(text.slice(0, 4096))?.[1];
    if (name !== undefined) return name === 'python' ? undefined : name;
  }
  return undefined;
}

/** Whose forms an installed distribution's generated files have; undefined for those of the interpreter's time. */
async function findWriter(venv: Venv, installed: Installed): Promise<Writer | undefined> {
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
