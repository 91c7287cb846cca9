import test from 'ava';
import { describeProblem } from '../../../src/env/check.js';
import { findProblems, type Installation, spreadExtras } from '../../../src/env/consistency.js';
import { markerEnvironment } from '../../../src/python/marker-environment.js';

const environment = markerEnvironment({ implementation: 'cpython', version: '3.11.7', minor: '3.11' });
const item = (name: string, version: string, ...requiresDist: string[]): Installation => ({
  name,
  version,
  requiresDist,
});
const problems = (...items: Installation[]) => findProblems(items, environment).map(describeProblem);

test('what is met is no problem, names compared normalized', (t) => {
  t.deepEqual(problems(item('a', '1', 'B_c>=1,<2'), item('b-C', '1.5')), []);
});

test('what is missing and what has another version is told in the words of pip check', (t) => {
  t.deepEqual(problems(item('a', '1', 'b>=2', 'c'), item('b', '1.0')), [
    'a 1 has requirement b>=2, but you have b 1.0.',
    'a 1 requires c, which is not installed.',
  ]);
});

test('requirements of extras and of other platforms do not count', (t) => {
  t.deepEqual(problems(item('a', '1', 'b; extra == "x"', 'c; os_name == "nt"')), []);
});

test('a pre-release counts as any other version', (t) => {
  t.deepEqual(problems(item('a', '1', 'b>=1.0'), item('b', '2.0rc1')), []);
});

test('a requirement by URL is met by any version, one that cannot be read does not count', (t) => {
  t.deepEqual(problems(item('a', '1', 'b @ https://h.example/b.whl', 'c >= one'), item('b', '1')), []);
});

test('extras spread to what is asked for with extras, over circles too', (t) => {
  const spread = spreadExtras(
    [
      { ...item('a', '1', 'b[y]; extra == "x"'), extras: ['x'] },
      item('b', '1', 'c[z]; extra == "y"', 'missing[q]; extra == "y"'),
      item('c', '1', 'a[w]; extra == "z"', 'c[v]; extra == "z"'),
    ],
    environment,
  );
  t.deepEqual(
    spread.map(({ name, extras }) => [name, extras]),
    [
      ['a', ['x', 'w']],
      ['b', ['y']],
      ['c', ['z', 'v']],
    ],
  );
});

test('with extras spread, what they need is a requirement', (t) => {
  const items = [{ ...item('a', '1', 'b; extra == "x"'), extras: ['X'] }];
  t.is(findProblems(spreadExtras(items, environment), environment).length, 1);
});
