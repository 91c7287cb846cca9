import {
  type FileHandle,
  link,
  lstat,
  mkdir,
  open,
  readFile,
  rename,
  stat,
  unlink,
  utimes,
} from 'node:fs/promises';
import { join } from 'node:path';
import { syncFolder } from '../../base/atomic-write.js';
import { systemErrorCode } from '../../base/errors.js';

/** What a store relies on; the folder that it is tried in is empty and its own. */
export interface FilePromise {
  name: string;
  /** Undefined when it is kept, else how it is broken. What the system refuses is thrown. */
  try(folder: string): Promise<string | undefined>;
}

const rivals = 8;
const sticky = 0o1777;
const longestName = 255;
/** Odd in every unit down to the microsecond, which is what utimes(2) of Node.js passes on. */
const oddSeconds = 1_000_000_001.123_456;

export const filePromises: readonly FilePromise[] = [
  { name: 'exclusive create', try: tryExclusiveCreate },
  { name: 'link', try: tryLink },
  { name: 'rename of a file over another', try: tryRenameOver },
  { name: 'rename of a folder', try: tryRenameFolder },
  { name: 'fsync of files and folders', try: trySync },
  { name: 'modes', try: tryModes },
  { name: 'sticky folders', try: trySticky },
  { name: 'times to the microsecond', try: tryTimes },
  { name: `names of ${longestName} bytes`, try: tryLongName },
];

/** Serials are claimed so: of many that create one name at once, one has it. */
async function tryExclusiveCreate(folder: string): Promise<string | undefined> {
  const path = join(folder, 'claim');
  const outcomes = await Promise.all(Array.from({ length: rivals }, () => codeOf(createFile(path))));
  const winners = outcomes.filter((code) => code === undefined).length;
  const others = outcomes.filter((code) => code !== undefined && code !== 'EEXIST');
  if (others.length > 0) return `it fails with ${others[0]}`;
  return winners === 1 ? undefined : `${winners} of ${rivals} had the same name`;
}

/** Images and generations are published so. */
async function tryLink(folder: string): Promise<string | undefined> {
  const [staged, target] = [join(folder, 'staged'), join(folder, 'published')];
  await createFile(staged, 'new');
  const refused = await codeOf(link(staged, target));
  if (refused !== undefined) return `it fails with ${refused}`;
  if ((await stat(staged)).ino !== (await stat(target)).ino) return 'both names are not of one file';
  const again = await codeOf(link(staged, target));
  if (again !== 'EEXIST') return `a name that is taken is ${again ?? 'replaced'}`;
  await unlink(staged);
  return (await readFile(target, 'utf8')) === 'new' ? undefined : 'the file is another one';
}

async function tryRenameOver(folder: string): Promise<string | undefined> {
  const [from, to] = [join(folder, 'from'), join(folder, 'to')];
  await createFile(from, 'new');
  await createFile(to, 'old');
  const held = await open(to, 'r');
  try {
    await rename(from, to);
    if ((await readFile(to, 'utf8')) !== 'new') return 'the old contents stay';
    return (await held.readFile('utf8')) === 'old' ? undefined : 'who had the old file open lost it';
  } finally {
    await held.close();
  }
}

/** New environments are published so. */
async function tryRenameFolder(folder: string): Promise<string | undefined> {
  const [first, second, target] = ['first', 'second', 'target'].map((name) => join(folder, name));
  for (const made of [first!, second!]) {
    await mkdir(made);
    await createFile(join(made, 'inside'));
  }
  await rename(first!, target!);
  const again = await codeOf(rename(second!, target!));
  if (again === undefined) return 'a folder that holds something is replaced';
  return ['ENOTEMPTY', 'EEXIST'].includes(again) ? undefined : `it fails with ${again}`;
}

async function trySync(folder: string): Promise<string | undefined> {
  const file = await open(join(folder, 'synced'), 'wx');
  const ofFile = await codeOf(syncAndClose(file));
  if (ofFile !== undefined) return `of a file it fails with ${ofFile}`;
  const ofFolder = await codeOf(syncFolder(folder));
  return ofFolder === undefined ? undefined : `of a folder it fails with ${ofFolder}`;
}

async function syncAndClose(file: FileHandle): Promise<void> {
  try {
    await file.write('data');
    await file.sync();
  } finally {
    await file.close();
  }
}

async function tryModes(folder: string): Promise<string | undefined> {
  const path = join(folder, 'moded');
  const file = await open(path, 'wx', 0o600);
  try {
    for (const mode of [0o644, 0o444, 0o600]) {
      await file.chmod(mode);
      const found = (await file.stat()).mode & 0o7777;
      if (found !== mode) return `${mode.toString(8)} becomes ${found.toString(8)}`;
    }
    return undefined;
  } finally {
    await file.close();
  }
}

async function trySticky(folder: string): Promise<string | undefined> {
  const path = join(folder, 'sticky');
  await mkdir(path);
  const made = await open(path, 'r');
  try {
    await made.chmod(sticky);
  } finally {
    await made.close();
  }
  const found = (await lstat(path)).mode & 0o7777;
  return found === sticky ? undefined : `${sticky.toString(8)} becomes ${found.toString(8)}`;
}

async function tryTimes(folder: string): Promise<string | undefined> {
  const path = join(folder, 'timed');
  await createFile(path);
  await utimes(path, oddSeconds, oddSeconds);
  const differenceMs = Math.abs((await stat(path)).mtimeMs - oddSeconds * 1000);
  return differenceMs < 0.002 ? undefined : `a time is off by ${differenceMs.toFixed(3)} ms`;
}

async function tryLongName(folder: string): Promise<string | undefined> {
  const code = await codeOf(createFile(join(folder, 'n'.repeat(longestName))));
  return code === undefined ? undefined : `it fails with ${code}`;
}

async function createFile(path: string, text = ''): Promise<void> {
  const file = await open(path, 'wx');
  try {
    await file.write(text);
  } finally {
    await file.close();
  }
}

/** The system's error of what is awaited; undefined where it succeeds. */
async function codeOf(operation: Promise<unknown>): Promise<string | undefined> {
  try {
    await operation;
    return undefined;
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === undefined) throw error;
    return code;
  }
}
