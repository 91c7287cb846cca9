import { readFile, writeFile } from 'node:fs/promises';
import { run } from '../../src/base/run.js';
import type { Sandbox } from './sandbox.js';
import { writeWheel } from './wheel-builder.js';

/** An environment `demo` whose package `many` has this many small modules, a table and a library with `answer()`. */
export async function createMany(sandbox: Sandbox, modules: number): Promise<void> {
  const library = await buildLibrary(sandbox);
  const files: Record<string, string | Buffer> = {
    'many/__init__.py': '',
    'many/table.bin': Buffer.alloc(1_000_000, 'shenv-fs'),
    'many/library.so': library,
  };
  for (let index = 0; index < modules; index += 1) {
    files[`many/module${index}.py`] = `NAME = "many.module${index}"\nDATA = "${'x'.repeat(2000)}"\n`;
  }
  const folder = sandbox.path('wheels');
  await writeWheel(folder, { name: 'many', version: '1.0', files });
  const source = ['--no-index', '--find-links', folder, '--without-pip', '--no-bytecode'];
  await sandbox.expect('create', 'demo', 'many', ...source);
}

async function buildLibrary(sandbox: Sandbox): Promise<Buffer> {
  const source = sandbox.path('library.c');
  const built = sandbox.path('library.so');
  await writeFile(source, 'int answer(void) { return 42; }\n');
  const { status, stderr } = await run('cc', ['-shared', '-fPIC', '-o', built, source]);
  if (status !== 0) throw new Error(`cc: ${stderr}`);
  return readFile(built);
}
