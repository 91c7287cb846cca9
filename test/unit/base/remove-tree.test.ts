import { chmod, chown, lstat, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { systemErrorCode } from '../../../src/base/errors.js';
import { removeTree } from '../../../src/base/remove-tree.js';
import { temporaryFolder } from '../../support/temporary-folder.js';

const nobody = 65_534;

test('folders that their owner may not write to or look into are removed with all below them', async (t) => {
  const folder = await temporaryFolder(t);
  const tree = join(folder, 'tree');
  const folders = [folder, tree, join(tree, 'a'), join(tree, 'a/b'), join(tree, 'closed')];
  for (const path of folders.slice(1)) await mkdir(path);
  await writeFile(join(tree, 'a/b/file'), '');
  await writeFile(join(tree, 'closed/file'), '');
  const isRoot = process.getuid?.() === 0;
  // To root every folder is open.
  if (isRoot) for (const path of folders) await chown(path, nobody, nobody);
  await chmod(join(tree, 'a/b'), 0o555);
  await chmod(join(tree, 'closed'), 0);
  try {
    if (isRoot) process.seteuid?.(nobody);
    await removeTree(tree);
    await removeTree(tree);
  } finally {
    if (isRoot) process.seteuid?.(0);
  }
  t.is(await lstat(tree).catch(systemErrorCode), 'ENOENT');
});
