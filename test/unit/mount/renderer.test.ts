import test from 'ava';
import { Renderer } from '../../../src/mount/renderer.js';
import type { ImageContents } from '../../../src/store/image-contents.js';
import type { GeneratedEntry, View } from '../../../src/view/tree.js';

const view = { environmentSerial: 7, layers: [] } as unknown as View;
const entry = (text: string) => ({ kind: 'generated', content: { type: 'text', text } }) as GeneratedEntry;

function makeRenderer(): Renderer {
  return new Renderer({} as ImageContents, () => ({ path: '/mnt/web', name: 'web' }));
}

test('what was made stays until it is forgotten', async (t) => {
  const renderer = makeRenderer();
  const [one, other] = [entry('one'), entry('other')];
  const made = await renderer.render(view, one);
  t.is(await renderer.render(view, one), made);
  const { keptBytes } = renderer;
  await renderer.render(view, other);
  renderer.forget(other);
  t.is(renderer.keptBytes, keptBytes);
  renderer.forget(one);
  t.is(renderer.keptBytes, 0);
  t.not(await renderer.render(view, one), made);
});

test('what is kept keeps no memory beside its bytes', async (t) => {
  const made = await makeRenderer().render(view, entry('home = /usr/bin\n'));
  t.is(made.toString(), 'home = /usr/bin\n');
  t.is(made.buffer.byteLength, made.length);
});
