import { randomBytes } from 'node:crypto';
import { mkdir, readdir, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { replaceFile } from '../base/atomic-write.js';
import { ShenvError, unless } from '../base/errors.js';
import { FrameError, packFramed, unpackFramed } from '../base/msgpack.js';
import { mayRun, type ProcessIdentity, thisProcess } from '../base/process-identity.js';
import { readRegular } from '../base/trust.js';
import { decodeManifest, encodeManifest } from '../manifest/codec.js';
import type { Manifest } from '../manifest/types.js';
import type { Store } from '../store/store.js';
import type { Environments } from './environments.js';

/** History: 1 (first version, in no release); 2 (names the process, not in the file's name). */
const journalVersion = 2;
const magic = 'SHENVJRN';
const suffix = '.journal';

interface JournalContent {
  process: ProcessIdentity;
  manifests: Buffer[];
}

interface Journal {
  path: string;
  process: ProcessIdentity;
  manifests: Manifest[];
  writtenMs: number;
}

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
  await environments.register(manifests);
  const journal = await writeJournal(environments, manifests);
  const published: Manifest[] = [];
  try {
    for (const manifest of manifests) {
      await environments.commit(manifest);
      published.push(manifest);
    }
  } catch (error) {
    // Where that fails too (the disk is full) the journal stays, and the next command publishes the rest.
    for (const manifest of published) await undo(environments, manifest);
    await unlink(journal);
    throw error;
  }
  await unlink(journal);
}

/**
 * Ends changes that a crash has interrupted: on this host at once, on another one after a day. An environment that has
 * moved on since stays as it is.
 */
export async function endInterruptedChanges(environments: Environments, store: Store): Promise<void> {
  const { journals } = await listJournals(environments);
  const interrupted = journals.filter((journal) => !isUnderWay(journal));
  if (interrupted.length === 0) return;
  await store.during('ending an interrupted change', async () => {
    for (const { path, manifests } of interrupted) {
      for (const manifest of manifests) await commitIfNext(environments, manifest);
      await unless('ENOENT', unlink(path));
    }
  });
}

/** Generations that are being published, or will be when a change is ended; and journals that cannot be read. */
export async function readJournals(
  environments: Environments,
): Promise<{ manifests: Manifest[]; unread: string[] }> {
  const { journals, unread } = await listJournals(environments);
  return { manifests: journals.flatMap(({ manifests }) => manifests), unread };
}

function isUnderWay({ process, writtenMs }: Journal): boolean {
  return mayRun(process, Date.now() - writtenMs);
}

async function listJournals({ changes }: Environments): Promise<{ journals: Journal[]; unread: string[] }> {
  const journals: Journal[] = [];
  const unread: string[] = [];
  for (const file of (await unless('ENOENT', readdir(changes))) ?? []) {
    if (!file.endsWith(suffix)) continue;
    const path = join(changes, file);
    const status = await unless('ENOENT', stat(path));
    const data = await unless('ENOENT', readRegular(path));
    if (!status || !data) continue;
    const content = decodeJournal(data, path);
    if (content) journals.push({ ...content, path, writtenMs: status.mtimeMs });
    else unread.push(path);
  }
  return { journals, unread };
}

async function writeJournal(environments: Environments, manifests: readonly Manifest[]): Promise<string> {
  await mkdir(environments.changes, { recursive: true, mode: 0o755 });
  const path = join(environments.changes, `${randomBytes(8).toString('hex')}${suffix}`);
  const content: JournalContent = { process: thisProcess(), manifests: manifests.map(encodeManifest) };
  await replaceFile(path, packFramed(magic, journalVersion, content));
  return path;
}

/** Undefined for one of another version; one that is damaged was whole when it was put in place. */
function decodeJournal(data: Buffer, path: string): Pick<Journal, 'process' | 'manifests'> | undefined {
  try {
    const { process, manifests } = unpackFramed(magic, journalVersion, data) as JournalContent;
    return { process, manifests: manifests.map((manifest) => decodeManifest(manifest, path)) };
  } catch (error) {
    if (error instanceof FrameError) return undefined;
    throw error;
  }
}

async function commitIfNext(environments: Environments, manifest: Manifest): Promise<void> {
  try {
    const current = (await environments.generations(manifest.name)).at(-1);
    // An image that is damaged keeps no command from beginning: one of them repairs it.
    if (current === manifest.generation - 1) await environments.commit(manifest, { mayBeUnsealed: true });
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
  await environments.commit(restored, { mayBeUnsealed: true }).catch((error: unknown) => {
    if (!isMovedOn(error)) throw error;
  });
}

function isMovedOn(error: unknown): boolean {
  return (
    error instanceof ShenvError &&
    (error.code === 'ENVIRONMENT_CHANGED' || error.code === 'ENVIRONMENT_MISSING')
  );
}
