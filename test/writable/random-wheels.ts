import { type WheelSpec, writeWheel } from '../support/wheel-builder.js';

/** Distributions whose folders the processes of the campaign have for themselves; each is a package of this name. */
export const ownPackages = ['own0', 'own1', 'own2', 'own3'] as const;

/** Wheels with folders in folders, scripts and files of several sizes; all take part in one namespace package. */
export async function writeRandomWheels(folder: string): Promise<string[]> {
  for (const name of ownPackages) await writeWheel(folder, specOf(name));
  return [...ownPackages];
}

/** An older version of the first one, of which some files go and some change. */
export async function writeReplaced(folder: string): Promise<void> {
  const { files = {}, ...spec } = specOf(ownPackages[0]);
  const older = Object.entries(files).map(([path, text]) => [path.replace('-1.0.', '-0.9.'), text] as const);
  await writeWheel(folder, {
    ...spec,
    version: '0.9',
    files: { ...Object.fromEntries(older), [`${ownPackages[0]}/old.py`]: 'OLD = 1\n' },
  });
}

function specOf(name: string): WheelSpec {
  const files: Record<string, string | Buffer> = {
    [`${name}/__init__.py`]: `NAME = "${name}"\n`,
    [`space/${name}/part.py`]: `PART = "${name}"\n`,
    [`${name}/large.bin`]: Buffer.alloc(300_000, name),
    [`${name}/empty.txt`]: '',
    [`${name}-1.0.data/data/share/common/${name}.txt`]: name,
  };
  for (const sub of ['a', 'b', 'c'])
    for (let index = 0; index < 4; index += 1) {
      files[`${name}/${sub}/f${index}.py`] = `X = ${index}\n`.repeat(1 + index * 200);
      files[`${name}/${sub}/deep/d${index}.txt`] = `${sub}${index}\n`.repeat(index * 500);
    }
  return {
    name,
    version: '1.0',
    files,
    entryPoints: `[console_scripts]\n${name} = ${name}:NAME\n`,
    executable: [`${name}/a/f1.py`],
  };
}
