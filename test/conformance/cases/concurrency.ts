import { join } from 'node:path';
import type { Subject } from '../../support/subjects.js';
import { agree, answerTo, type Case, unbroken } from '../case.js';

const walkers = 8;
const readers = 64;

const walk = (subject: Subject) => subject.client.ask('walk', subject.path);

export const concurrencyCases: readonly Case[] = [
  {
    title: '8 concurrent walkers see the tree that pip makes',
    async run(t, subject) {
      const expected = answerTo(await subject.client.ask('walk', subject.reference), 'tree');
      const all = await Promise.all(Array.from({ length: walkers }, () => walk(subject)));
      for (const answers of all) {
        unbroken(t, answers);
        t.is(answerTo(answers, 'tree'), expected);
      }
    },
  },
  {
    title: 'a walker sees the same tree while the caches are dropped under it',
    async run(t, subject) {
      const expected = answerTo(await walk(subject), 'tree');
      let walking = true;
      const done = Promise.all([walk(subject), walk(subject)]).finally(() => {
        walking = false;
      });
      let drops = 0;
      while (walking && (await subject.dropCaches())) {
        drops += 1;
        await Promise.race([done, subject.run('stat', subject.path)]);
      }
      for (const answers of await done) {
        unbroken(t, answers);
        t.is(answerTo(answers, 'tree'), expected);
      }
      t.log(drops === 0 ? 'caches are not dropped: only root may' : `caches dropped ${drops} times`);
    },
  },
  {
    title: '64 processes that read one file at once read the same bytes',
    async run(t, subject) {
      for (const path of [`${subject.site}/sized_files/${(1 << 20) + 1}.bin`, 'bin/activate']) {
        await subject.dropCaches();
        const answers = await agree(t, subject, (root) =>
          subject.client.ask('burst', join(root, path), String(readers)),
        );
        t.is(answerTo(answers, 'processes'), String(readers));
      }
    },
  },
  {
    title: 'locks of files that were opened for reading work as on disk',
    async run(t, subject) {
      for (const path of ['pyvenv.cfg', `${subject.site}/programs/__init__.py`]) {
        await agree(t, subject, (root) => subject.client.ask('lock', join(root, path)));
      }
    },
  },
  {
    title: 'inotify tells of files that are opened, read and closed',
    async run(t, subject) {
      for (const [folder, name] of [
        ['', 'pyvenv.cfg'],
        [`${subject.site}/programs`, '__init__.py'],
      ] as const) {
        await agree(t, subject, (root) => subject.client.ask('notify', join(root, folder), name));
      }
    },
  },
];
