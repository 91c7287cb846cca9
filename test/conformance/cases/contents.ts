import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Subject } from '../../support/subjects.js';
import { agree, answerTo, type Case } from '../case.js';
import { sizes } from '../wheels.js';

const parallel = 8;

async function differing(subject: Subject): Promise<string[]> {
  const files = [...subject.wheels.expected];
  const wrong: string[] = [];
  for (let start = 0; start < files.length; start += parallel) {
    const some = files.slice(start, start + parallel);
    await Promise.all(
      some.map(async ([path, { data }]) => {
        if (!data.equals(await readFile(join(subject.path, path)))) wrong.push(path);
      }),
    );
  }
  return wrong;
}

const sized = (root: string, subject: Subject, size: number) =>
  join(root, subject.site, 'sized_files', `${size}.bin`);

export const contentCases: readonly Case[] = [
  {
    title: "every file is byte for byte the wheel's member",
    async run(t, subject) {
      t.deepEqual((await differing(subject)).slice(0, 5), []);
    },
  },
  {
    title: 'pread gives the right bytes around every page and request boundary and nothing after the end',
    async run(t, subject) {
      for (const size of sizes) {
        await agree(t, subject, (root) => subject.client.ask('read', sized(root, subject, size)));
      }
    },
  },
  {
    title: 'a generated file is read at every boundary as a file on disk is',
    async run(t, subject) {
      for (const path of ['bin/greet', 'pyvenv.cfg', 'bin/show-prefix', 'bin/activate']) {
        await agree(t, subject, (root) => subject.client.ask('read', join(root, path)));
      }
    },
  },
  {
    title: 'every page of a mapping is the file, the rest of the last one zeros, and after it SIGBUS',
    async run(t, subject) {
      for (const size of sizes.filter((bytes) => bytes > 0)) {
        const answers = await agree(t, subject, (root) =>
          subject.client.ask('map', sized(root, subject, size)),
        );
        t.regex(answerTo(answers, 'shared') ?? '', /then SIGBUS$/);
        t.is(answerTo(answers, 'private and writable'), 'own copy');
        t.is(answerTo(answers, 'shared and writable'), 'EACCES');
      }
    },
  },
  {
    title: 'a generated file can be mapped as a file on disk can',
    async run(t, subject) {
      for (const path of ['bin/greet', 'bin/activate']) {
        await agree(t, subject, (root) => subject.client.ask('map', join(root, path)));
      }
    },
  },
  {
    title: 'SEEK_DATA and SEEK_HOLE find data up to the end and one hole there',
    async run(t, subject) {
      for (const size of sizes) {
        const answers = await agree(t, subject, (root) =>
          subject.client.ask('seek-data', sized(root, subject, size)),
        );
        t.is(answerTo(answers, 'SEEK_HOLE 0'), size === 0 ? 'ENXIO' : String(size));
        t.is(answerTo(answers, `SEEK_DATA ${size}`), 'ENXIO');
        t.is(answerTo(answers, 'SEEK_END 0'), String(size));
      }
      await agree(t, subject, (root) => subject.client.ask('seek-data', join(root, 'bin/activate')));
    },
  },
  {
    title: 'no file is a terminal: isatty and its ioctls give ENOTTY',
    async run(t, subject) {
      for (const path of ['pyvenv.cfg', 'bin/greet', `${subject.site}/programs/__init__.py`]) {
        const answers = await agree(t, subject, (root) => subject.client.ask('terminal', join(root, path)));
        for (const question of ['isatty', 'TCGETS', 'TIOCGWINSZ'])
          t.is(answerTo(answers, question), 'ENOTTY');
      }
    },
  },
];
