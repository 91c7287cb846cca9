import { skip } from '../../support/interpreters.js';
import { answerTo, type Case, unbroken } from '../case.js';

export const writeCases: readonly Case[] = [
  {
    title: 'every kind of write is EROFS, and changes nothing',
    async run(t, subject) {
      const { client, path } = subject;
      const before = await client.ask('walk', path);
      unbroken(t, before);
      const args = [path, 'pyvenv.cfg', 'share/programs/notes.txt'];
      const answers = subject.traits.readOnly
        ? await client.ask('writes', ...args)
        : await client.askReadOnly(path, 'writes', ...args);
      if (answers === undefined) return skip(t, 'this user may not bind a directory read-only');
      t.true(answers.length > 30);
      t.deepEqual(
        answers.filter(([, answer]) => answer !== 'EROFS'),
        [],
      );
      t.is(answerTo(await client.ask('walk', path), 'tree'), answerTo(before, 'tree'));
      return undefined;
    },
  },
  {
    title: 'a file that a wheel brought cannot be written, renamed or removed either',
    async run(t, subject) {
      const args = [
        subject.path,
        `${subject.site}/programs/__init__.py`,
        `${subject.site}/shared_space/one/__init__.py`,
      ];
      const answers = subject.traits.readOnly
        ? await subject.client.ask('writes', ...args)
        : await subject.client.askReadOnly(subject.path, 'writes', ...args);
      if (answers === undefined) return skip(t, 'this user may not bind a directory read-only');
      t.deepEqual(
        answers.filter(([, answer]) => answer !== 'EROFS'),
        [],
      );
      return undefined;
    },
  },
];
