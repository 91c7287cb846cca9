import type { ExecutionContext } from 'ava';
import type { Answers } from '../support/probe-client.js';
import type { Subject } from '../support/subjects.js';

/** One rule that every subject follows. */
export interface Case {
  title: string;
  run(t: ExecutionContext, subject: Subject): Promise<void>;
}

/** Puts the same question to the subject and to pip's directory, and asserts that they give the same answers. */
export async function agree(
  t: ExecutionContext,
  subject: Subject,
  ask: (root: string) => Promise<Answers>,
): Promise<Answers> {
  const found = await ask(subject.path);
  unbroken(t, found);
  if (subject.isMounted)
    t.deepEqual(found, await ask(subject.reference), 'not what the plain directory answers');
  return found;
}

/** Asserts that the client met no rule that does not hold. */
export function unbroken(t: ExecutionContext, answers: Answers): void {
  t.deepEqual(answers.filter(([question]) => question === 'BROKEN').slice(0, 10), []);
}

/** The one answer to a question. */
export function answerTo(answers: Answers, question: string): string | undefined {
  return answers.find(([asked]) => asked === question)?.[1];
}

/** Asserts that two lists are equal; of thousands of names a few that differ say enough. */
export function sameNames(
  t: ExecutionContext,
  found: readonly string[],
  expected: readonly string[],
  message = '',
): void {
  const [has, wanted] = [new Set(found), new Set(expected)];
  t.deepEqual(expected.filter((name) => !has.has(name)).slice(0, shown), [], `missing; ${message}`);
  t.deepEqual(found.filter((name) => !wanted.has(name)).slice(0, shown), [], `not expected; ${message}`);
  t.is(found.length, expected.length, `names are listed twice; ${message}`);
  const index = found.findIndex((name, at) => name !== expected[at]);
  t.is(found[index], expected[index], `another order from ${index} on; ${message}`);
}

const shown = 5;
