import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { filePromises } from '../../../src/doctor/checks/file-system-promises.js';
import { temporaryFolder } from '../../support/temporary-folder.js';

test('a file system of this host keeps every promise', async (t) => {
  const folder = await temporaryFolder(t);
  for (const [index, { name, try: attempt }] of filePromises.entries()) {
    const apart = join(folder, String(index));
    await mkdir(apart);
    t.is(await attempt(apart), undefined, name);
  }
});

test('a promise that is broken is told with what is wrong', async (t) => {
  const folder = await temporaryFolder(t);
  await writeFile(join(folder, 'claim'), '');
  const { try: attempt } = filePromises.find(({ name }) => name === 'exclusive create')!;
  t.is(await attempt(folder), '0 of 8 had the same name');
});
