import test from 'ava';
import { ImageContents } from '../../../src/store/image-contents.js';
import { putWheel } from '../../../src/store/put.js';
import { Store } from '../../../src/store/store.js';
import { temporaryFolder } from '../../support/temporary-folder.js';
import { writeWheel } from '../../support/wheel-builder.js';

const body = Buffer.alloc(5 << 20, 'body\n');
const scripts: readonly (readonly [title: string, data: Buffer, kept: Buffer, isPython: boolean])[] = [
  ['a large script', Buffer.concat([Buffer.from('#!python\n'), body]), body, true],
  [
    'a large program',
    Buffer.concat([Buffer.from('\x7fELF'), body]),
    Buffer.concat([Buffer.from('\x7fELF'), body]),
    false,
  ],
  [
    'a large first line',
    Buffer.concat([Buffer.from('#!python'), Buffer.alloc(5 << 20, ' '), Buffer.from('\nx')]),
    Buffer.from('x'),
    true,
  ],
  ['a beginning of the mark alone', Buffer.from('#!pyth'), Buffer.from('#!pyth'), false],
  ['an end of line within the mark', Buffer.from('#!py\nthon'), Buffer.from('#!py\nthon'), false],
  ['nothing', Buffer.alloc(0), Buffer.alloc(0), false],
];
for (const [title, data, kept, isPython] of scripts) {
  test(`a script of ${title} loses its first line only when that is the environment's to write`, async (t) => {
    const folder = await temporaryFolder(t);
    const store = new Store(`${folder}/store`);
    const wheel = await writeWheel(folder, { files: { 'sample-1.0.data/scripts/tool': data } });
    const { image } = await putWheel(store, wheel);
    const contents = new ImageContents();
    t.teardown(() => contents.close());
    const node = image.resolve('bin/tool')!;
    t.is(image.isPythonScript(node), isPython);
    t.true((await contents.readAll(image, node)).equals(kept));
  });
}
