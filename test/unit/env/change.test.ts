import test from 'ava';
import { sha256 } from '../../../src/base/digest.js';
import { assertShown, assignSlots, differences, type NewLayer, toLayer } from '../../../src/env/change.js';
import { publicUrl } from '../../../src/env/pin.js';
import type { Layer, Manifest } from '../../../src/manifest/types.js';
import { maxSlot } from '../../../src/view/inode.js';
import { refused } from '../../support/refusal.js';

const layer = (name: string, build = '1', bytecode?: string): NewLayer => ({
  image: { name, version: build, wheelDigest: sha256(Buffer.from(`${name} ${build}`)) },
  reason: 'requested',
  installer: 'pip',
  ...(bytecode === undefined ? {} : { bytecode }),
});
const slots = (layers: readonly Layer[]) => layers.map(({ image, slot }) => [image.name, slot]);

test('what stays keeps its slot wherever it stands, what is new gets one that was never used', (t) => {
  const first = assignSlots([], [layer('a'), layer('b'), layer('c')], 1);
  t.deepEqual(slots(first.layers), [
    ['a', 1],
    ['b', 2],
    ['c', 3],
  ]);
  const second = assignSlots(first.layers, [layer('c'), layer('d'), layer('a')], first.nextSlot);
  t.deepEqual(slots(second.layers), [
    ['c', 3],
    ['d', 4],
    ['a', 1],
  ]);
  const third = assignSlots(second.layers, [layer('b'), layer('a')], second.nextSlot);
  t.deepEqual(slots(third.layers), [
    ['b', 5],
    ['a', 1],
  ]);
  t.is(third.nextSlot, 6);
});

test('when the last slot was given, those come again that no layer has, the oldest first', (t) => {
  const first = assignSlots([], [layer('a'), layer('b'), layer('c')], 1);
  const second = assignSlots(first.layers, [layer('b'), layer('d'), layer('e'), layer('f')], maxSlot);
  t.deepEqual(slots(second.layers), [
    ['b', 2],
    ['d', maxSlot],
    ['e', 4],
    ['f', 5],
  ]);
  t.true(second.nextSlot > maxSlot);
});

test('an environment has no more layers than there are slots', async (t) => {
  const wanted = Array.from({ length: maxSlot + 1 }, (_, index) => layer(`n${index}`));
  t.notThrows(() => assignSlots([], wanted.slice(1), 7));
  await refused(t, 'ENVIRONMENT_FULL', [String(maxSlot)], () => assignSlots([], wanted, 1));
});

test('another build, or other bytecode, is another slot; another reason is not', (t) => {
  const { layers, nextSlot } = assignSlots([], [layer('a'), layer('b'), layer('c')], 1);
  const wanted = [
    layer('a', '2'),
    layer('b', '1', 'cpython-311'),
    { ...layer('c'), reason: 'dependency' as const },
  ];
  t.deepEqual(slots(assignSlots(layers, wanted, nextSlot).layers), [
    ['a', 4],
    ['b', 5],
    ['c', 3],
  ]);
});

test('differences are by normalized name, a rebuilt wheel counts as replaced', (t) => {
  const { layers: before } = assignSlots([], [layer('a.x'), layer('b'), layer('c')], 1);
  const { layers: after } = assignSlots(before, [layer('A-x', '2'), layer('b'), layer('d')], 4);
  const { added, removed, replaced } = differences(before, after);
  t.deepEqual(
    added.map(({ name }) => name),
    ['d'],
  );
  t.deepEqual(
    removed.map(({ name }) => name),
    ['c'],
  );
  t.deepEqual(
    replaced.map(({ from, to }) => [from.name, to.name]),
    [['a.x', 'A-x']],
  );
});

test('credentials are not written down, git@ is none', (t) => {
  t.is(publicUrl('https://user:secret@h.example/a.whl'), 'https://h.example/a.whl');
  t.is(publicUrl('https://token@h.example/a.whl'), 'https://h.example/a.whl');
  t.is(publicUrl('ssh://git@h.example/a.git'), 'ssh://git@h.example/a.git');
  const { image } = layer('a');
  const chosen = { image, requested: false, extras: [], added: true, url: 'https://u:p@h.example/a.whl' };
  const made = toLayer({ ...chosen, directUrl: { url: 'https://u:p@h.example/a.git' } }, 'pip', undefined);
  t.notRegex(JSON.stringify(made), /u:p/);
});

test('what an environment does not have is named', async (t) => {
  const manifest = { name: 'demo', layers: assignSlots([], [layer('a.b')], 1).layers } as unknown as Manifest;
  t.notThrows(() => assertShown(manifest, ['A-B']));
  await refused(t, 'DISTRIBUTION_MISSING', ['demo', 'x, y'], () => assertShown(manifest, ['a.b', 'x', 'y']));
});
