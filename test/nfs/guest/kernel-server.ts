import { mkdir, writeFile } from 'node:fs/promises';
import { eventually } from '../../support/eventually.js';
import { must } from './system.js';

const server = '127.0.0.1';

/** Starts the kernel's NFS server, v3 and v4.2, with the lines of exports(5) given; clients need not wait. */
export async function startServer(lines: string): Promise<void> {
  await must('ip', 'link', 'set', 'lo', 'up');
  await must('mount', '-t', 'nfsd', 'nfsd', '/proc/fs/nfsd');
  await must('rpcbind', '-w');
  await eventually(() => answers('rpcinfo', '-s', server), 'rpcbind answers');
  await exportAgain(lines);
  await must('rpc.mountd', '-N', '2', '-V', '3', '-V', '4');
  await serve();
}

/** Without a time of grace, in which clients of v4 wait. */
export async function serve(): Promise<void> {
  await must('rpc.nfsd', '-V', '3', '-V', '4', '-V', '4.2', '-H', server, '-L', '10', '-G', '10', '8');
  await writeFile('/proc/fs/nfsd/v4_end_grace', 'Y');
}

export async function stopServing(): Promise<void> {
  await must('rpc.nfsd', '0');
}

export async function exportAgain(lines: string): Promise<void> {
  await writeFile('/etc/exports', lines);
  await must('exportfs', '-ra');
}

async function answers(program: string, ...args: string[]): Promise<boolean> {
  return must(program, ...args).then(
    () => true,
    () => false,
  );
}

/** What exportfs(8) made of them. */
export function listExports(): Promise<string> {
  return must('exportfs', '-v');
}

/** Mounts with the options of the line that `export-nfs` prints, in another version of NFS where that is given. */
export async function mountClient(line: string, folder: string, version = '4.2'): Promise<string> {
  const [, options = '', path = ''] = /^mount -t nfs -o (\S+) SERVER:(\S+) /.exec(line) ?? [];
  const wanted = options.replace('vers=4.2', `vers=${version}`) + (version === '3' ? ',nolock' : '');
  await mkdir(folder, { recursive: true });
  await must('mount.nfs', `${server}:${path}`, folder, '-o', wanted);
  return folder;
}
