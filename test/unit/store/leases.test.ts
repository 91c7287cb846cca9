import { mkdir, readdir, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { thisProcess } from '../../../src/base/process-identity.js';
import { storeLayout } from '../../../src/store/layout.js';
import { HeldLease, listLeases, removeDeadLeases } from '../../../src/store/leases.js';
import { temporaryFolder } from '../../support/temporary-folder.js';

test('what a killed process had written of its lease goes with the leases of the dead, that of a living one stays', async (t) => {
  const layout = storeLayout(await temporaryFolder(t));
  const held = await HeldLease.take(layout, 'operation', 'a test');
  t.teardown(() => held?.end());
  const ofNobody = { ...thisProcess(), pid: 2 ** 22, kind: 'operation', what: '', startedMs: 0, images: [] };
  const write = (file: string, text: string) => writeFile(join(layout.leases, file), text);
  await write('dead.lease', JSON.stringify(ofNobody));
  await write('dead.lease.new', JSON.stringify(ofNobody));
  await write('living.lease.new', JSON.stringify({ ...ofNobody, ...thisProcess() }));
  await write('empty-young.lease.new', '');
  await write('empty-old.lease.new', '');
  const twoHoursAgo = new Date(Date.now() - 2 * 3_600_000);
  await utimes(join(layout.leases, 'empty-old.lease.new'), twoHoursAgo, twoHoursAgo);
  await removeDeadLeases(layout, await listLeases(layout, Date.now()), Date.now());
  const left = ['empty-young.lease.new', 'living.lease.new', `${held!.id}.lease`];
  t.deepEqual((await readdir(layout.leases)).sort(), left.sort());
});

test('a lease that cannot be put in place leaves nothing', async (t) => {
  const layout = storeLayout(await temporaryFolder(t));
  const held = await HeldLease.take(layout, 'mount', 'a test');
  const path = join(layout.leases, `${held!.id}.lease`);
  await held!.end();
  await mkdir(path);
  await t.throwsAsync(() => held!.show([]), { code: 'EISDIR' });
  t.deepEqual(await readdir(layout.leases), [`${held!.id}.lease`]);
});
