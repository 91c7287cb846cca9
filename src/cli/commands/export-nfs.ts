import { stat } from 'node:fs/promises';
import { ShenvError } from '../../base/errors.js';
import type { Workspace } from '../../env/workspace.js';
import type { DaemonStatus } from '../../mount/daemon-status.js';
import { canonicalMountpoint, mountAt } from '../../mount/mountpoint.js';
import { type ExportLines, exportLines, type Obstacle, obstaclesOf } from '../../mount/nfs-export.js';
import { askDaemon, listRecords } from '../../mount/runtime.js';
import type { Report } from '../render.js';

export interface ExportNfsOptions {
  clients: string[];
  sec: string;
  actimeo: string;
  /** Print this part alone. */
  only?: Part;
}

const partNames = ['exports', 'ganesha', 'mount'] as const;
type Part = (typeof partNames)[number];

/** What an NFS server and its clients have to be told of a running mount, and what keeps it from being exported. */
export async function exportNfs(
  workspace: Workspace,
  path: string | undefined,
  options: ExportNfsOptions,
): Promise<Report> {
  const mountpoint = await canonicalMountpoint(path ?? workspace.places.mountpoint);
  const attributeSeconds = secondsOf(options.actimeo);
  checkClients(options.clients);
  const status = await statusOf(workspace, mountpoint);
  const missing = obstaclesOf({
    ...(await lookAt(mountpoint, status.pid)),
    ...status,
    features: featuresOf(status),
  });
  const { home, environment } = status;
  const clients = options.clients.length > 0 ? options.clients : ['*'];
  const lines = exportLines(
    { home, mountpoint, environment },
    { clients, security: options.sec, attributeSeconds },
  );
  const text = describe(lines, { missing, isForAll: options.clients.length === 0, only: options.only });
  return { data: { mountpoint, ...lines, missing }, text, exitStatus: missing.length > 0 ? 1 : 0 };
}

async function statusOf({ places }: Workspace, mountpoint: string): Promise<DaemonStatus> {
  const records = await listRecords(places.runtime);
  if (records.some((record) => record.mountpoint === mountpoint))
    return (await askDaemon(places.runtime, mountpoint, { operation: 'status' })) as DaemonStatus;
  throw new ShenvError('NOT_MOUNTED', `No daemon of yours serves ${mountpoint}`, {
    hint: 'Start one, as root: `shenv-fs mount --allow-other`.',
  });
}

async function lookAt(mountpoint: string, pid: number): Promise<{ uid: number; isOpenToOthers: boolean }> {
  const mount = await mountAt(mountpoint);
  return {
    uid: (await stat(`/proc/${pid}`)).uid,
    isOpenToOthers: mount?.isShared === true,
  };
}

function featuresOf({ negotiated }: DaemonStatus): string[] {
  return Array.isArray(negotiated.flags) ? (negotiated.flags as string[]) : [];
}

function secondsOf(text: string): number {
  if (/^\d{1,7}$/.test(text)) return Number(text);
  throw new ShenvError('USAGE', `--actimeo takes a whole number of seconds, not '${text}'`, {
    hint: 'Leave it out for 600: a change is seen by clients within ten minutes.',
  });
}

/** They are written into the servers' files as they are. */
function checkClients(clients: readonly string[]): void {
  const wrong = clients.find((client) => !/^[\w.*?@:/[\]-]+$/.test(client));
  if (wrong === undefined) return;
  throw new ShenvError('USAGE', `'${wrong}' names no host or network of exports(5)`, {
    hint: 'Give a host, *.example.org, 10.0.0.0/8 or @netgroup; repeat --clients for several.',
  });
}

interface Circumstances {
  missing: readonly Obstacle[];
  isForAll: boolean;
  only: Part | undefined;
}

/** Each part can be written into a file as it is. */
function describe(lines: ExportLines, { missing, isForAll, only }: Circumstances): string {
  const obstacles = missing.map(({ problem, remedy }) => `# MISSING: ${problem}.\n#   ${remedy}\n`);
  const anyHost = isForAll ? '# *: any host may mount it; name yours with --clients.\n' : '';
  const parts: Record<Part, string> = {
    exports: `${exportsReasons}${anyHost}${lines.exports}`,
    ganesha: `${ganeshaReasons}${lines.ganesha}`,
    mount: `${mountReasons}${lines.mount}`,
  };
  const text = only === undefined ? partNames.map((name) => parts[name]).join('\n') : parts[only];
  return `${obstacles.join('')}${text}`;
}

const exportsReasons = `# For the kernel's server: into /etc/exports.d/shenv-fs.exports, then \`exportfs -ra\`.
# ro: the mount should be one with --read-only.
# fsid: a FUSE mount has no number of its own that lasts. This one is made of the home and the mount point; with it
#   clients' file handles outlive the daemon. After mounting again, run \`exportfs -f\`.
# no_subtree_check: the whole mount is exported, so there is nothing to check, and the check would cost look-ups.
`;
const ganeshaReasons = `# For nfs-ganesha with FSAL_VFS: into /etc/ganesha/ganesha.conf. Its file handles have the mount's device number:
# stop ganesha before mounting again, and start it after.
`;
const mountReasons = `# On each client, at the same path: scripts in bin/ and activate name it. bin/python leads to the interpreter's own
# path, which has to be there, too. nocto and actimeo: no file changes under its name, so clients need not ask at each
# open; what changes in an environment is seen after at most actimeo seconds, or at once after mounting anew.
`;
