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

/** Whether the file system of `path`, which exists, is one that hosts share. */
export async function isNetworkFileSystem(path: string): Promise<boolean> {
  return networkTypes.has((await statfs(path)).type);
}
