import test from 'ava';
import { TestLayer } from '../../support/upper-layers.js';
import { site } from '../../support/views.js';

const files = Object.fromEntries(['a', 'b', 'c', 'd', 'e'].map((name) => [`site/one/${name}`, name]));
const specs = [{ name: 'one', files }];
const one = `${site}/one`;

function rest(upper: TestLayer, after: number): string[] {
  return [...upper.layer.list(upper.inodeOf(one), after)].map(({ name }) => name);
}

test('an unchanged folder is listed with the cookies of the native engine, a changed one with the same', async (t) => {
  const upper = await TestLayer.make(t, specs);
  const cookies = () => [...upper.layer.list(upper.inodeOf(one))].map(({ name, cookie }) => [name, cookie]);
  const before = cookies();
  t.deepEqual(before, [
    ['a', 3],
    ['b', 4],
    ['c', 5],
    ['d', 6],
    ['e', 7],
  ]);
  upper.write(`${one}/c`, 'C');
  t.deepEqual(cookies(), before);
});

test('a listing goes on where it was while names come and go', async (t) => {
  const upper = await TestLayer.make(t, specs);
  upper.create(`${one}/n1`, '');
  upper.create(`${one}/n2`, '');
  const seen: string[] = [];
  let after = 0;
  for (;;) {
    const next = [...upper.layer.list(upper.inodeOf(one), after)].slice(0, 2);
    if (next.length === 0) break;
    for (const { name, cookie } of next) {
      seen.push(name);
      after = cookie;
      upper.unlink(`${one}/${name}`);
    }
  }
  t.deepEqual(seen, ['a', 'b', 'c', 'd', 'e', 'n1', 'n2']);
  upper.rmdir(one);
  t.false(upper.names(site).includes('one'));
});

test('what is renamed within a folder comes after all others, and shifts none', async (t) => {
  const upper = await TestLayer.make(t, specs);
  for (const name of ['n1', 'n2', 'n3']) upper.create(`${one}/${name}`, '');
  const cookie = [...upper.layer.list(upper.inodeOf(one))].find(({ name }) => name === 'n2')!.cookie;
  upper.rename(`${one}/n1`, `${one}/later`);
  t.deepEqual(rest(upper, cookie), ['n3', 'later']);
});

test('a listing tells type and attributes, but not of a file whose content has not been made', async (t) => {
  const upper = await TestLayer.make(t, specs);
  upper.mkdir('d');
  const entries = new Map([...upper.layer.list(upper.root)].map((entry) => [entry.name, entry]));
  t.is(entries.get('d')!.type, 0o040000);
  t.deepEqual(entries.get('d')!.attributes, upper.stat('d'));
  t.is(entries.get('lib64')!.type, 0o120000);
  t.is(entries.get('pyvenv.cfg')!.attributes, undefined);
  t.is(entries.get('pyvenv.cfg')!.inode, upper.inodeOf('pyvenv.cfg'));
});
