import { rm } from 'node:fs/promises';
import type { ExecutionContext } from 'ava';
import type { Finished } from '../../../src/base/run.js';
import type { Subject } from '../../support/subjects.js';
import { compareTrees, readTree } from '../../support/tree.js';
import type { Case } from '../case.js';

function succeeded(t: ExecutionContext, { status, stdout, stderr }: Finished): string {
  t.is(status, 0, stderr.slice(0, 2000) + stdout.slice(0, 2000));
  return stdout;
}

/** Digest of an archive that holds names, modes and contents, but no times and owners. */
async function archiveDigest(t: ExecutionContext, subject: Subject, root: string): Promise<string> {
  const options = ['--format=gnu', '--sort=name', '--mtime=@0', '--owner=0', '--group=0', '--numeric-owner'];
  const script = 'root=$1; shift; tar -c -C "$root" "$@" . | sha256sum';
  return succeeded(t, await subject.run('sh', '-c', script, 'sh', root, ...options));
}

/** Without syncing and packing 10,000 objects that nobody keeps. */
const settings = ['excludesFile=/dev/null', 'fsync=none', 'looseCompression=0'].flatMap((item) => [
  '-c',
  `core.${item}`,
]);

/** The name of the tree object that git makes of a work tree. */
async function gitTree(
  t: ExecutionContext,
  subject: Subject,
  root: string,
  repository: string,
): Promise<string> {
  const git = ['--git-dir', repository, '--work-tree', root, ...settings];
  succeeded(t, await subject.run('git', 'init', '--quiet', '--bare', repository));
  succeeded(t, await subject.run('git', ...git, 'add', '--all', '--force', '.'));
  return succeeded(t, await subject.run('git', ...git, 'write-tree'));
}

export const toolCases: readonly Case[] = [
  {
    title: 'the whole tree is that which pip makes at the same path',
    async run(t, subject) {
      const [found, expected] = [await readTree(subject.path), await readTree(subject.reference)];
      t.deepEqual(compareTrees(expected, found).slice(0, 10), []);
    },
  },
  {
    title: 'diff -r finds no difference to what pip makes',
    async run(t, subject) {
      const found = await subject.run('diff', '-r', '--no-dereference', subject.reference, subject.path);
      t.is(succeeded(t, found), '');
    },
  },
  {
    title: 'tar makes the archive that it makes of what pip installs, also with --sparse',
    async run(t, subject) {
      const expected = await archiveDigest(t, subject, subject.reference);
      t.is(await archiveDigest(t, subject, subject.path), expected);
      const script = 'tar -c --sparse -C "$1" . | tar -d --sparse -C "$1"';
      const compared = await subject.run('sh', '-c', script, 'sh', subject.path);
      t.is(compared.stdout, '', compared.stderr);
      t.is(compared.status, 0);
    },
  },
  {
    title: 'cp -a copies everything, with its times',
    async run(t, subject) {
      const copy = subject.sandbox.path('copy');
      try {
        succeeded(t, await subject.run('cp', '-a', subject.path, copy));
        t.deepEqual(compareTrees(await readTree(subject.reference), await readTree(copy)).slice(0, 10), []);
        const times = ['-type', 'f', '-printf', '%T@ %P\\n'];
        const [found, copied] = [
          (await subject.run('find', subject.path, ...times)).stdout.split('\n').sort(),
          (await subject.run('find', copy, ...times)).stdout.split('\n').sort(),
        ];
        t.true(found.join('\n') === copied.join('\n'));
      } finally {
        await rm(copy, { recursive: true, force: true });
      }
    },
  },
  {
    title: 'git adds the tree that it adds of what pip installs, and then sees no change',
    async run(t, subject) {
      const repository = subject.sandbox.path('repository');
      const onDisk = subject.sandbox.path('repository-on-disk');
      try {
        const found = await gitTree(t, subject, subject.path, repository);
        if (subject.isMounted) t.is(found, await gitTree(t, subject, subject.reference, onDisk));
        const git = ['--git-dir', repository, '--work-tree', subject.path];
        if (!subject.traits.inodesAreStable) {
          // diff-files compares inode numbers, diff the contents where these changed.
          t.is(succeeded(t, await subject.run('git', ...git, 'diff', '--name-only')), '');
          return;
        }
        t.is(succeeded(t, await subject.run('git', ...git, 'diff-files', '--name-only')), '');
        await subject.dropCaches();
        t.is(
          succeeded(t, await subject.run('git', ...git, 'diff-files', '--name-only')),
          '',
          'caches dropped',
        );
      } finally {
        for (const folder of [repository, onDisk]) await rm(folder, { recursive: true, force: true });
      }
    },
  },
  {
    title: 'du tells what the environment itself occupies, and with --apparent-size its logical size',
    async run(t, subject) {
      const size = async (...options: string[]) => {
        const { stdout } = await subject.run('du', '-s', '--block-size=1', ...options, subject.path);
        return Number(stdout.split('\t')[0]);
      };
      const files = [...subject.wheels.expected.values()];
      const logical = files.reduce((sum, { data }) => sum + data.length, 0);
      t.true((await size('--apparent-size')) >= logical);
      if (subject.traits.ownBlocksOnly) t.true((await size()) < logical);
    },
  },
];
