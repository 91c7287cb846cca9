import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type DaemonPlaces, type Exported, GuestDaemon } from './daemon.js';
import { listExports, mountClient, startServer } from './kernel-server.js';
import { loadModules } from './system.js';

/** What the guest is told by who boots it. */
export interface SceneOptions {
  packages: string;
  home: string;
  /** The environment that the rules look at. */
  environment: string;
  /** A module with C code that the environment has. */
  extension: string;
  site: string;
  /** The program of test/conformance/client. */
  probe: string;
  /** Folder of the results. */
  results: string;
}

export const versions = ['4.2', '3'] as const;

/** A daemon whose mount the kernel's NFS server exports, and clients of it. */
export interface Scene {
  options: SceneOptions;
  daemon: GuestDaemon;
  exported: Exported;
  /** What exportfs(8) made of the lines. */
  exports: string;
  /** The mount itself. */
  local: string;
  /** Mounts of NFS by version. */
  clients: Readonly<Record<(typeof versions)[number], string>>;
}

export const guestPlaces: Omit<DaemonPlaces, 'home'> = {
  runtime: '/run/shenv-fs',
  mountpoint: '/run/venvs',
};

export async function setScene(options: SceneOptions): Promise<Scene> {
  await loadModules(options.packages, ['fuse', 'nfsd', 'nfsv4', 'nfsv3', 'sch_netem']);
  const daemon = new GuestDaemon({ ...guestPlaces, home: options.home });
  await daemon.start();
  const exported = await daemon.exported('--clients', '127.0.0.1');
  await startServer(exported.exports);
  const folder = '/run/clients';
  await mkdir(folder);
  const [v4, v3] = [join(folder, 'v4.2'), join(folder, 'v3')];
  const clients = {
    '4.2': await mountClient(exported.mount, v4),
    '3': await mountClient(exported.mount, v3, '3'),
  };
  return { options, daemon, exported, exports: await listExports(), local: guestPlaces.mountpoint, clients };
}

/** What of the environment handles are taken of and held: of each kind one. The last ones are of files and folders of images. */
export function samplePaths({ environment, site }: SceneOptions): string[] {
  const own = ['', 'bin', 'pyvenv.cfg', site, `${site}/alpha-1.0.dist-info/RECORD`, `${site}/space`];
  const ofImages = [`${site}/alpha`, `${site}/alpha/table.bin`, `${site}/space/one.py`];
  return [...own, ...ofImages].map((path) => join(environment, path));
}
