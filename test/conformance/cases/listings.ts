import { lstat, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { skip } from '../../support/interpreters.js';
import type { Answers } from '../../support/probe-client.js';
import type { Subject } from '../../support/subjects.js';
import { agree, answerTo, type Case, sameNames, unbroken } from '../case.js';
import { deepest, depth, longFolder, moduleCount, moduleName, oddNames } from '../wheels.js';

const endOfListing = '/end';
const recordHeadBytes = 19;

interface Listed {
  name: string;
  inode: bigint;
  type: number;
  recordBytes: number;
}

function parse(answers: Answers): Listed[] {
  return answers
    .filter(([name]) => name !== endOfListing)
    .map(([name, facts]) => {
      const [inode = '', type, bytes] = facts.split(' ');
      return { name, inode: BigInt(inode), type: Number(type), recordBytes: Number(bytes) };
    });
}

async function list(subject: Subject, folder: string, bufferBytes: number): Promise<Listed[]> {
  const answers = await subject.client.ask('list', folder, String(bufferBytes));
  if (answerTo(answers, endOfListing) === 'OK') return parse(answers);
  throw new Error(`listing ${folder} ends with ${answerTo(answers, endOfListing)}`);
}

const dots = ['.', '..'];

/** Without `.` and `..`, which have a test of their own. */
const names = (listed: readonly Listed[]) =>
  listed.map(({ name }) => name).filter((name) => !dots.includes(name));

const manyModules = [
  '__init__.py',
  ...Array.from({ length: moduleCount }, (_, index) => `${moduleName(index)}.py`),
];

function recordBytes(name: string): number {
  return Math.ceil((recordHeadBytes + Buffer.byteLength(name) + 1) / 8) * 8;
}

export const listingCases: readonly Case[] = [
  {
    title: 'a folder of 10,000 files is listed whole and in one order with a buffer of any size',
    async run(t, subject) {
      const folder = subject.at('many_modules');
      const whole = await list(subject, folder, 1 << 20);
      sameNames(t, names(whole).sort(), manyModules);
      const smallest = Math.max(...[...dots, ...manyModules].map(recordBytes));
      for (const bufferBytes of [32_768, 4096, 512, smallest]) {
        sameNames(t, names(await list(subject, folder, bufferBytes)), names(whole), `${bufferBytes} bytes`);
      }
    },
  },
  {
    title: 'odd and long names are listed as the wheel spells them, with the smallest buffer that fits',
    async run(t, subject) {
      const expected = ['__init__.py', longFolder, ...oddNames].sort();
      const smallest = Math.max(...expected.map(recordBytes));
      for (const bufferBytes of [smallest, 512, 1 << 16]) {
        const found = await list(subject, subject.at('odd_names'), bufferBytes);
        sameNames(t, names(found).sort(), expected, `${bufferBytes} bytes`);
        t.true(found.every((entry) => entry.recordBytes === recordBytes(entry.name)));
      }
    },
  },
  {
    title: "'.' and '..' are listed once each",
    async run(t, subject) {
      for (const folder of ['many_modules', 'odd_names', 'shared_space', '.', '..']) {
        const listed = await list(subject, subject.at(folder), 4096);
        const found = listed.map(({ name }) => name).filter((name) => dots.includes(name));
        t.deepEqual(found.sort(), dots, folder);
      }
    },
  },
  {
    title: 'a buffer too small for a name is EINVAL',
    async run(t, subject) {
      const bytes = recordBytes(longFolder) - 8;
      const answers = await subject.client.ask('list', subject.at('odd_names'), String(bytes));
      t.is(answerTo(answers, endOfListing), 'EINVAL');
    },
  },
  {
    title: 'listing again gives the same order, also after the caches are dropped and after a remount',
    async run(t, subject) {
      const folder = subject.at('many_modules');
      const first = names(await list(subject, folder, 32_768));
      sameNames(t, names(await list(subject, folder, 32_768)), first, 'again');
      if (!(await subject.dropCaches())) t.log('caches are not dropped: only root may');
      sameNames(t, names(await list(subject, folder, 32_768)), first, 'caches dropped');
      await subject.remount();
      sameNames(t, names(await list(subject, folder, 32_768)), first, 'mounted again');
    },
  },
  {
    title: 'seekdir to any telldir position goes on where it was; rewinddir starts anew',
    async run(t, subject) {
      for (const [folder, step] of [
        ['many_modules', '13'],
        ['odd_names', '1'],
        ['shared_space', '1'],
        ['.', '1'],
      ] as const) {
        await agree(t, subject, (root) => subject.client.ask('seek', join(root, subject.site, folder), step));
      }
    },
  },
  {
    title: 'a new descriptor goes on from any offset that getdents64 gave another',
    async run(t, subject) {
      for (const [folder, step] of [
        ['many_modules', '97'],
        ['odd_names', '1'],
      ] as const) {
        await agree(t, subject, (root) =>
          subject.client.ask('resume', join(root, subject.site, folder), step),
        );
      }
    },
  },
  {
    title: 'd_type of every entry is that of lstat',
    async run(t, subject) {
      const answers = await subject.client.ask('walk', subject.path);
      unbroken(t, answers);
      t.is(answerTo(answers, 'd_type unlike lstat'), '0');
    },
  },
  {
    title: "d_ino of every entry, of '.' and of '..' is that of lstat",
    async run(t, subject) {
      if (!subject.traits.inodesAreStable) return skip(t, 'docs/exclusions.md: numbers of libfuse');
      const answers = await subject.client.ask('walk', subject.path);
      t.is(answerTo(answers, 'd_ino unlike lstat'), '0');
      for (const folder of [
        '.',
        '..',
        'deep_tree',
        'deep_tree/level_01',
        'shared_space',
        'shared_space/one',
      ]) {
        const listed = await list(subject, subject.at(folder), 4096);
        for (const name of ['.', '..']) {
          const { ino } = await lstat(subject.at(folder, name), { bigint: true });
          // Node takes numbers from 2^63 on for negative ones.
          t.is(
            listed.find((entry) => entry.name === name)?.inode,
            BigInt.asUintN(64, ino),
            `${folder} ${name}`,
          );
        }
      }
      return undefined;
    },
  },
  {
    title: 'a tree of 60 levels can be walked down and up again',
    async run(t, subject) {
      const bottom = subject.at(deepest);
      t.is(await readFile(join(bottom, 'bottom.txt'), 'utf8'), 'bottom\n');
      const up = `${bottom}/${'../'.repeat(depth + 1)}`;
      const script = 'cd "$1" && pwd -P && cd "$2" && pwd -P && stat -c %i . "$3"';
      const { stdout, stderr } = await subject.run('sh', '-c', script, 'sh', bottom, up, subject.at());
      const [below, above, inode, again] = stdout.split('\n');
      t.is(below, bottom, stderr);
      t.is(above, subject.at());
      t.is(inode, again);
    },
  },
];
