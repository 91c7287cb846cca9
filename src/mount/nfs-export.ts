import { sha256 } from '../base/digest.js';

/** What of a mount an NFS server keeps apart from others: the same after a restart, a remount and on another host. */
export interface ExportIdentity {
  home: string;
  mountpoint: string;
  /** The one environment that is mounted; undefined where all are, as folders. */
  environment: string | undefined;
}

export interface ExportWishes {
  /** Hosts, networks or `*`, as exports(5) writes them. */
  clients: readonly string[];
  /** Flavour of security, as exports(5) writes it: sys, krb5, krb5i, krb5p. */
  security: string;
  /** For so long a client believes what it knows: the time after which a change is seen. */
  attributeSeconds: number;
}

/** What is written for one mount; each text ends with a newline, and is complete without the reasons. */
export interface ExportLines {
  /** For /etc/exports.d/. */
  exports: string;
  /** For /etc/ganesha/ganesha.conf. */
  ganesha: string;
  /** Run on a client, with `SERVER` for the server's name. */
  mount: string;
  fsid: string;
}

/** A mount as an NFS server would find it. */
export interface ExportedMount {
  engine: string;
  /** What the kernel and the engine agreed on. */
  features: readonly string[];
  /** The daemon's user. */
  uid: number;
  isOpenToOthers: boolean;
}

export interface Obstacle {
  problem: string;
  remedy: string;
}

const mostExportIds = 65_534;

/** What keeps an NFS server from serving the mount; empty when nothing does. */
export function obstaclesOf(mount: ExportedMount): Obstacle[] {
  const found: Obstacle[] = [];
  const miss = (isMissing: boolean, problem: string, remedy: string) => {
    if (isMissing) found.push({ problem, remedy });
  };
  const again = 'Unmount, and mount again';
  miss(
    mount.engine !== 'kernel',
    `the engine ${mount.engine} forgets its file handles`,
    `${again} with --engine kernel.`,
  );
  miss(
    mount.engine === 'kernel' && !mount.features.includes('EXPORT_SUPPORT'),
    'this kernel does not offer FUSE_EXPORT_SUPPORT, so handles fail as soon as its caches are dropped',
    'Serve from a host with Linux 2.6.29 or later.',
  );
  miss(
    mount.uid !== 0,
    `the daemon is that of user ${mount.uid}, whom the server, which is root, would depend on`,
    `${again} as root.`,
  );
  miss(
    !mount.isOpenToOthers,
    'only the user who mounted it may enter it, and the server acts for each client as another one',
    `${again} with --allow-other.`,
  );
  return found;
}

/** Pure: the lines say what is wanted of the servers, whether the mount is fit for it or not. */
export function exportLines(identity: ExportIdentity, wishes: ExportWishes): ExportLines {
  const digest = sha256(
    Buffer.from([identity.home, identity.mountpoint, identity.environment ?? ''].join('\0')),
  );
  const fsid = uuidOf(digest);
  return {
    exports: `${exportsLine(identity.mountpoint, fsid, wishes)}\n`,
    ganesha: ganeshaBlock(identity.mountpoint, digest, wishes),
    mount: `mount -t nfs -o ${mountOptions(wishes)} SERVER:${quoted(identity.mountpoint)} ${quoted(identity.mountpoint)}\n`,
    fsid,
  };
}

/** One line of exports(5); what it would take for a separator is written in octal. */
function exportsLine(path: string, fsid: string, { clients, security }: ExportWishes): string {
  const escaped = path.replace(
    /[\s"#\\()]/g,
    (character) => `\\${character.charCodeAt(0).toString(8).padStart(3, '0')}`,
  );
  const options = `ro,no_subtree_check,fsid=${fsid},sec=${security}`;
  return `${escaped} ${clients.map((client) => `${client}(${options})`).join(' ')}`;
}

/** ganesha-export-config(8), ganesha-core-config(8). */
function ganeshaBlock(path: string, digest: string, { clients, security }: ExportWishes): string {
  const number = (at: number, digits: number) => BigInt(`0x${digest.slice(at, at + digits)}`);
  const id = Number(number(0, 8) % BigInt(mostExportIds)) + 1;
  return `EXPORT {
  Export_Id = ${id};
  Path = ${JSON.stringify(path)};
  Pseudo = ${JSON.stringify(path)};
  Filesystem_Id = ${number(8, 8)}.${number(16, 8)};
  Protocols = 3, 4;
  Transports = TCP;
  Access_Type = NONE;
  Squash = Root_Squash;
  SecType = ${security};
  CLIENT {
    Clients = ${clients.join(', ')};
    Access_Type = RO;
  }
  FSAL {
    Name = VFS;
  }
}
`;
}

/**
 * nfs(5). `nocto`: no file changes under its name before the attributes are asked for again anyway, so that asking at
 * each open is of no use. `lookupcache=all` (missing names too, which an import tries many of) is the default, and said
 * because sites change it.
 */
function mountOptions({ security, attributeSeconds }: ExportWishes): string {
  return [
    'ro,nosuid,nodev,vers=4.2,proto=tcp',
    `nocto,actimeo=${attributeSeconds},lookupcache=all`,
    `sec=${security}`,
  ].join(',');
}

/** A UUID of version 8 (RFC 9562): its bits are a digest's. */
function uuidOf(digest: string): string {
  const variant = ((Number.parseInt(digest[16]!, 16) & 3) | 8).toString(16);
  const digits = `${digest.slice(0, 12)}8${digest.slice(13, 16)}${variant}${digest.slice(17, 32)}`;
  return digits.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

/** For a POSIX shell. */
function quoted(path: string): string {
  return /^[\w@%+=:,./-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
}
