import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { claimNumber } from '../../../src/base/claims.js';
import { run } from '../../../src/base/run.js';
import { temporaryFolder } from '../../support/temporary-folder.js';

const claimant = fileURLToPath(new URL('../../support/claim-numbers.js', import.meta.url));
/** 64 are kept; up to twice as many, and one for each claimant at work, may be there. */
const mostClaims = 128 + 8;

test('the first claim is the number asked for, the next ones count on', async (t) => {
  const folder = join(await temporaryFolder(t), 'made', 'for', 'it');
  t.is(await claimNumber(folder, () => 41), 41);
  t.is(await claimNumber(folder, () => 1), 42);
});

test('promises that claim at once get different numbers', async (t) => {
  const folder = await temporaryFolder(t);
  const numbers = await Promise.all(Array.from({ length: 200 }, () => claimNumber(folder, () => 1)));
  t.is(new Set(numbers).size, 200);
});

test('processes that claim at once get different numbers, and the folder stays bounded', async (t) => {
  const folder = await temporaryFolder(t);
  const ended = await Promise.all(
    Array.from({ length: 8 }, () => run(process.execPath, [claimant, folder, '25'], { timeoutMs: 60_000 })),
  );
  const numbers = ended.flatMap(({ stdout }) => JSON.parse(stdout) as number[]);
  t.is(numbers.length, 200);
  t.is(new Set(numbers).size, 200);
  t.true((await readdir(folder)).length <= mostClaims);
});

test('what was claimed before is never given again, however much is pruned', async (t) => {
  const folder = await temporaryFolder(t);
  let last = 0;
  for (let round = 0; round < 300; round += 1) {
    const number = await claimNumber(folder, () => 1);
    t.true(number > last);
    last = number;
  }
  t.true((await readdir(folder)).length <= mostClaims);
});

test('files with other names are no claims', async (t) => {
  const folder = await temporaryFolder(t);
  for (const name of ['007', 'x', '12.tmp', '-3']) await writeFile(join(folder, name), '');
  t.is(await claimNumber(folder, () => 5), 5);
});
