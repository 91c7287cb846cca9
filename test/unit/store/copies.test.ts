import { chmod, link, mkdir, readdir, readFile, rm, truncate, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import type { Image } from '../../../src/image/read.js';
import { CopyFolder } from '../../../src/store/copies/copy-folder.js';
import { refused } from '../../support/refusal.js';
import { StoredHome } from '../../support/stored-home.js';
import { temporaryFolder } from '../../support/temporary-folder.js';

const plenty = 2 ** 30;

async function copiesIn(folder: string): Promise<string[]> {
  return (await readdir(join(folder, 'v1', 'images'))).filter((name) => name.endsWith('.img'));
}

function poolPath(folder: string, image: Image): string {
  return join(folder, 'v1', 'images', `${image.header.digest}.img`);
}

test('a copy has every byte of its image, and another daemon finds it without the store', async (t) => {
  const home = await StoredHome.make(t);
  const image = await home.put('alpha', '1.0', 300_000);
  const bytes = await readFile(image.path);
  const folder = await temporaryFolder(t);
  const first = await CopyFolder.open(folder, plenty);
  t.is(await first.find(image), undefined);
  const copy = await first.copy(image);
  t.deepEqual(await readFile(copy!.path), bytes);
  await rm(image.path);
  const second = await CopyFolder.open(folder, plenty);
  t.deepEqual(await readFile((await second.find(image, true))!.path), bytes);
  await first.close();
  await second.close();
  t.deepEqual(await readdir(join(folder, 'v1', 'users')), []);
  t.is((await copiesIn(folder)).length, 1, 'it survives the daemons');
});

test('an image that is damaged in the store is not copied', async (t) => {
  const home = await StoredHome.make(t);
  const image = await home.put('alpha', '1.0', 300_000);
  const data = await readFile(image.path);
  data[data.length - 10]! ^= 1;
  await writeFile(image.path, data);
  const folder = await temporaryFolder(t);
  const copies = await CopyFolder.open(folder, plenty);
  t.is(await copies.copy(image), undefined);
  t.deepEqual(await copiesIn(folder), []);
});

test('a copy that was changed, cut or replaced is thrown out, not used', async (t) => {
  const home = await StoredHome.make(t);
  const image = await home.put('alpha', '1.0', 300_000);
  const folder = await temporaryFolder(t);
  const path = poolPath(folder, image);
  const changes: (() => Promise<void>)[] = [
    () => truncate(path, 100_000),
    async () => {
      const data = await readFile(path);
      data[data.length - 10]! ^= 1;
      await writeFile(path, data);
      await utimes(path, new Date(0), new Date(0));
    },
    () => writeFile(path, 'another file'),
  ];
  for (const change of changes) {
    const copies = await CopyFolder.open(folder, plenty);
    t.truthy(await copies.copy(image));
    t.true(await copies.isUnchanged(image));
    await change();
    t.false(await copies.isUnchanged(image));
    t.is(await copies.find(image, true), undefined);
    t.is(await copies.find(image), undefined);
    t.deepEqual(await copiesIn(folder), []);
    await copies.close();
  }
});

test('a copy of which nothing is known is compared with its digests before it is used', async (t) => {
  const home = await StoredHome.make(t);
  const image = await home.put('alpha');
  const folder = await temporaryFolder(t);
  const copies = await CopyFolder.open(folder, plenty);
  await copies.copy(image);
  await rm(`${poolPath(folder, image).slice(0, -4)}.json`);
  t.is(await copies.find(image, true), undefined);
  t.truthy(await copies.find(image));
  t.truthy(await copies.find(image, true), 'from now on it is known');
});

test('the copy that was used longest ago makes room, one that a daemon uses never does', async (t) => {
  const home = await StoredHome.make(t);
  const images = [await home.put('a'), await home.put('b'), await home.put('c')] as const;
  const folder = await temporaryFolder(t);
  const size = Math.max(...images.map(({ header }) => header.fileBytes));
  const first = await CopyFolder.open(folder, 2 * size + 100);
  await first.copy(images[0]);
  await first.close();
  const second = await CopyFolder.open(folder, 2 * size + 100);
  await second.copy(images[1]);
  t.truthy(await second.copy(images[2]), 'a goes');
  t.deepEqual(
    (await copiesIn(folder)).sort(),
    [images[1], images[2]].map(({ header }) => `${header.digest}.img`).sort(),
  );
  t.is(await second.copy(images[0]), undefined, 'both that are there are used');
});

test('what one daemon throws out another one goes on reading', async (t) => {
  const home = await StoredHome.make(t);
  const image = await home.put('alpha');
  const folder = await temporaryFolder(t);
  const first = await CopyFolder.open(folder, plenty);
  const copy = await first.copy(image);
  const second = await CopyFolder.open(folder, plenty);
  await second.discard(image);
  t.deepEqual(await readFile(copy!.path), await readFile(image.path));
});

test('the claim of a process that lives is respected, that of a dead one is not', async (t) => {
  const home = await StoredHome.make(t);
  const image = await home.put('alpha');
  const folder = await temporaryFolder(t);
  const copies = await CopyFolder.open(folder, plenty);
  const claim = `${poolPath(folder, image).slice(0, -4)}.claim`;
  const { thisProcess } = await import('../../../src/base/process-identity.js');
  await writeFile(claim, JSON.stringify(thisProcess()));
  t.is(await copies.copy(image), undefined);
  await writeFile(claim, JSON.stringify({ ...thisProcess(), startTicks: 1 }));
  t.truthy(await copies.copy(image));
  await writeFile(claim, '{');
  await rm(poolPath(folder, image));
  t.truthy(await copies.copy(image), 'one that was cut off by a crash');
  await writeFile(claim, JSON.stringify({ ...thisProcess(), system: 'another-boot pid:[1]' }));
  await rm(poolPath(folder, image));
  t.truthy(await copies.copy(image), 'one of before the host was started');
});

test('what is being copied takes room, and nothing is thrown out for what does not fit', async (t) => {
  const home = await StoredHome.make(t);
  const [image, other] = [await home.put('alpha'), await home.put('beta')];
  const folder = await temporaryFolder(t);
  const first = await CopyFolder.open(folder, plenty);
  t.truthy(await first.copy(image));
  await first.close();
  const claim = join(folder, 'v1', 'images', 'another.claim');
  const { thisProcess } = await import('../../../src/base/process-identity.js');
  await writeFile(claim, JSON.stringify({ ...thisProcess(), sizeBytes: plenty }));
  const copies = await CopyFolder.open(folder, plenty);
  t.is(await copies.copy(other), undefined);
  t.is((await copiesIn(folder)).length, 1);
  await rm(claim);
  t.truthy(await copies.copy(other));
});

test('a daemon that did not come to say who it is keeps no other from starting', async (t) => {
  const folder = await temporaryFolder(t);
  const users = join(folder, 'v1', 'users');
  for (const name of ['1-old', '2-new']) {
    await mkdir(join(users, name), { recursive: true });
    await writeFile(join(users, name, 'process.json'), '');
  }
  await utimes(join(users, '1-old'), new Date(0), new Date(0));
  const copies = await CopyFolder.open(folder, plenty);
  t.deepEqual(
    (await readdir(users)).filter((name) => /-(old|new)$/.test(name)),
    ['2-new'],
  );
  await copies.close();
});

test('names of daemons that are gone go with the next one', async (t) => {
  const folder = await temporaryFolder(t);
  const users = join(folder, 'v1', 'users', '1-gone');
  await mkdir(users, { recursive: true });
  const { thisProcess } = await import('../../../src/base/process-identity.js');
  await writeFile(join(users, 'process.json'), JSON.stringify({ ...thisProcess(), startTicks: 1 }));
  await writeFile(join(users, 'x.img'), '');
  await link(join(users, 'x.img'), join(users, 'y.img'));
  const copies = await CopyFolder.open(folder, plenty);
  t.is((await readdir(join(folder, 'v1', 'users'))).length, 1);
  await copies.close();
});

test('a folder that others may write in is refused', async (t) => {
  const folder = await temporaryFolder(t);
  await chmod(folder, 0o777);
  await refused(t, 'STORE_UNUSABLE', [folder], () => CopyFolder.open(folder, plenty));
});
