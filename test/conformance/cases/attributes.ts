import type { BigIntStats } from 'node:fs';
import { lstat } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { skip } from '../../support/interpreters.js';
import type { Subject } from '../../support/subjects.js';
import { zipMtimeNs } from '../../support/zip-writer.js';
import { agree, answerTo, type Case, sameNames } from '../case.js';

const parallel = 16;

/** lstat of every path, relative to the root; a few at a time. */
async function statAll(subject: Subject, paths: readonly string[]): Promise<Map<string, BigIntStats>> {
  const found = new Map<string, BigIntStats>();
  for (let start = 0; start < paths.length; start += parallel) {
    const some = paths.slice(start, start + parallel);
    const stats = await Promise.all(some.map((path) => lstat(join(subject.path, path), { bigint: true })));
    stats.forEach((info, index) => {
      found.set(some[index]!, info);
    });
  }
  return found;
}

const statFiles = (subject: Subject) => statAll(subject, [...subject.wheels.expected.keys()]);

/** Asserts one claim about every file without 10,000 assertions. */
function everyFile(t: ExecutionContext, found: ReadonlyMap<string, BigIntStats>, claim: Claim): void {
  const wrong = [...found].filter(([path, info]) => !claim(info, path)).map(([path]) => path);
  t.deepEqual(wrong.slice(0, 5), [], `${wrong.length} files`);
}
type Claim = (info: BigIntStats, path: string) => boolean;

async function foldersOf(subject: Subject): Promise<string[]> {
  const { stdout } = await subject.run('find', subject.path, '-type', 'd', '-printf', '%P\\n');
  return stdout.split('\n').slice(0, -1);
}

export const attributeCases: readonly Case[] = [
  {
    title: 'every file has the type, size, mode, owner and link count of an installed file',
    async run(t, subject) {
      const found = await statFiles(subject);
      const { expected } = subject.wheels;
      everyFile(t, found, (info, path) => info.size === BigInt(expected.get(path)!.data.length));
      everyFile(t, found, (info, path) => {
        return info.mode === (expected.get(path)!.executable ? 0o100755n : 0o100644n);
      });
      everyFile(t, found, (info) => info.nlink === 1n);
      everyFile(
        t,
        found,
        (info) => info.uid === BigInt(process.getuid!()) && info.gid === BigInt(process.getgid!()),
      );
      everyFile(t, found, (info) => info.rdev === 0n && info.blksize > 0n);
    },
  },
  {
    title:
      'an empty file has no blocks; a shared file has one, so that du tells what the environment occupies',
    async run(t, subject) {
      const { ownBlocksOnly } = subject.traits;
      everyFile(t, await statFiles(subject), ({ size, blocks }) => {
        if (size === 0n) return blocks === 0n;
        return ownBlocksOnly ? blocks === 1n : blocks > 0n;
      });
    },
  },
  {
    title: 'every directory has mode 0755 and a link count that is never 0',
    async run(t, subject) {
      const found = await statAll(subject, await foldersOf(subject));
      everyFile(t, found, (info) => info.mode === 0o40755n && info.nlink > 0n);
      if (!subject.traits.ownBlocksOnly) return;
      everyFile(t, found, (info) => info.nlink === 1n && info.size === 0n && info.blocks === 0n);
    },
  },
  {
    title: "times are the wheel's and the same at every lookup",
    async run(t, subject) {
      const first = await statFiles(subject);
      if (subject.traits.exactTimes) everyFile(t, first, ({ mtimeNs }) => mtimeNs === zipMtimeNs);
      if (!(await subject.dropCaches())) t.log('caches are not dropped: only root may');
      const again = await statFiles(subject);
      everyFile(t, again, ({ mtimeNs, ctimeNs }, path) => {
        return mtimeNs === first.get(path)!.mtimeNs && ctimeNs === first.get(path)!.ctimeNs;
      });
    },
  },
  {
    title: 'no two objects of an environment share an inode number',
    async run(t, subject) {
      if (!subject.traits.inodesAreStable) return skip(t, 'docs/exclusions.md: numbers of libfuse');
      const { stdout } = await subject.run('find', subject.path, '-printf', '%D:%i %P\\n');
      const numbers = stdout.split('\n').slice(0, -1);
      t.is(new Set(numbers.map((line) => line.split(' ', 1)[0])).size, numbers.length);
      return undefined;
    },
  },
  {
    title: 'inode numbers stay when caches are dropped and the environment is mounted again',
    async run(t, subject) {
      if (!subject.traits.inodesAreStable) return skip(t, 'docs/exclusions.md: numbers of libfuse');
      const ask = async () => (await subject.run('find', subject.path, '-printf', '%i %P\\n')).stdout;
      const first = await ask();
      if (!(await subject.dropCaches())) t.log('caches are not dropped: only root may');
      t.true((await ask()) === first, 'caches dropped');
      await subject.remount();
      t.true((await ask()) === first, 'mounted again');
      return undefined;
    },
  },
  {
    title: 'types and permissions of all objects are those that pip and venv give',
    async run(t, subject) {
      const ask = async (root: string) => {
        const { stdout } = await subject.run('find', root, '-printf', '%y %m %l %P\\n');
        return stdout.split('\n').sort();
      };
      const found = await ask(subject.path);
      t.true(found.length > subject.wheels.expected.size);
      sameNames(t, found, await ask(subject.reference));
    },
  },
  {
    title: 'statx gives every basic field, the same with each way of asking, and agrees with lstat',
    async run(t, subject) {
      const paths = ['', 'pyvenv.cfg', 'bin/python', 'bin/greet', 'lib', 'share/shared/one.txt'];
      const answers = await agree(t, subject, (root) =>
        subject.client.ask('statx', ...paths.map((path) => join(root, path))),
      );
      t.true(answers.every(([, mask]) => mask === 'mask 7ff'));
    },
  },
  {
    title:
      'statfs and statvfs tell that names have up to 255 bytes, and whether the file system is read-only',
    async run(t, subject) {
      const answers = await subject.client.ask('statfs', subject.path);
      t.deepEqual(answers, [
        ['f_namelen', '255'],
        ['f_namemax', '255'],
        ['_PC_NAME_MAX', '255'],
        ['block size', 'positive'],
        ['read-only', subject.traits.readOnly ? 'yes' : 'no'],
      ]);
      t.is(answerTo(answers, 'BROKEN'), undefined);
    },
  },
];
