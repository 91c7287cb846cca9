import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { systemErrorCode } from '../../../src/base/errors.js';
import { type Finished, run } from '../../../src/base/run.js';
import { currentManPage } from '../../../src/cli/man-page.js';
import { skip } from '../../support/interpreters.js';
import { projectRoot } from '../../support/sandbox.js';

const path = join(projectRoot, 'docs', 'shenv-fs.1');

/** What a program says of the page, or undefined where it is not installed. */
async function check(program: string, args: readonly string[]): Promise<Finished | undefined> {
  try {
    return await run(program, [...args, path]);
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return undefined;
    throw error;
  }
}

test('docs/shenv-fs.1 is what `npm run man` writes', async (t) => {
  t.is(await readFile(path, 'utf8'), currentManPage(), 'run `npm run man`');
});

test('the manual page has the sections that manual pages have', (t) => {
  const sections = [...currentManPage().matchAll(/^\.SH "?([^"\n]+)"?$/gm)].map(([, title]) => title);
  t.deepEqual(sections, [
    'NAME',
    'SYNOPSIS',
    'DESCRIPTION',
    'COMMANDS',
    'ENVIRONMENT',
    'FILES',
    'EXIT STATUS',
    'EXAMPLES',
    'SEE ALSO',
  ]);
});

test('groff has no warning for the manual page, where groff is', async (t) => {
  const finished = await check('groff', ['-man', '-ww', '-z']);
  if (!finished) return skip(t, 'groff is not installed');
  t.deepEqual(finished, { status: 0, stdout: '', stderr: '' });
});

test('mandoc finds nothing in the manual page but its missing date, where mandoc is', async (t) => {
  const finished = await check('mandoc', ['-Tlint']);
  if (!finished) return skip(t, 'mandoc is not installed');
  // A date would make the page differ from what the grammar gives on another day.
  const found = finished.stdout.split('\n').filter((line) => line !== '' && !line.includes('missing date'));
  t.deepEqual(found, []);
});
