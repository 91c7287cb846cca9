/** `add-all.js STORE GO WHEELS…`: adds every wheel to the store, once the file GO is there. Prints how many were new. */
import { access } from 'node:fs/promises';
import { putWheel } from '../../src/store/put.js';
import { Store } from '../../src/store/store.js';
import { eventually } from '../support/eventually.js';

const [root, go, ...wheels] = process.argv.slice(2) as [string, string, ...string[]];
await eventually(
  () =>
    access(go).then(
      () => true,
      () => false,
    ),
  'the others are ready',
  60_000,
);
const store = new Store(root);
let count = 0;
await store.during('adding', async () => {
  for (const wheel of wheels) {
    const { added } = await putWheel(store, wheel);
    if (added) count += 1;
  }
});
process.stdout.write(String(count));
