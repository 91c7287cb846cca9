import { appendFile, mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { ShownJournal } from '../../../src/mount/shown-journal.js';

const image = (serial: number) => ({ serial, path: `/store/${serial}.img`, origin: 'x' });
const shows = (generation: number) => ({ name: 'web', environmentSerial: 7, generation });

async function journalFile(t: ExecutionContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'shenv-fs-journal-'));
  t.teardown(() => rm(folder, { recursive: true }));
  return join(folder, 'x.shown');
}

test('the next process reads what the one before has shown, and only that', async (t) => {
  const path = await journalFile(t);
  const journal = new ShownJournal(path);
  journal.begin();
  journal.change([shows(1), { name: 'gone', environmentSerial: 8, generation: 1 }], []);
  journal.load(7, [image(1), image(2)]);
  journal.change([], ['gone']);
  journal.settle();
  const inherited = await new ShownJournal(path).inherit();
  t.deepEqual([...inherited.generations], [['web', [shows(1)]]]);
  t.deepEqual([...inherited.loaded], [7]);
  t.deepEqual(inherited.images, [image(1), image(2)]);
  t.false(inherited.isUnknown || inherited.isRetired);
});

test('a change that the kernel was not told of to the end leaves both generations, and names that went', async (t) => {
  const path = await journalFile(t);
  const journal = new ShownJournal(path);
  journal.begin();
  journal.change([shows(1), { name: 'gone', environmentSerial: 8, generation: 1 }], []);
  journal.settle();
  journal.change([shows(2)], ['gone']);
  for (let process = 0; process < 2; process += 1) {
    const { generations } = await new ShownJournal(path).inherit();
    t.deepEqual(generations.get('web'), [shows(1), shows(2)]);
    t.is(generations.get('gone')!.length, 1);
  }
});

test('a torn last line is not read, a lost journal is known to be lost, a retired place stays retired', async (t) => {
  const path = await journalFile(t);
  const journal = new ShownJournal(path);
  journal.begin();
  journal.change([shows(1)], []);
  journal.retire();
  await appendFile(path, '{"shows":{"na');
  const next = new ShownJournal(path);
  const inherited = await next.inherit();
  t.deepEqual([...inherited.generations.keys()], ['web']);
  t.true(inherited.isRetired);
  t.true((await new ShownJournal(path).inherit()).isRetired);
  next.end();
  await t.throwsAsync(stat(path));
  t.true((await new ShownJournal(path).inherit()).isUnknown);
});

test('a journal that grows is written anew, though not at each change once what it holds is much', async (t) => {
  const path = await journalFile(t);
  const journal = new ShownJournal(path);
  journal.begin();
  const origin = 'x'.repeat(1 << 20);
  let { ino } = await stat(path);
  let rewrites = 0;
  for (let generation = 1; generation <= 24; generation += 1) {
    journal.load(7, [{ ...image(generation), origin }]);
    journal.change([shows(generation)], []);
    journal.settle();
    const before = ino;
    ino = (await stat(path)).ino;
    if (ino !== before) rewrites += 1;
  }
  t.is(rewrites, 2);
  const inherited = await new ShownJournal(path).inherit();
  t.deepEqual(inherited.generations.get('web'), [shows(24)]);
  t.is(inherited.images.length, 24);
});

test('environments that are gone and images that have expired are told no longer, and no others are lost', async (t) => {
  const path = await journalFile(t);
  const journal = new ShownJournal(path);
  journal.begin();
  journal.load(0, []);
  journal.change([shows(1)], []);
  journal.load(7, [image(1), image(2)]);
  for (let serial = 10; serial < 20; serial += 1) {
    journal.change([{ name: 'other', environmentSerial: serial, generation: 1 }], []);
    journal.load(serial, [image(serial)]);
    journal.change([], ['other']);
    journal.settle();
  }
  journal.expire(Array.from({ length: 9 }, (_, index) => image(10 + index).path));
  journal.change([], ['web']);
  journal.settle();
  for (let process = 0; process < 2; process += 1) {
    const { loaded, images } = await new ShownJournal(path).inherit();
    t.deepEqual([...loaded], [0]);
    t.deepEqual(images, [image(1), image(2), image(19)]);
  }
});
