import test from 'ava';
import { compareVersions, isPrerelease, satisfies } from '../../../src/wheel/version.js';
import { refused } from '../../support/refusal.js';
import { askPackaging, isModern } from './packaging-oracle.js';

// biome-ignore format: a table
const versions = [
  '0', '0.dev0', '1', '1.0', '1.0.0', 'v1.0', ' 1.0 ', '1.0.dev0', '1.0.dev1', '1.0a1', '1.0a1.dev1', '1.0A1.post1',
  '1.0b2', '1.0-rc.1', '1.0rc1.post2', '1.0.post1', '1.0-1', '1.0.post1.dev3', '1.0.post2', '1.0+abc',
  '1.0+abc.10', '1.0+abc.9', '1.0+1', '1.0+010', '1.0.post1+x', '1.0a1+x', '1.0.1', '1.0.1.dev0', '1.1', '1.1.dev1',
  '1.2.3', '1.4.5', '1.4.9.post1', '1.10', '2', '2.0.0rc1', '2.0.post0', '1!0.5', '1!1.0', '2024.01.05',
];
// biome-ignore format: a table
const specifiers = [
  '', '==1', '==1.0', '==1.*', '==1.0.*', '!=1.*', '!=1.0.0.*', '!=1.0', '==1.0+abc', '!=1.0+abc', '==1.0+ABC.010',
  '>=1', '>1', '<1', '<=1', '>=1.0a1', '>1.0a1', '<1.0a1', '<=1.0a1', '>1.0.dev1', '<1.0.dev1', '>1.0.post1',
  '<1.0.post1', '>=1.0.post1', '<=1.0.post1', '>1.0a1.post1', '<2', '<2.0rc1', '>2', '>0', '<0', '<0.dev0',
  '~=1.0', '~=1.4.2', '~=1.0a1', '~=1.0.post1', '~=1!0.2', '==1!1', '==1!1.*', '<1!1', '>=1,<2', '>=1.0,!=1.0.1,<2',
  '===1.0', '===1.0-1', '==2024.1.5', '>=1.0,===1.0', '>1.0.0,<1.0.1', ' >= 1 , < 2 , ',
];

/** Whose answers changed with packaging 26, by operator. */
const changed = (specifier: string) => /===|>[^=]*(a|post|dev)|<[^=]*post/.test(specifier);

test('specifiers contain the versions that they contain for packaging', async (t) => {
  const answers = await askPackaging(t, { versions, specifiers });
  if (!answers) return;
  for (const [at, specifier] of specifiers.entries()) {
    if (changed(specifier) && !isModern(answers)) continue;
    const found = versions.map((version) =>
      [true, false].map((prereleases) => satisfies(version, specifier, { prereleases })),
    );
    for (const [index, version] of versions.entries()) {
      t.deepEqual(found[index], answers.contains[at]?.[index] as boolean[], `${version} in '${specifier}'`);
    }
  }
});

test('versions are in the order of packaging', async (t) => {
  const answers = await askPackaging(t, { versions });
  if (!answers) return;
  for (const [at, left] of versions.entries()) {
    const found = versions.map((right) => Math.sign(compareVersions(left, right)));
    t.deepEqual(found, answers.order[at] as number[], left);
  }
});

test('a local label that looks like a number with an exponent is a text', (t) => {
  t.true(compareVersions('1.0+1e3', '1.0+1000') < 0);
  t.false(satisfies('1.0+12e4567', '==1.0+13e4567'));
});

test('what is no version comes first, by its text', (t) => {
  const mixed = ['1.0', 'latest', '0.dev0', '2004d', 'dev'];
  t.deepEqual(mixed.sort(compareVersions), ['2004d', 'dev', 'latest', '0.dev0', '1.0']);
});

test('what is no version is only in the arbitrary equality and the empty specifier', (t) => {
  t.true(satisfies('2004d', '===2004D'));
  t.true(satisfies('2004d', ''));
  t.false(satisfies('2004d', '!=1.0'));
  t.false(satisfies('2004d', '>=0'));
});

test('pre-releases are contained unless they are ruled out', (t) => {
  t.true(satisfies('1.0a1', '>=0.5'));
  t.true(satisfies('1.0a1', ''));
  t.false(satisfies('1.0a1', '>=0.5', { prereleases: false }));
});

test('a pre-release is an alpha, beta, candidate or development release', (t) => {
  const names = ['1.0a1', '1.0.dev1', '1.0rc1', '1.0.post1.dev1', '1.0', '1.0.post1', '1.0+dev', 'dev'];
  t.deepEqual(names.filter(isPrerelease), ['1.0a1', '1.0.dev1', '1.0rc1', '1.0.post1.dev1']);
});

for (const specifier of ['1.0', '>=1.0+x', '~=1', '==1.0a1.*', '>=one', '=>1', '>=1 <2']) {
  test(`the specifier ${specifier} is refused`, (t) =>
    refused(t, 'REQUIREMENT', [specifier], () => satisfies('1.0', specifier)).then(() => undefined));
}
