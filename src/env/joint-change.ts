import { randomBytes } from 'node:crypto';
import { mkdir, readdir, unlink } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { replaceFile } from '../base/atomic-write.js';
import { ShenvError, systemErrorCode, unless } from '../base/errors.js';
import { FrameError, packFramed, unpackFramed } from '../base/msgpack.js';
import { readRegular } from '../base/trust.js';
import { decodeManifest, encodeManifest } from '../manifest/codec.js';
import type { Manifest } from '../manifest/types.js';
import type { Store } from '../store/store.js';
import type { Environments } from './environments.js';

/** History: 1 (first version). */
const journalVersion = 1;
const magic = 'SHENVJRN';
const journalPattern = /^(.+)-(\d+)-[0-9a-f]{16}\.journal$/;

/**
 * Publishes a further generation of each of several environments as one change. When one of them was
 * changed by somebody else meanwhile, those that were published already get their former state back,
 * and ENVIRONMENT_CHANGED is thrown. A journal comes first: after a crash `endInterruptedChanges` publishes
 * the rest.
 */
export async function commitTogether(
  environments: Environments,
  manifests: readonly Manifest[],
): Promise<void> {
  const [only, ...others] = manifests;
  if (only === undefined) return;
  if (others.length === 0) return environments.commit(only);
  await environments.registerNext(manifests);
  const journal = await writeJournal(environments, manifests);
  const published: Manifest[] = [];
  try {
    for (const manifest of manifests) {
      await environments.commit(manifest);
      published.push(manifest);
    }
  } catch (error) {
    for (const manifest of published) await undo(environments, manifest);
    throw error;
  } finally {
    await unlink(journal);
  }
}

/** Ends changes that a crash on this host has interrupted; an environment that has moved on since stays as it is. */
export async function endInterruptedChanges(environments: Environments, store: Store): Promise<void> {
  const journals = (await listJournals(environments)).filter(
    ({ host, pid }) => host === hostname() && !isRunning(pid),
  );
  if (journals.length === 0) return;
  await store.during('ending an interrupted change', async () => {
    for (const { path } of journals) {
      for (const manifest of await readJournal(path)) await commitIfNext(environments, manifest);
      await unless('ENOENT', unlink(path));
    }
  });
}

/** Generations that are being published, or will be when a change that was interrupted is ended. */
export async function readJournals(environments: Environments): Promise<Manifest[]> {
  const manifests: Manifest[] = [];
  for (const { path } of await listJournals(environments)) manifests.push(...(await readJournal(path)));
  return manifests;
}

async function listJournals({
  changes,
}: Environments): Promise<{ path: string; host: string; pid: number }[]> {
  const files = (await unless('ENOENT', readdir(changes))) ?? [];
  return files.flatMap((file) => {
    const [, host, pid] = journalPattern.exec(file) ?? [];
    return host === undefined ? [] : [{ path: join(changes, file), host, pid: Number(pid) }];
  });
}

async function writeJournal(environments: Environments, manifests: readonly Manifest[]): Promise<string> {
  await mkdir(environments.changes, { recursive: true, mode: 0o755 });
  const name = `${hostname()}-${process.pid}-${randomBytes(8).toString('hex')}.journal`;
  const path = join(environments.changes, name);
  await replaceFile(path, packFramed(magic, journalVersion, manifests.map(encodeManifest)));
  return path;
}

/** Nothing of a journal that is not whole was published: it is put in place in one step. */
async function readJournal(path: string): Promise<Manifest[]> {
  const data = await unless('ENOENT', readRegular(path));
  if (!data) return [];
  try {
    const encoded = unpackFramed(magic, journalVersion, data) as Buffer[];
    return encoded.map((manifest) => decodeManifest(manifest, path));
  } catch (error) {
    if (error instanceof FrameError) return [];
    throw error;
  }
}

async function commitIfNext(environments: Environments, manifest: Manifest): Promise<void> {
  try {
    const current = (await environments.generations(manifest.name)).at(-1);
    if (current === manifest.generation - 1) await environments.commit(manifest);
  } catch (error) {
    if (!isMovedOn(error)) throw error;
  }
}

/** A further generation with what was there before `manifest`, unless somebody has changed it again. */
async function undo(environments: Environments, manifest: Manifest): Promise<void> {
  const before = await environments.read(manifest.name, manifest.generation - 1);
  const restored: Manifest = {
    ...before,
    generation: manifest.generation + 1,
    nextSlot: manifest.nextSlot,
    change: { atMs: Date.now(), what: `undo of ${manifest.change.what}` },
  };
  await environments.commit(restored).catch((error: unknown) => {
    if (!isMovedOn(error)) throw error;
  });
}

function isMovedOn(error: unknown): boolean {
  return (
    error instanceof ShenvError &&
    (error.code === 'ENVIRONMENT_CHANGED' || error.code === 'ENVIRONMENT_MISSING')
  );
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return systemErrorCode(error) === 'EPERM';
  }
}
