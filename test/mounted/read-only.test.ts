import {
  appendFile,
  chmod,
  chown,
  link,
  mkdir,
  open,
  rename,
  rm,
  rmdir,
  symlink,
  truncate,
  unlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { systemErrorCode } from '../../src/base/errors.js';
import { engines, mountedTest, mountOrSkip, sandboxOf } from '../support/mounts.js';
import { createSample } from '../support/sample-wheels.js';
import { readTree } from '../support/tree.js';

/** What would change a sealed environment, or the root of its mount. */
function changesOf(mountpoint: string): Record<string, () => Promise<unknown>> {
  const root = join(mountpoint, 'demo');
  const file = join(root, 'pyvenv.cfg');
  return {
    'touch of a new file': () => writeFile(join(root, 'new'), ''),
    'touch at the root of the mount': () => writeFile(join(mountpoint, 'new'), ''),
    'touch in .shenv': () => writeFile(join(mountpoint, '.shenv', 'new'), ''),
    write: () => writeFile(file, 'x'),
    append: () => appendFile(file, 'x'),
    'open for reading and writing': () => open(file, 'r+').then((handle) => handle.close()),
    truncate: () => truncate(file, 0),
    mkdir: () => mkdir(join(root, 'folder')),
    'mkdir at the root of the mount': () => mkdir(join(mountpoint, 'folder')),
    unlink: () => unlink(file),
    'unlink of a link': () => unlink(join(root, 'bin', 'python')),
    rmdir: () => rmdir(join(root, 'bin')),
    'rm -r of an environment': () => rm(root, { recursive: true }),
    rename: () => rename(file, join(root, 'other')),
    'rename of an environment': () => rename(root, join(mountpoint, 'other')),
    chmod: () => chmod(file, 0o600),
    chown: () => chown(file, 12_345, 12_345),
    utimes: () => utimes(file, 1, 1),
    symlink: () => symlink('x', join(root, 'link')),
    link: () => link(file, join(root, 'link')),
  };
}

async function assertRefused(
  t: ExecutionContext,
  changes: Readonly<Record<string, () => Promise<unknown>>>,
): Promise<void> {
  for (const [name, change] of Object.entries(changes)) {
    const error = await change().then(
      () => undefined,
      (cause: unknown) => cause,
    );
    t.is(systemErrorCode(error), 'EROFS', name);
  }
}

for (const engine of engines) {
  test.serial(`${engine}: in a read-only mount every change is refused with EROFS`, async (t) => {
    const sandbox = await sandboxOf(t);
    const mountpoint = await mountOrSkip(t, sandbox, engine, 'mnt', '--read-only');
    if (!mountpoint) return;
    await createSample(sandbox, 'demo');
    const before = await readTree(join(mountpoint, 'demo'));
    await assertRefused(t, changesOf(mountpoint));
    t.deepEqual(await readTree(join(mountpoint, 'demo')), before);
  });
}

test.serial(
  'kernel: in a writable mount every change of a sealed environment is refused with EROFS',
  async (t) => {
    const sandbox = await sandboxOf(t);
    const mountpoint = await mountOrSkip(t, sandbox, 'kernel');
    if (!mountpoint) return;
    await createSample(sandbox, 'demo');
    const file = join(mountpoint, 'demo', 'pyvenv.cfg');
    const before = await readTree(join(mountpoint, 'demo'));
    const {
      'open for reading and writing': _,
      'mkdir at the root of the mount': __,
      ...changes
    } = changesOf(mountpoint);
    const writeInto = async () => {
      const handle = await open(file, 'r+');
      await handle.write('x').finally(() => handle.close());
    };
    await assertRefused(t, { ...changes, 'writing to a file that was opened': writeInto });
    t.deepEqual(await readTree(join(mountpoint, 'demo')), before);
  },
);

mountedTest('an attribute can be neither set nor removed', async (t, { sandbox, mountpoint }) => {
  await createSample(sandbox, 'demo');
  const file = join(mountpoint, 'demo', 'pyvenv.cfg');
  const set = await sandbox.run('setfattr', ['-n', 'user.x', '-v', '1', file]);
  t.not(set.status, 0);
  t.regex(set.stderr, /[Rr]ead-only/);
});
