import test from 'ava';
import type { Digest } from '../../../src/base/brands.js';
import { type Manifest, manifestVersion } from '../../../src/manifest/types.js';
import { account, byDistribution, freedTogether, sumBytes } from '../../../src/store/accounting.js';
import type { Holding } from '../../../src/store/holdings.js';
import type { HomeId } from '../../../src/store/homes.js';
import { imageNameOf } from '../../../src/store/layout.js';
import { environmentsOf, type Reference } from '../../../src/store/usage.js';

const ann = 'aaaaaaaaaaaaaaaa' as HomeId;
const bob = 'bbbbbbbbbbbbbbbb' as HomeId;
const cacheTag = 'cpython-311';
const digestOf = (letter: string) => letter.charCodeAt(0).toString(16).repeat(32) as Digest;

/** What occupies `bytes` and shows a byte less; `tag` makes it an image of bytecode. */
function holding(letter: string, bytes: number, tag?: string): Holding {
  return {
    image: imageNameOf(digestOf(letter), tag),
    name: letter,
    version: '1.0',
    cacheTag: tag,
    path: `/store/${letter}`,
    bytesOnDisk: bytes,
    contentBytes: bytes - 1,
  };
}

/** Upper-case letters are layers with bytecode. */
function reference(home: HomeId, serial: number, generation: number, letters: string): Reference {
  const layers = [...letters].map((letter, slot) => {
    const image = { name: letter.toLowerCase(), version: '1.0', wheelDigest: digestOf(letter.toLowerCase()) };
    const bytecode = letter === letter.toLowerCase() ? {} : { bytecode: cacheTag };
    return { image, slot, reason: 'requested' as const, installer: 'pip', ...bytecode };
  });
  const manifest: Manifest = {
    version: manifestVersion,
    name: `env${serial}`,
    serial,
    generation,
    change: { atMs: 0, what: 'test' },
    createdMs: 0,
    interpreter: digestOf('i'),
    layers,
    parents: [],
    options: { systemSitePackages: false, bytecode: true, held: [] },
    nextSlot: layers.length,
    requested: [],
  };
  return { home, manifest };
}

const holdings = [
  holding('a', 1000),
  holding('a', 100, cacheTag),
  holding('b', 2000),
  holding('c', 4000),
  holding('d', 8000),
  holding('d', 800, cacheTag),
];

/** env1 of ann had b once and has A and c; env2 has a and c; env1 of bob has c. Nobody has d. */
const environments = environmentsOf([
  reference(ann, 1, 1, 'ab'),
  reference(ann, 1, 2, 'Ac'),
  reference(ann, 2, 1, 'ac'),
  reference(bob, 1, 7, 'c'),
]);

test('an environment has what it shows, its own, what only earlier generations have, and what it shares', (t) => {
  const { environments: found } = account(holdings, environments);
  t.deepEqual(
    found.map(({ environment: { home, name }, ...figures }) => ({ home, name, ...figures })),
    [
      {
        home: ann,
        name: 'env1',
        shows: 5097,
        own: 100,
        earlier: 2000,
        shared: 5000,
        frees: 2100,
        missing: [],
      },
      { home: ann, name: 'env2', shows: 4998, own: 0, earlier: 0, shared: 5000, frees: 0, missing: [] },
      { home: bob, name: 'env1', shows: 3999, own: 0, earlier: 0, shared: 4000, frees: 0, missing: [] },
    ],
  );
});

test('what is exclusive, shared and unused makes up all images; what environments free is what is exclusive', (t) => {
  const { totals, environments: found } = account(holdings, environments);
  t.is(totals.images, 15_900);
  t.is(totals.bytecode, 900);
  t.deepEqual([totals.exclusive, totals.shared, totals.unused], [2100, 5000, 8800]);
  t.is(totals.exclusive + totals.shared + totals.unused, totals.images);
  t.is(
    found.reduce((sum, { frees }) => sum + frees, 0),
    totals.exclusive,
  );
});

test('the sharing factor counts images of current generations once for each environment', (t) => {
  const { totals } = account(holdings, environments);
  t.is(totals.current, 5100);
  t.is(totals.sharingFactor, (2 * 1000 + 100 + 3 * 4000) / 5100);
  t.is(account(holdings, []).totals.sharingFactor, 1);
  t.is(account(holdings, environmentsOf([reference(ann, 1, 1, 'abc')])).totals.sharingFactor, 1);
});

test('environments that are deleted together free what they share with each other alone', (t) => {
  const { images } = account(holdings, environments);
  const [first, second, third] = environments;
  t.is(freedTogether(images, new Set([second!])), 0);
  t.is(freedTogether(images, new Set([first!, second!])), 3100);
  t.is(freedTogether(images, new Set([first!, second!, third!])), 7100);
  t.is(freedTogether(images, new Set()), 0, 'what nobody uses is not theirs');
});

test('distributions are told largest first, bytecode and what is unused apart', (t) => {
  const { images } = account(holdings, environments);
  t.deepEqual(
    byDistribution(images).map(({ name, bytes, bytecode, unused, environmentCount }) => [
      name,
      bytes,
      bytecode,
      unused,
      environmentCount,
    ]),
    [
      ['d', 8800, 800, 8800, 0],
      ['c', 4000, 0, 0, 3],
      ['b', 2000, 0, 0, 1],
      ['a', 1100, 100, 0, 2],
    ],
  );
  t.is(
    byDistribution(images).reduce((sum, { bytes }) => sum + bytes, 0),
    sumBytes(holdings),
  );
});

test('an image that the store lacks is told, and a damaged one counts on disk alone', (t) => {
  const damaged = { ...holding('a', 1000), contentBytes: undefined };
  const { environments: found } = account([damaged], environmentsOf([reference(ann, 1, 1, 'ab')]));
  t.deepEqual(found[0]!.missing, [imageNameOf(digestOf('b'))]);
  t.deepEqual([found[0]!.shows, found[0]!.own], [0, 1000]);
});

test('an environment has the name of its newest generation; homes with the same serials are kept apart', (t) => {
  const renamed = reference(ann, 1, 3, 'a');
  renamed.manifest.name = 'later';
  const found = environmentsOf([reference(ann, 1, 1, 'a'), renamed, reference(bob, 1, 1, 'a')]);
  t.deepEqual(
    found.map(({ home, name, generations }) => [home, name, generations.map(({ generation }) => generation)]),
    [
      [ann, 'later', [3, 1]],
      [bob, 'env1', [1]],
    ],
  );
});
