import { access, constants, mkdtemp, rm, stat, statfs, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { isRefusal, systemErrorCode, unless } from '../../base/errors.js';
import { isNetworkFileSystem } from '../../base/file-system.js';
import { ownUid, writableByOthers } from '../../base/trust.js';
import { runtimeFiles } from '../../mount/runtime.js';
import type { CheckContext, Findings } from '../finding.js';
import { nearestFolder } from './nearest-folder.js';
import { checkSpace } from './space.js';

const mebibyte = 2 ** 20;
/** unix(7): `sun_path` holds 108 bytes with the NUL. */
const longestSocketPath = 107;
/** statfs(2). */
const tmpfsType = 0x01021994;
const sampleBytes = 64 << 10;

export async function checkHome({ places: { home }, findings }: CheckContext): Promise<void> {
  const found = await unless('ENOENT', stat(home));
  const place = found ? home : await nearestFolder(home);
  if (!found) findings.ok(`There is no home at ${home} yet; the first environment makes it`);
  else if (found.uid === ownUid()) findings.ok(`The home ${home} is this user's`);
  else findings.ok(`The home ${home} is of user ${found.uid}`);
  if (found && (found.mode & writableByOthers) !== 0) {
    findings.advice(
      `Other users may change what is in ${home} (mode ${(found.mode & 0o7777).toString(8)})`,
      `chmod go-w ${home}`,
    );
  }
  if (await isNetworkFileSystem(place)) {
    findings.advice(
      `The home ${home} is on a network file system: mounts hear late, or not, of changes that other hosts make`,
      'Run `shenv-fs mount` anew, or any command that changes something, on the host that is to see them.',
    );
  }
  await checkWriting(place, 'environments', findings);
}

/** Where control sockets and logs are. */
export async function checkRuntime({ places: { runtime }, findings }: CheckContext): Promise<void> {
  const { socket } = runtimeFiles(runtime, '/');
  const length = Buffer.byteLength(socket);
  const remedy = 'Set XDG_RUNTIME_DIR or SHENV_RUNTIME to a shorter path.';
  if (length > longestSocketPath)
    findings.problem(
      `Paths of sockets in ${runtime} have ${length} bytes, and ${longestSocketPath} are possible`,
      remedy,
    );
  const found = await unless('ENOENT', stat(runtime));
  const place = found ? runtime : await nearestFolder(runtime);
  if (found && (found.uid !== ownUid() || (found.mode & writableByOthers) !== 0)) {
    return findings.problem(
      `The runtime folder ${runtime} belongs to somebody else or is open to others`,
      'Set XDG_RUNTIME_DIR or SHENV_RUNTIME to a folder of your own.',
    );
  }
  const isInMemory = (await statfs(place)).type === tmpfsType;
  findings.ok(
    found
      ? `The runtime folder ${runtime} is this user's${isInMemory ? ', in memory' : ''}`
      : `There is no runtime folder ${runtime} yet; the first mount makes it`,
  );
  if (await isNetworkFileSystem(place)) {
    findings.advice(
      `The runtime folder ${runtime} is on a network file system: hosts would take each other's mounts for their own`,
      'Set SHENV_RUNTIME to a folder of this host.',
    );
  }
  if (await checkWriting(place, 'sockets and logs', findings)) await checkSocket(place, findings);
}

/** Writes something into a folder of its own. False where that is not possible, which it has told. */
async function checkWriting(place: string, what: string, findings: Findings): Promise<boolean> {
  let folder: string | undefined;
  try {
    await access(place, constants.W_OK);
    folder = await mkdtemp(join(place, '.doctor-'));
    await writeFile(join(folder, 'sample'), Buffer.alloc(sampleBytes, 1));
    await checkSpace(place, { what, adviceBytes: 64 * mebibyte, problemBytes: mebibyte }, findings);
    return true;
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === undefined) throw error;
    const remedy = isRefusal(error)
      ? 'Get write access, or choose another place: SHENV_HOME, SHENV_RUNTIME.'
      : 'Make room there, or choose another place: SHENV_HOME, SHENV_RUNTIME.';
    findings.problem(`Nothing can be written at ${place}: ${code}`, remedy);
    return false;
  } finally {
    if (folder !== undefined) await rm(folder, { recursive: true, force: true });
  }
}

async function checkSocket(place: string, findings: Findings): Promise<void> {
  const folder = await mkdtemp(join(place, '.doctor-'));
  const server = createServer();
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(join(folder, 's'), resolve);
    });
    findings.ok('Its file system has sockets');
  } catch (error) {
    findings.problem(
      `A socket cannot be made at ${place}: ${systemErrorCode(error)}`,
      'Set XDG_RUNTIME_DIR or SHENV_RUNTIME to a folder of a local file system.',
    );
  } finally {
    await new Promise((resolve) => server.close(resolve));
    await rm(folder, { recursive: true, force: true });
  }
}
