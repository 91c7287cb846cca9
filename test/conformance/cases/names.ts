import { lstat, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { systemErrorCode } from '../../../src/base/errors.js';
import { skip } from '../../support/interpreters.js';
import type { Answers } from '../../support/probe-client.js';
import { originAttribute, type Subject } from '../../support/subjects.js';
import { agree, answerTo, type Case, unbroken } from '../case.js';
import { longestNameBytes, oddNames } from '../wheels.js';

async function errorOf(operation: Promise<unknown>): Promise<string | undefined> {
  try {
    await operation;
    return undefined;
  } catch (error) {
    return systemErrorCode(error);
  }
}

/** Answers of the reference as a read-only mount gives them, and of the subject. */
async function agreeReadOnly(
  t: ExecutionContext,
  subject: Subject,
  ...[command, args]: [command: string, args: (root: string) => string[]]
): Promise<Answers | undefined> {
  const { reference, client } = subject;
  const expected = await client.askReadOnly(reference, command, ...args(reference));
  if (expected === undefined) return undefined;
  unbroken(t, expected);
  if (subject.isMounted) t.deepEqual(await client.ask(command, ...args(subject.path)), expected);
  return expected;
}

/** Gives a file of the plain directory the attribute that a mount shows by itself. */
async function giveOrigin(subject: Subject, path: string, value: string): Promise<boolean> {
  const script = 'import os, sys; os.setxattr(sys.argv[1], sys.argv[2], sys.argv[3].encode())';
  const root = join(subject.reference, path);
  const python = join(subject.path, 'bin/python');
  return (await subject.run(python, '-c', script, root, originAttribute, value)).status === 0;
}

export const nameCases: readonly Case[] = [
  {
    title: 'each way of opening a wrong path gives the error that it gives on disk',
    async run(t, subject) {
      const args = (root: string) => [root, join(root, 'pyvenv.cfg'), join(root, 'bin/python')];
      const answers = await agreeReadOnly(t, subject, 'look-up', args);
      if (answers === undefined) return skip(t, 'this user may not bind a directory read-only');
      t.is(answerTo(answers, 'missing name of 256 bytes'), 'ENAMETOOLONG');
      t.is(answerTo(answers, 'missing name of 255 bytes'), 'ENOENT');
      return undefined;
    },
  },
  {
    title: 'a name of more than 255 bytes is ENAMETOOLONG',
    async run(t, subject) {
      for (const bytes of [longestNameBytes + 1, 1024]) {
        t.is(await errorOf(lstat(subject.at('z'.repeat(bytes)))), 'ENAMETOOLONG', `${bytes} bytes`);
      }
    },
  },
  {
    title: 'names are bytes: another case or normal form, or a cut name, is another name',
    async run(t, subject) {
      for (const name of oddNames) t.true((await lstat(subject.at('odd_names', name))).isFile(), name);
      const others = ['üñîçødé.txt'.normalize('NFD'), 'e\u0301 combining'.normalize('NFC'), '.HIDDEN', '漢'];
      for (const name of [...others, oddNames.at(-1)!.slice(0, -1)]) {
        t.is(await errorOf(lstat(subject.at('odd_names', name))), 'ENOENT', name);
      }
    },
  },
  {
    title: 'a name that is not UTF-8 is not there',
    async run(t, subject) {
      const name = Buffer.concat([Buffer.from(`${subject.path}/`), Buffer.from([0xff, 0xfe, 0x80])]);
      t.is(await errorOf(lstat(name)), 'ENOENT');
    },
  },
  {
    title: 'symbolic links have the targets that venv gives them, and size and mode of links',
    async run(t, subject) {
      for (const path of ['bin/python', 'bin/python3', 'lib64']) {
        const [link, onDisk] = [join(subject.path, path), join(subject.reference, path)];
        const target = await readlink(link);
        t.is(target, await readlink(onDisk), path);
        const info = await lstat(link);
        t.true(info.isSymbolicLink());
        t.is(info.mode & 0o7777, 0o777);
        t.is(info.size, Buffer.byteLength(target));
      }
      t.true((await lstat(join(subject.path, 'lib64/'))).isDirectory());
    },
  },
  {
    title: 'access tells the same as on disk, by real and by effective user',
    async run(t, subject) {
      const paths = ['', 'pyvenv.cfg', 'bin', 'bin/greet', 'bin/python', 'bin/elf-program', 'missing'];
      const args = (root: string) => paths.map((path) => join(root, path)).slice(1);
      // A sealed environment in a writable mount is told apart by writing to it alone.
      const isReadOnly = subject.traits.readOnly || !subject.isMounted;
      const answers = isReadOnly
        ? await agreeReadOnly(t, subject, 'access', args)
        : await agree(t, subject, (root) => subject.client.ask('access', ...args(root)));
      if (answers === undefined) return skip(t, 'this user may not bind a directory read-only');
      t.is(answerTo(answers, 'W pyvenv.cfg'), isReadOnly ? 'EROFS' : 'OK');
      t.is(answerTo(answers, 'X pyvenv.cfg'), 'EACCES');
      t.is(answerTo(answers, 'X greet'), 'OK');
      t.is(answerTo(answers, 'F missing'), 'ENOENT');
      return undefined;
    },
  },
  {
    title: 'openat2 keeps a path beneath its folder',
    async run(t, subject) {
      const answers = await agree(t, subject, (root) =>
        subject.client.ask('beneath', root, 'pyvenv.cfg', 'bin/python3'),
      );
      if (answerTo(answers, 'openat2') !== undefined) return skip(t, 'the headers have no openat2');
      t.is(answerTo(answers, 'parent beneath'), 'EXDEV');
      return undefined;
    },
  },
  {
    title: 'the origin of a file is an extended attribute that is asked for with any buffer',
    async run(t, subject) {
      const path = `${subject.site}/sized_files/4096.bin`;
      const first = await subject.client.ask('attributes', join(subject.path, path), originAttribute);
      const value = answerTo(first, 'value') ?? 'sized_files 1.0 sha256:0';
      if (!(await giveOrigin(subject, path, value))) return skip(t, 'the disk has no user attributes');
      const answers = await agree(t, subject, (root) =>
        subject.client.ask('attributes', join(root, path), originAttribute),
      );
      t.is(answerTo(answers, 'get, how large'), String(Buffer.byteLength(value)));
      t.is(answerTo(answers, 'get, too small'), 'ERANGE');
      t.is(answerTo(answers, 'list, too small'), 'ERANGE');
      t.is(answerTo(answers, 'get of a missing one'), 'ENODATA');
      t.is(answerTo(answers, 'name'), originAttribute);
      t.regex(value, /^sized[-_]files 1\.0 sha256:/);
      return undefined;
    },
  },
  {
    title: 'directories and generated files have no origin',
    async run(t, subject) {
      for (const path of ['', 'bin', subject.site, `${subject.site}/deep_tree`, 'pyvenv.cfg', 'bin/greet']) {
        await agree(t, subject, (root) =>
          subject.client.ask('attributes', join(root, path), originAttribute),
        );
      }
    },
  },
];
