import test from 'ava';
import { parseCoreMetadata, parseHeaders, parseWheelMetadata } from '../../../src/wheel/metadata.js';
import { refused } from '../../support/refusal.js';

test('a folded header continues on lines that start with white space', (t) => {
  const headers = parseHeaders('Name: a\nLicense: one\n  two\n\tthree\nVersion: 1\n');
  t.deepEqual(headers.get('license'), ['one\ntwo\nthree']);
  t.deepEqual(headers.get('version'), ['1']);
});

test('header names are the same in any case, and repeated ones keep their order', (t) => {
  const headers = parseHeaders('requires-dist: a\nREQUIRES-DIST: b\r\nRequires-Dist: c; extra == "x"\n');
  t.deepEqual(headers.get('requires-dist'), ['a', 'b', 'c; extra == "x"']);
});

test('the body after the first empty line is not read', (t) => {
  t.is(parseHeaders('Name: a\n\nVersion: 2\n').get('version'), undefined);
});

for (const line of ['no header', 'Name : spaced', 'N\u00e4me: not ASCII', ' ']) {
  test(`the body begins, as Python's email package has it, with ${JSON.stringify(line)} or is not touched by it`, (t) => {
    const headers = parseHeaders(`Name: a\n${line}\nVersion: 2\n`);
    t.deepEqual(headers.get('version'), line === ' ' ? ['2'] : undefined);
  });
}

test('a value may hold colons', (t) => {
  t.deepEqual(parseHeaders('Project-URL: Home, https://example.org/a:b\n').get('project-url'), [
    'Home, https://example.org/a:b',
  ]);
});

test('core metadata gives name, version, requirements and extras', (t) => {
  const text =
    'Name: Foo\nVersion: 1\nSummary: s\nRequires-Python: >=3.8\nRequires-Dist: a\nProvides-Extra: x\n\n';
  t.deepEqual(parseCoreMetadata(text, 'METADATA'), {
    name: 'Foo',
    version: '1',
    summary: 's',
    requiresPython: '>=3.8',
    requiresDist: ['a'],
    providesExtra: ['x'],
  });
});

for (const [field, text] of [
  ['Name', 'Version: 1\n'],
  ['Version', 'Name: a\n'],
  ['Name', 'Name:\nVersion: 1\n'],
]) {
  test(`METADATA ${JSON.stringify(text)} is refused because it lacks ${field}`, async (t) => {
    await refused(t, 'WHEEL_METADATA', ['x/METADATA', field!], () => parseCoreMetadata(text!, 'x/METADATA'));
  });
}

test('WHEEL gives the tags and whether the root is purelib', (t) => {
  const text = 'Wheel-Version: 1.9\nRoot-Is-Purelib: False\nTag: a-b-c\nTag: d-e-f\n';
  t.deepEqual(parseWheelMetadata(text, 'WHEEL'), { rootIsPurelib: false, tags: ['a-b-c', 'd-e-f'] });
});

for (const version of ['2.0', '0.1', 'one']) {
  test(`Wheel-Version ${version} is refused`, async (t) => {
    const text = `Wheel-Version: ${version}\nRoot-Is-Purelib: true\n`;
    await refused(t, 'WHEEL_METADATA', ['x/WHEEL', version], () => parseWheelMetadata(text, 'x/WHEEL'));
  });
}

test('WHEEL without Root-Is-Purelib is refused', async (t) => {
  await refused(t, 'WHEEL_METADATA', ['Root-Is-Purelib'], () =>
    parseWheelMetadata('Wheel-Version: 1.0\n', 'W'),
  );
});
