import { access, constants, mkdir, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stagingName } from '../../base/atomic-write.js';
import { isFull, isRefusal, systemErrorCode, unless } from '../../base/errors.js';
import { storeLayout } from '../../store/layout.js';
import type { CheckContext, Findings } from '../finding.js';
import { filePromises } from './file-system-promises.js';
import { nearestFolder } from './nearest-folder.js';
import { checkSpace } from './space.js';

const mebibyte = 2 ** 20;
const wants = { what: 'images', adviceBytes: 1024 * mebibyte, problemBytes: 16 * mebibyte };
const mostClockDifferenceMs = 2_000;
const usualMode = 0o700;

/** The store that is written, and those that look-ups fall through to. */
export async function checkStores({ places, findings }: CheckContext): Promise<void> {
  await checkStore(places.store, findings);
  for (const upstream of places.upstreams) await checkUpstream(upstream, findings);
}

async function checkStore(root: string, findings: Findings): Promise<void> {
  const { staging } = storeLayout(root);
  const isMade = (await unless('ENOENT', stat(staging))) !== undefined;
  // Of a store that is not made yet, the place where it will be is tried.
  const place = isMade ? staging : await nearestFolder(root);
  findings.ok(
    isMade
      ? `The store is at ${root}`
      : `There is no store at ${root} yet; it will be made when it is needed`,
  );
  const refusal = await refusalOf(place);
  if (refusal !== undefined) {
    const what = `The store at ${root} is read-only for this user (${refusal})`;
    if (isMade) findings.ok(`${what}: mounts show what is there, and adding to it fails`);
    else findings.problem(what, 'Choose another place with SHENV_STORE, or get write access.');
    return checkSpaceAlone(place, findings);
  }
  await checkSpace(place, wants, findings);
  await tryPromises(place, findings);
}

/** Of a read-only place it does not matter how full it is. */
async function checkSpaceAlone(place: string, findings: Findings): Promise<void> {
  await checkSpace(place, { ...wants, adviceBytes: 0, problemBytes: 0 }, findings);
}

async function checkUpstream(root: string, findings: Findings): Promise<void> {
  const { images } = storeLayout(root);
  try {
    await access(images, constants.R_OK | constants.X_OK);
    findings.ok(`The upstream store ${root} can be read`);
  } catch (error) {
    findings.problem(
      `The upstream store ${root} cannot be read: ${systemErrorCode(error)}`,
      'Mount its file system, get access, or take it out of SHENV_STORE.',
    );
  }
}

/** The system's error when this user cannot write there because of rights or of how it is mounted. */
async function refusalOf(folder: string): Promise<string | undefined> {
  try {
    await access(folder, constants.W_OK);
    return undefined;
  } catch (error) {
    if (!isRefusal(error)) throw error;
    return systemErrorCode(error);
  }
}

/** In a folder that a collection takes away if this process cannot. */
async function tryPromises(place: string, findings: Findings): Promise<void> {
  const folder = join(place, stagingName());
  try {
    await mkdir(folder, { mode: usualMode });
    await checkClock(folder, findings);
    const kept: string[] = [];
    for (const [index, promise] of filePromises.entries()) {
      const apart = join(folder, String(index));
      await mkdir(apart, { mode: usualMode });
      const broken = await promise.try(apart);
      if (broken === undefined) kept.push(promise.name);
      else {
        findings.problem(
          `The file system at ${place} does not keep a promise that a store needs, ${promise.name}: ${broken}`,
          'Choose a file system of this host, NFS or a cluster file system with SHENV_STORE.',
        );
      }
    }
    if (kept.length > 0) findings.ok(`Its file system keeps what it promises: ${kept.join(', ')}`);
  } catch (error) {
    if (!isFull(error)) throw error;
    findings.problem(
      `Nothing can be written at ${place}: ${systemErrorCode(error)}`,
      'Make room there, with `shenv-fs store gc` or otherwise, or have the quota raised.',
    );
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** By the clock of its file system a store judges what is old. */
async function checkClock(folder: string, findings: Findings): Promise<void> {
  const path = join(folder, 'clock');
  const beforeMs = Date.now();
  await writeFile(path, 'x');
  const afterMs = Date.now();
  const { mtimeMs } = await stat(path);
  const differenceMs = mtimeMs < beforeMs ? mtimeMs - beforeMs : Math.max(0, mtimeMs - afterMs);
  const seconds = (Math.abs(differenceMs) / 1000).toFixed(1);
  const order = differenceMs < 0 ? 'behind' : 'ahead of';
  if (Math.abs(differenceMs) <= mostClockDifferenceMs)
    return findings.ok('Its clock and that of this host are the same to two seconds');
  findings.advice(
    `The clock of the file system at ${folder} is ${seconds} s ${order} that of this host`,
    'Let both hosts set their clocks by NTP: what is old enough to be collected is judged by it.',
  );
}
