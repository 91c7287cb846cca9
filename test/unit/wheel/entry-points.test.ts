import test from 'ava';
import { parseScriptEntryPoints } from '../../../src/wheel/entry-points.js';
import { refused } from '../../support/refusal.js';

const parse = (text: string) => parseScriptEntryPoints(text, 'x/entry_points.txt');

test('console and gui scripts are read, other groups are not', (t) => {
  const text = '[console_scripts]\na = m:f\n[gui_scripts]\nb = n.o:g\n[plugins]\nc = p:h\nbad\n';
  t.deepEqual(parse(text), [
    { name: 'a', module: 'm', attribute: 'f', gui: false },
    { name: 'b', module: 'n.o', attribute: 'g', gui: true },
  ]);
});

test('the attribute may be dotted', (t) => {
  t.is(parse('[console_scripts]\na=m:Class.run\n')[0]?.attribute, 'Class.run');
});

test('extras behind the object are left out', (t) => {
  const found = parse('[console_scripts]\na = m:f [x, y]\nb = m : g\n');
  t.deepEqual(
    found.map(({ module, attribute }) => [module, attribute]),
    [
      ['m', 'f'],
      ['m', 'g'],
    ],
  );
});

test('comments and empty lines mean nothing', (t) => {
  const found = parse('# one\n[console_scripts]\n; two\n\na = m:f  # three\n');
  t.deepEqual(found, [{ name: 'a', module: 'm', attribute: 'f', gui: false }]);
});

test('a name may hold dots, dashes and spaces', (t) => {
  const names = parse('[console_scripts]\na.b-c = m:f\nd e = m:f\n').map(({ name }) => name);
  t.deepEqual(names, ['a.b-c', 'd e']);
});

test('an empty file has no scripts', (t) => {
  t.deepEqual(parse(''), []);
});

for (const name of ['../evil', 'a/b', '.', '..', '']) {
  test(`a script named ${JSON.stringify(name)} is refused`, async (t) => {
    await refused(t, 'WHEEL_ENTRY_POINT', ['x/entry_points.txt', name], () =>
      parse(`[console_scripts]\n${name} = m:f\n`),
    );
  });
}

for (const value of ['m', 'm:', ':f', 'm:f()', 'm;import os:f', 'm:f\u0027']) {
  test(`a script that runs ${JSON.stringify(value)} is refused`, async (t) => {
    await refused(t, 'WHEEL_ENTRY_POINT', ["'s'", 'module:attribute'], () =>
      parse(`[console_scripts]\ns = ${value}\n`),
    );
  });
}

for (const name of ['a\\b', 'a\tb', 'a\u001bb', 'a\u2028b', 'x'.repeat(256)]) {
  test(`a script named ${JSON.stringify(name.slice(0, 20))} is refused without its control characters`, async (t) => {
    const error = await refused(t, 'WHEEL_ENTRY_POINT', ['not a file name'], () =>
      parse(`[console_scripts]\n${name} = m:f\n`),
    );
    t.notRegex(error.message, /[\p{Cc}\p{Zl}]/u);
  });
}

test('many signs of comments on one line take no time', (t) => {
  const start = performance.now();
  parse(`[console_scripts]\na = m:f${' #'.repeat(200_000)}\u2028\n`);
  t.true(performance.now() - start < 1000);
});
