import type { DaemonStatus } from './daemon-status.js';

/** One mount as its daemon tells of it; undefined where it does not answer. */
export interface MeasuredMount {
  mountpoint: string;
  status: DaemonStatus | undefined;
}

/** What the status of a supervised mount tells of its supervisor. */
interface MeasuredSupervision {
  isWatching: boolean;
  memoryBytes: number;
  deaths: number;
  toServiceMs?: number;
}

type Labels = Readonly<Record<string, string>>;

interface Sample {
  /** After the family's name: `_bucket`, `_sum`, `_count`. */
  suffix?: string;
  labels?: Labels;
  value: number;
}

interface Family {
  name: string;
  type: 'counter' | 'gauge' | 'histogram';
  help: string;
  /** None where a mount cannot tell. */
  samples(status: DaemonStatus): readonly Sample[];
}

const prefix = 'shenv_fs_';

/**
 * The text exposition format 0.0.4 of Prometheus: each family once, with the samples of all mounts, each labelled with
 * its mount point; so it is also what node_exporter's textfile collector reads. Pure.
 */
export function metricsOf(mounts: readonly MeasuredMount[]): string {
  const up = mounts.map(({ mountpoint, status }) => ({ labels: { mountpoint }, value: status ? 1 : 0 }));
  const parts = [
    formatFamily({ name: 'mounts', type: 'gauge', help: 'Mounts of this user, up or not.' }, [
      { value: mounts.length },
    ]),
    formatFamily({ name: 'up', type: 'gauge', help: 'Whether the daemon of the mount answers.' }, up),
    ...families.map((family) =>
      formatFamily(
        family,
        mounts.flatMap((mount) => samplesOf(family, mount)),
      ),
    ),
  ];
  return parts.join('');
}

function samplesOf(family: Family, { mountpoint, status }: MeasuredMount): Sample[] {
  if (!status) return [];
  return family.samples(status).map((sample) => ({ ...sample, labels: { mountpoint, ...sample.labels } }));
}

const families: readonly Family[] = [
  {
    name: 'build_info',
    type: 'gauge',
    help: 'Always 1; its labels tell version, engine, home and store.',
    samples: ({ version, engine, home, store }) => [{ labels: { version, engine, home, store }, value: 1 }],
  },
  single('uptime_seconds', 'gauge', 'Time since the daemon started.', (status) => status.uptimeSeconds),
  single('environments', 'gauge', 'Environments that the mount shows.', (status) => status.environments),
  single('views_loaded', 'gauge', 'Environments that are composed.', (status) => status.viewsLoaded),
  single('images_loaded', 'gauge', 'Images whose metadata is in memory.', (status) => status.imagesLoaded),
  single(
    'failures',
    'gauge',
    'Environments and images that cannot be shown.',
    (status) => Object.keys(status.failures).length,
  ),
  single(
    'reloads_total',
    'counter',
    'Times that the mount has looked what changed.',
    (status) => status.reloads,
  ),
  single(
    'generated_cache_bytes',
    'gauge',
    'Generated files that are kept in memory.',
    (status) => status.generatedBytes,
  ),
  supervised(
    'restarts_total',
    'counter',
    'Serving processes that died and were replaced.',
    ({ deaths }) => deaths,
  ),
  supervised(
    'supervised',
    'gauge',
    'Whether a supervisor would replace the serving process.',
    ({ isWatching }) => (isWatching ? 1 : 0),
  ),
  supervised(
    'supervisor_memory_bytes',
    'gauge',
    'Resident memory of the supervisor.',
    ({ memoryBytes }) => memoryBytes,
  ),
  supervised(
    'takeover_seconds',
    'gauge',
    'From the end of the last serving process until this one served.',
    ({ toServiceMs }) => toServiceMs && toServiceMs / 1000,
  ),
  single('memory_bytes', 'gauge', 'Resident memory of the serving process.', (status) => status.memoryBytes),
  single(
    'cpu_seconds_total',
    'counter',
    'CPU time of the serving process.',
    ({ process }) => process.cpuSeconds,
  ),
  single(
    'open_descriptors',
    'gauge',
    'Open descriptors of the serving process.',
    ({ process }) => process.openDescriptors,
  ),
  single(
    'descriptor_limit',
    'gauge',
    'Soft limit of open descriptors.',
    ({ process }) => process.descriptorLimit,
  ),
  single('threads', 'gauge', 'Threads of the serving process.', ({ process }) => process.threads),
  byOpcode('requests_total', 'Requests of the kernel that were answered.', (status) => status.requests),
  byOpcode(
    'request_errors_total',
    'Requests that were answered with an error; names that are not there (ENOENT) are among them.',
    (status) => status.errors,
  ),
  {
    name: 'request_duration_seconds',
    type: 'histogram',
    help: 'Time from reading a request to writing its answer.',
    samples: ({ details }) => durationSamples(details),
  },
  detail('bytesRead', 'read_bytes_total', 'Bytes of files that were given to the kernel.'),
  detail('upcalls', 'upcalls_total', 'Requests that had to wait for JavaScript.'),
  detail('upcallFailures', 'upcall_failures_total', 'Of these, those that failed.'),
  detail('badRequests', 'bad_requests_total', 'Messages of the kernel that could not be understood.'),
  detail('ioErrors', 'io_errors_total', 'Reads of images that failed or ended too early.'),
  detail('notifications', 'notifications_total', 'Invalidations that were sent to the kernel.'),
];

function single(
  name: string,
  type: 'counter' | 'gauge',
  help: string,
  value: (status: DaemonStatus) => number | undefined,
): Family {
  const samples = (status: DaemonStatus) => {
    const known = value(status);
    return known === undefined ? [] : [{ value: known }];
  };
  return { name, type, help, samples };
}

/** Of the supervisor, where there is one. */
function supervised(
  name: string,
  type: 'counter' | 'gauge',
  help: string,
  value: (supervision: MeasuredSupervision) => number | undefined,
): Family {
  return single(
    name,
    type,
    help,
    ({ supervision }: DaemonStatus & { supervision?: MeasuredSupervision }) =>
      supervision && value(supervision),
  );
}

/** A counter that engines may have. */
function detail(key: string, name: string, help: string): Family {
  return single(name, 'counter', help, ({ details }) => numberIn(details, key));
}

function numberIn(values: Readonly<Record<string, unknown>>, key: string): number | undefined {
  const value = values[key];
  return typeof value === 'number' ? value : undefined;
}

function byOpcode(
  name: string,
  help: string,
  counts: (status: DaemonStatus) => Readonly<Record<string, number>>,
): Family {
  const samples = (status: DaemonStatus) =>
    Object.entries(counts(status)).map(([opcode, value]) => ({ labels: { opcode }, value }));
  return { name, type: 'counter', help, samples };
}

/** Bucket n of `latencyUs` counts what took less than 2^n us; the last one takes all others. */
function durationSamples({ latencyUs, latencyNs }: Readonly<Record<string, unknown>>): Sample[] {
  if (!Array.isArray(latencyUs) || typeof latencyNs !== 'number') return [];
  const counts = latencyUs as readonly number[];
  let seen = 0;
  const buckets = counts.slice(0, -1).map((count, index) => {
    seen += count;
    return { suffix: '_bucket', labels: { le: String(2 ** index / 1e6) }, value: seen };
  });
  const count = seen + (counts.at(-1) ?? 0);
  return [
    ...buckets,
    { suffix: '_bucket', labels: { le: '+Inf' }, value: count },
    { suffix: '_sum', value: latencyNs / 1e9 },
    { suffix: '_count', value: count },
  ];
}

/** Nothing where there is no sample. */
function formatFamily({ name, type, help }: Omit<Family, 'samples'>, samples: readonly Sample[]): string {
  if (samples.length === 0) return '';
  const full = `${prefix}${name}`;
  const head = `# HELP ${full} ${escapeHelp(help)}\n# TYPE ${full} ${type}\n`;
  return head + samples.map((sample) => formatSample(full, sample)).join('');
}

function formatSample(name: string, { suffix = '', labels = {}, value }: Sample): string {
  const pairs = Object.entries(labels).map(([label, text]) => `${label}="${escapeLabel(text)}"`);
  return `${name}${suffix}${pairs.length === 0 ? '' : `{${pairs.join(',')}}`} ${value}\n`;
}

function escapeHelp(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
}

function escapeLabel(text: string): string {
  return escapeHelp(text).replaceAll('"', '\\"');
}
