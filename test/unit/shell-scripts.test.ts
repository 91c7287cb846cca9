import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { systemErrorCode } from '../../src/base/errors.js';
import { run } from '../../src/base/run.js';
import { skip } from '../support/interpreters.js';
import { projectRoot } from '../support/sandbox.js';

const folders = ['mount-scripts', 'native', '.ci'];

/** Files that begin with a line naming a shell, or for a shell that reads them. */
async function shellScripts(): Promise<string[]> {
  const found: string[] = [];
  for (const folder of folders) {
    const entries = await readdir(join(projectRoot, folder), { recursive: true, withFileTypes: true });
    for (const entry of entries) {
      if (!entry.isFile() || entry.parentPath.includes('/build')) continue;
      const path = join(entry.parentPath, entry.name);
      const text = await readFile(path, 'latin1');
      if (/^#!.*\b(ba|da)?sh\b/.test(text) || /^# shellcheck shell=/m.test(text)) found.push(path);
    }
  }
  return found.sort();
}

test('shellcheck has nothing to say about any shell script', async (t) => {
  const scripts = await shellScripts();
  t.true(scripts.some((path) => path.endsWith('mount.shenv')));
  t.true(scripts.length > 6);
  try {
    const { status, stdout } = await run('shellcheck', ['--external-sources', '--', ...scripts]);
    t.is(status, 0, stdout);
  } catch (error) {
    if (systemErrorCode(error) !== 'ENOENT') throw error;
    skip(t, 'shellcheck is not installed (prerequisites.sh --tests)');
  }
});
