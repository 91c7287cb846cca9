import test from 'ava';
import { installationOrder, type OrderedNode } from '../../../src/env/installation-order.js';
import { markerEnvironment } from '../../../src/python/marker-environment.js';

const node = (name: string, requires: string[] = [], extra: Partial<OrderedNode> = {}): OrderedNode => ({
  name,
  requires,
  extras: [],
  requested: false,
  ...extra,
});
const asked = { requested: true };
const environment = markerEnvironment({ implementation: 'cpython', version: '3.11.7', minor: '3.11' });
const order = (...nodes: OrderedNode[]) =>
  installationOrder(nodes, environment, (item) => item).map(({ name }) => name);

test('what others need comes before them', (t) => {
  const nodes = [node('app', ['lib>=1'], asked), node('lib', ['core']), node('core')];
  t.deepEqual(order(...nodes), ['core', 'lib', 'app']);
  t.deepEqual(order(...nodes.reverse()), ['core', 'lib', 'app']);
});

test('equals are in descending order of names, whatever order they came in', (t) => {
  const nodes = ['b', 'a', 'c'].map((name) => node(name, [], asked));
  t.deepEqual(order(...nodes), ['c', 'b', 'a']);
});

test('the longest way to a distribution counts', (t) => {
  t.deepEqual(order(node('app', ['a', 'z'], asked), node('a', ['z']), node('z', [])), ['z', 'a', 'app']);
});

test('a cycle ends', (t) => {
  t.is(order(node('a', ['b'], asked), node('b', ['c']), node('c', ['a'])).length, 3);
});

test('a requirement of an extra counts only where the extra was asked for', (t) => {
  const extra = 'lib; extra == "fast"';
  const without = order(node('app', [extra], asked), node('lib', [], asked));
  t.deepEqual(without, ['lib', 'app']);
  const names = ['zlib', 'app'];
  t.deepEqual(order(node('app', ['Zlib; extra == "fast"'], asked), node('zlib', [], asked)), names);
  const used = order(
    node('b', ["c ; extra == 'Fast_One'"], { ...asked, extras: ['fast-one'] }),
    node('c', [], asked),
  );
  t.deepEqual(used, ['c', 'b']);
  const unused = order(node('b', ['a; extra == "x"'], asked), node('a', [], asked));
  t.deepEqual(unused, ['b', 'a']);
});

test('a requirement counts only where its marker holds', (t) => {
  const onWindows = node('app', ['Zlib ; sys_platform == "win32"'], asked);
  t.deepEqual(order(onWindows, node('zlib', [], asked)), ['zlib', 'app']);
  const other = node('b', ['a; python_version < "3.11"', 'c; python_version >= "3.11"'], asked);
  t.deepEqual(order(other, node('a', [], asked), node('c', [], asked)), ['c', 'b', 'a']);
});

test('a requirement that cannot be read does not count', (t) => {
  t.deepEqual(order(node('b', ['a >= one'], asked), node('a', [], asked)), ['b', 'a']);
});

test('names are compared normalized', (t) => {
  t.deepEqual(order(node('App', ['Zope.Interface[x]>=1'], asked), node('zope_interface')), [
    'zope_interface',
    'App',
  ]);
});

test('a chain of a hundred is no problem', (t) => {
  const chain = Array.from({ length: 100 }, (_, at) => node(`n${at}`, [`n${at + 1}`], at === 0 ? asked : {}));
  t.is(order(...chain)[0], 'n99');
});

test('a dense graph is sorted in good time', (t) => {
  const nodes = Array.from({ length: 24 }, (_, at) =>
    node(
      `n${at}`,
      Array.from({ length: 23 - at }, (__, next) => `n${at + next + 1}`).reverse(),
      at === 0 ? asked : {},
    ),
  );
  const startedMs = Date.now();
  t.is(order(...nodes)[0], 'n23');
  t.true(Date.now() - startedMs < 5000);
});
