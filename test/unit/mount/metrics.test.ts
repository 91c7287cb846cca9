import { spawn } from 'node:child_process';
import { once } from 'node:events';
import test from 'ava';
import { run } from '../../../src/base/run.js';
import type { DaemonStatus } from '../../../src/mount/daemon-status.js';
import { metricsOf } from '../../../src/mount/metrics.js';
import { parseExposition } from '../../support/exposition.js';
import { skip } from '../../support/interpreters.js';

const status: DaemonStatus = {
  mountpoint: '/home/ann/.venvs',
  pid: 7,
  version: '1.2.3',
  engine: 'kernel',
  engineReason: 'first choice',
  home: '/home/ann',
  store: '/store',
  uptimeSeconds: 60,
  environments: 3,
  viewsLoaded: 2,
  imagesLoaded: 40,
  reloads: 5,
  generatedBytes: 1000,
  memoryBytes: 100_000_000,
  process: { openDescriptors: 30, descriptorLimit: 1024, threads: 11, cpuSeconds: 0.25 },
  requests: { LOOKUP: 10, READ: 20 },
  errors: { LOOKUP: 4 },
  negotiated: {},
  details: { bytesRead: 12_345, latencyUs: [1, 2, 0, 3, 4], latencyNs: 5_000_000, upcalls: 2, ioErrors: 0 },
  failures: { web: 'damaged' },
};
const strange = '/a "b"\\c\nd=é,}';

test('every line of the text is as the exposition format has it, and each family stands once', (t) => {
  const families = parseExposition(
    metricsOf([
      { mountpoint: '/one', status },
      { mountpoint: strange, status: { ...status, engine: 'fuse-native', details: {} } },
      { mountpoint: '/dead', status: undefined },
    ]),
  );
  t.true(families.length > 15);
  for (const { name, type, samples } of families) {
    t.regex(name, /^shenv_fs_[a-z_]+$/);
    t.is(type === 'counter', name.endsWith('_total'), name);
    t.true(samples.length > 0, name);
  }
  const up = families.find(({ name }) => name === 'shenv_fs_up')!;
  t.deepEqual(
    up.samples.map(({ labels, value }) => [labels.mountpoint, value]),
    [
      ['/one', 1],
      [strange, 1],
      ['/dead', 0],
    ],
  );
});

test('buckets of the histogram count all that took no longer, and the last counts all', (t) => {
  const families = parseExposition(metricsOf([{ mountpoint: '/one', status }]));
  const { samples } = families.find(({ name }) => name === 'shenv_fs_request_duration_seconds')!;
  t.deepEqual(
    samples.map(({ name, labels, value }) => [name.split('_').at(-1), labels.le, value]),
    [
      ['bucket', '0.000001', 1],
      ['bucket', '0.000002', 3],
      ['bucket', '0.000004', 3],
      ['bucket', '0.000008', 6],
      ['bucket', '+Inf', 10],
      ['sum', undefined, 0.005],
      ['count', undefined, 10],
    ],
  );
});

test('counts are by opcode, and what an engine does not count is left out', (t) => {
  const text = metricsOf([{ mountpoint: '/one', status: { ...status, details: {}, errors: {} } }]);
  t.true(text.includes('shenv_fs_requests_total{mountpoint="/one",opcode="READ"} 20\n'));
  for (const absent of ['read_bytes', 'request_errors', 'duration']) t.false(text.includes(absent));
  for (const absent of ['restarts', 'supervis', 'takeover']) t.false(text.includes(absent));
  const supervision = { isWatching: true, memoryBytes: 4096, deaths: 2, toServiceMs: 250 };
  const supervised = metricsOf([{ mountpoint: '/one', status: { ...status, supervision } as DaemonStatus }]);
  for (const line of ['restarts_total', 'supervised', 'supervisor_memory_bytes', 'takeover_seconds'])
    t.regex(supervised, new RegExp(`^shenv_fs_${line}\\{mountpoint="/one"\\} (2|1|4096|0.25)$`, 'm'));
});

test('without a mount the text says so', (t) => {
  t.is(
    metricsOf([]),
    '# HELP shenv_fs_mounts Mounts of this user, up or not.\n# TYPE shenv_fs_mounts gauge\nshenv_fs_mounts 0\n',
  );
});

test('promtool, where it is installed, has nothing to say against the text', async (t) => {
  const there = await run('promtool', ['--version']).catch(() => undefined);
  if (!there) return skip(t, 'there is no promtool here');
  const child = spawn('promtool', ['check', 'metrics'], { stdio: ['pipe', 'pipe', 'pipe'] });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (said += String(data)));
  child.stdin.end(
    metricsOf([
      { mountpoint: '/one', status },
      { mountpoint: strange, status },
    ]),
  );
  const [code] = await once(child, 'close');
  t.deepEqual([code, said], [0, '']);
});
