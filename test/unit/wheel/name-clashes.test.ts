import test from 'ava';
import { NameClashes } from '../../../src/wheel/name-clashes.js';

const clashes: [string, string, string, string][] = [
  ['a/b', 'a/b', 'twice', 'a/b'],
  ['a/b', 'a/B', 'case', 'a/b'],
  ['a/b', 'A/c', 'case', 'a'],
  ['a/b/c', 'a/B/d', 'case', 'a/b'],
  ['a/b', 'a', 'folder', 'a'],
  ['a', 'a/b', 'folder', 'a'],
  ['a', 'A/b', 'case', 'a'],
  ['é', 'e\u0301', 'case', 'é'],
  ['straße', 'STRASSE', 'case', 'straße'],
  ['K', '\u212a', 'case', 'K'],
  ['ab', 'a\u200bb', 'case', 'ab'],
  ['Σας', 'σασ', 'case', 'Σας'],
];
for (const [earlier, path, kind, named] of clashes) {
  test(`${JSON.stringify(path)} gets in the way of ${earlier}: ${kind}`, (t) => {
    const names = new NameClashes();
    t.is(names.addFile(earlier), undefined);
    t.deepEqual(names.addFile(path) as unknown, { kind, earlier: named });
  });
}

test('different names, and folders that come again, make no clash', (t) => {
  const names = new NameClashes();
  for (const path of ['a/b', 'a/c', 'b/b', 'ab', 'a.b/c', 'é', 'è'])
    t.is(names.addFile(path), undefined, path);
  t.is(names.addFolder('a'), undefined);
  t.is(names.addFolder('new/deep'), undefined);
  t.is(names.addFile('new/deep/file'), undefined);
});

test('a clash that was told of is told of again only by what makes it again', (t) => {
  const names = new NameClashes();
  names.addFile('pkg/a');
  t.is(names.addFile('PKG/b')?.kind, 'case');
  t.is(names.addFile('other'), undefined);
});
