import type { Sandbox } from './sandbox.js';
import { writeWheel } from './wheel-builder.js';

/** Wheels for any Python: `alpha` needs `beta`; both have a part of the namespace package `space`. */
export async function writeSampleWheels(sandbox: Sandbox): Promise<string> {
  const folder = sandbox.path('wheels');
  await writeWheel(folder, {
    name: 'alpha',
    version: '1.0',
    requires: ['beta'],
    entryPoints: '[console_scripts]\nalpha = alpha:main\n',
    files: {
      'alpha/__init__.py':
        'import sys\nimport beta\nVERSION = "1.0"\ndef main():\n    print("alpha runs", *sys.argv[1:])\n',
      'alpha/table.bin': Buffer.alloc(200_000, 'shenv-fs'),
      'space/one.py': 'ONE = 1\n',
      'alpha-1.0.data/scripts/alpha-tool': '#!python\nimport sys\nprint(sys.prefix)\n',
    },
  });
  await writeWheel(folder, {
    name: 'beta',
    version: '2.0',
    files: { 'beta.py': 'VERSION = "2.0"\n', 'space/two.py': 'TWO = 2\n' },
  });
  return folder;
}

/** Creates an environment with `alpha` and `beta`; without bytecode, which takes most of the time. */
export async function createSample(sandbox: Sandbox, name: string, ...options: string[]): Promise<void> {
  const wheels = await writeSampleWheels(sandbox);
  const source = ['--no-index', '--find-links', wheels, '--without-pip', '--no-bytecode'];
  await sandbox.expect('create', name, 'alpha', ...source, ...options);
}
