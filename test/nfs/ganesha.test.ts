import { createHash } from 'node:crypto';
import { lstat, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { skip } from '../support/interpreters.js';
import { mountOrSkip, sandboxOf } from '../support/mounts.js';
import { createSample } from '../support/sample-wheels.js';
import { readTree } from '../support/tree.js';
import { Ganesha } from './ganesha.js';
import { nfsPackages } from './packages.js';

test('nfs-ganesha with the block that export-nfs prints shows libnfs names, sizes, modes and contents', async (t) => {
  const packages = await nfsPackages();
  if ('reason' in packages) return skip(t, packages.reason);
  const sandbox = await sandboxOf(t);
  await createSample(sandbox, 'demo');
  const mountpoint = await mountOrSkip(t, sandbox, 'kernel', 'mnt', '--allow-other');
  if (!mountpoint) return;
  const block = await sandbox.expect('export-nfs', mountpoint, '--only', 'ganesha', '--clients', '127.0.0.1');
  const ganesha = await Ganesha.start(packages.folder, sandbox.path('ganesha'), block, mountpoint);
  t.teardown(() => ganesha.end());

  const { stdout } = await ganesha.client('nfs-ls', mountpoint, '-R');
  const lines = stdout.trim().split('\n').map(parseLine);
  const listed = lines.filter(([path]) => path.startsWith('demo/'));
  const expected = new Map<string, string>();
  for (const [path] of await readTree(mountpoint, 'demo')) {
    const { mode, size } = await lstat(join(mountpoint, path));
    expected.set(path, `${(mode & 0o777).toString(8)} ${size}`);
  }
  t.true(expected.size > 20);
  t.deepEqual(listed.sort(), [...expected].sort());

  const file = [...expected.keys()].find((path) => path.endsWith('alpha/table.bin'))!;
  const { stdout: content } = await ganesha.client('nfs-cat', join(mountpoint, file));
  const digest = (data: Buffer | string) => createHash('sha256').update(data).digest('hex');
  t.is(digest(content), digest(await readFile(join(mountpoint, file))));
});

/** `drwxr-xr-x  2 0 0  4096 name`: a path and its permissions and size. */
function parseLine(line: string): [string, string] {
  const [, permissions = '', size = '', name = ''] =
    /^.([rwx-]{9})\s+\d+\s+\d+\s+\d+\s+(\d+) (.+)$/.exec(line) ?? [];
  const bits = [...permissions].map((letter) => (letter === '-' ? '0' : '1')).join('');
  return [name.replace(/^\.?\//, ''), `${Number.parseInt(bits, 2).toString(8)} ${size}`];
}
