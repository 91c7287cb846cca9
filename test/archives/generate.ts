import { readdir, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { projectRoot } from '../support/sandbox.js';
import { fixtureName, rejections } from './rejections.js';

// Writes test/archives/reject-<reason>.whl, and removes what no case makes any more.
const folder = join(projectRoot, 'test/archives');
const wanted = new Set(rejections.map(fixtureName));
for (const name of await readdir(folder)) {
  if (name.endsWith('.whl') && !wanted.has(name)) await unlink(join(folder, name));
}
let sizeBytes = 0;
for (const rejection of rejections) {
  await writeFile(join(folder, fixtureName(rejection)), rejection.data);
  sizeBytes += rejection.data.length;
}
process.stdout.write(`${rejections.length} rejected wheels, ${sizeBytes} bytes\n`);
