import { statfs } from 'node:fs/promises';

/** statfs(2), f_type: file systems that other hosts see too, and of whose changes they hear late. */
const networkTypes = new Set([
  0x6969, // NFS
  0x0bd00bd0, // Lustre
  0x517b, // SMB
  0xfe534d42, // SMB 2 and later
  0xff534d42, // CIFS
  0x00c36400, // Ceph
  0x47504653, // GPFS
  0x19830326, // BeeGFS
]);

const fuseType = 0x65735546;

/** Whether each read of `path`, which exists, may wait for a server: also a FUSE file system may have one. */
export async function isServedFileSystem(path: string): Promise<boolean> {
  const { type } = await statfs(path);
  return networkTypes.has(type) || type === fuseType;
}

/** Whether the file system of `path`, which exists, is one that hosts share. */
export async function isNetworkFileSystem(path: string): Promise<boolean> {
  return networkTypes.has((await statfs(path)).type);
}
