import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ShenvError } from '../../base/errors.js';
import { packageFile } from '../../base/package-files.js';
import { run } from '../../base/run.js';
import { normalizeName } from '../../wheel/filename.js';
import { interpreterLineOf } from './scripts.js';
import type { Installed } from './survey.js';
import type { Venv } from './venv.js';

/** One wheel as python/repack.py is told to write it. */
export interface WheelPlan {
  output: string;
  /** The member that RECORD becomes. */
  record: string;
  members: [name: string, source: string, interpreterLineBytes: number][];
  /** Where a source is not there any more, no wheel is written, and nothing fails. */
  mayVanish?: boolean;
}

/** What a generated distribution of a venv's own files is made of. */
export interface LocalFiles {
  /** Name of the distribution. */
  name: string;
  /** Relative to the venv's root. */
  paths: readonly string[];
  /** Wheel tag: what the files can be used by. */
  tag: string;
}

export const localVersion = '0+local';

/** The wheel that an installed distribution came from, as far as it is still there. Pure. */
export function planInstalled(venv: Venv, installed: Installed, folder: string): WheelPlan {
  const { metadata, distInfo, files } = installed;
  const stem = distInfo.slice(0, -'.dist-info'.length);
  const members = [...files].map(([path, { lineBytes = 0 }]): WheelPlan['members'][number] => [
    memberName(venv, stem, path),
    join(venv.root, path),
    lineBytes,
  ]);
  const name = `${escaped(metadata.name)}-${metadata.version.replaceAll('-', '_')}-0.imported`;
  const output = join(folder, `${name}-${compressTags(installed.tags)}.whl`);
  return { output, record: `${distInfo}/RECORD`, members };
}

/** A wheel of files that no distribution names; its metadata are written into `folder`. */
export async function planLocalFiles(
  venv: Venv,
  { name, paths, tag }: LocalFiles,
  folder: string,
): Promise<WheelPlan> {
  const stem = `${escaped(name)}-${localVersion}`;
  const texts = {
    METADATA: `Metadata-Version: 2.1\nName: ${name}\nVersion: ${localVersion}\nSummary: Files of this environment alone\n`,
    WHEEL: `Wheel-Version: 1.0\nGenerator: shenv-fs\nRoot-Is-Purelib: true\nTag: ${tag}\n`,
  };
  const members: WheelPlan['members'] = [];
  for (const [file, text] of Object.entries(texts)) {
    const source = join(folder, file);
    await writeFile(source, text);
    members.push([`${stem}.dist-info/${file}`, source, 0]);
  }
  for (const path of paths) {
    const source = join(venv.root, path);
    const line = path.startsWith('bin/') ? await interpreterLineOf(venv, source) : undefined;
    members.push([memberName(venv, stem, path), source, line?.length ?? 0]);
  }
  return { output: join(folder, `${stem}-${tag}.whl`), record: `${stem}.dist-info/RECORD`, members };
}

/** Writes the wheels, in one process of `python`. Throws VENV_UNUSABLE when that fails. */
export async function writeWheels(
  python: string,
  plans: readonly WheelPlan[],
  { folder, signal }: { folder: string; signal?: AbortSignal },
): Promise<void> {
  const plan = join(folder, 'plan.json');
  await writeFile(plan, JSON.stringify(plans));
  const args = ['-I', '-S', '-B', packageFile('src/python/repack.py'), '--plan', plan];
  const { status, stderr } = await run(python, args, signal ? { signal } : {});
  if (status === 0) return;
  throw new ShenvError(
    'VENV_UNUSABLE',
    `The distributions cannot be packed: ${stderr.trim().split('\n').at(-1)}`,
    {
      hint: 'Every file of the venv has to be readable.',
      found: stderr.trim(),
    },
  );
}

/** The name in a wheel that an installer puts at `path` of a venv. */
function memberName({ sitePackages }: Venv, stem: string, path: string): string {
  if (path.startsWith(`${sitePackages}/`)) return path.slice(sitePackages.length + 1);
  if (path.startsWith('bin/')) return `${stem}.data/scripts/${path.slice('bin/'.length)}`;
  return `${stem}.data/data/${path}`;
}

function escaped(name: string): string {
  return normalizeName(name).replaceAll('-', '_');
}

/** `py2-none-any` and `py3-none-any` are `py2.py3-none-any` in a name. */
function compressTags(tags: readonly string[]): string {
  const parts = (tags.length === 0 ? ['py3-none-any'] : tags).map((tag) => tag.trim().split('-'));
  return [0, 1, 2].map((at) => [...new Set(parts.map((part) => part[at]))].join('.')).join('-');
}
