import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { skip } from '../../support/interpreters.js';
import type { Answers } from '../../support/probe-client.js';
import type { Subject } from '../../support/subjects.js';
import { type Case, unbroken } from '../case.js';
import { deepest, moduleName } from '../wheels.js';

/** Files, directories and links of every kind that a view has. */
function handlePaths(subject: Subject): string[] {
  const { site } = subject;
  return [
    '',
    'bin',
    'lib64',
    'bin/python',
    'pyvenv.cfg',
    'bin/greet',
    'bin/elf-program',
    'share/shared',
    site,
    `${site}/many_modules`,
    `${site}/many_modules/${moduleName(4321)}.py`,
    `${site}/shared_space`,
    `${site}/shared_space/two/__init__.py`,
    `${site}/${deepest}`,
    `${site}/${deepest}/bottom.txt`,
    `${site}/sized_files/65537.bin`,
    `${site}/sized_files/0.bin`,
    `${site}/programs-1.0.dist-info/RECORD`,
  ].map((path) => join(subject.path, path));
}

/** Why this subject's handles cannot be tried here. */
function obstacle(subject: Subject): string | undefined {
  if (!subject.traits.handles) return 'docs/exclusions.md: numbers of libfuse, so its handles do not last';
  return process.getuid?.() === 0 ? undefined : 'only root may open a handle';
}

/** Takes handles, lets `between` happen, and asserts that they still open the same objects. */
async function survive(
  t: ExecutionContext,
  subject: Subject,
  between: () => Promise<unknown>,
  paths = handlePaths(subject),
): Promise<void> {
  const saved = subject.sandbox.path('handles');
  const open = () => subject.client.ask('open-handles', subject.mountpoint, saved, ...paths);
  const taken = await subject.client.ask('take-handles', saved, ...paths);
  const before = await open();
  everyOpens(t, before);
  await between();
  const after = await open();
  unbroken(t, after);
  t.deepEqual(after, before);
  const again = subject.sandbox.path('handles-again');
  t.deepEqual(await subject.client.ask('take-handles', again, ...paths), taken, 'other handles');
}

/** Type, inode number and content, not an error. */
function everyOpens(t: ExecutionContext, answers: Answers): void {
  const failed = answers.filter(([, answer]) => !/^\d+ \d+ [0-9a-f]+$/.test(answer));
  t.deepEqual(failed, [], 'a fresh handle does not open');
}

async function needsRoot(t: ExecutionContext, subject: Subject, run: () => Promise<void>): Promise<void> {
  const reason = obstacle(subject);
  if (reason === undefined) await run();
  else skip(t, reason);
}

/** Nothing else is asked for before that would bring the file's image. */
async function surviveAlone(t: ExecutionContext, subject: Subject): Promise<void> {
  const files = [subject.at('sized_files/65537.bin'), subject.at(`many_modules/${moduleName(4321)}.py`)];
  if (subject.hasNeighbours)
    files.push(join(subject.mountpoint, '.shenv/packages/sized_files/1.0/sized_files/65537.bin'));
  for (const file of files) await survive(t, subject, () => subject.remount(), [file]);
}

export const handleCases: readonly Case[] = [
  {
    title: 'a warm file handle opens the file, directory or link that it was taken of',
    run: (t, subject) => needsRoot(t, subject, () => survive(t, subject, async () => undefined)),
  },
  {
    title: 'a file handle opens the same object after the caches are dropped',
    run: (t, subject) => needsRoot(t, subject, () => survive(t, subject, () => subject.dropCaches())),
  },
  {
    title: 'a file handle opens the same object after another daemon mounted the environment',
    run: (t, subject) => needsRoot(t, subject, () => survive(t, subject, () => subject.remount())),
  },
  {
    title: 'the handle of a file may be the first thing that a new daemon is asked for',
    run: (t, subject) => needsRoot(t, subject, () => surviveAlone(t, subject)),
  },
];
