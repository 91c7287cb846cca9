import test from 'ava';
import { Sandbox } from '../support/sandbox.js';
import { makeSubject, type Subject, type SubjectName, unavailability } from '../support/subjects.js';
import type { Case } from './case.js';
import { attributeCases } from './cases/attributes.js';
import { changeCases } from './cases/changes.js';
import { concurrencyCases } from './cases/concurrency.js';
import { contentCases } from './cases/contents.js';
import { handleCases } from './cases/handles.js';
import { listingCases } from './cases/listings.js';
import { nameCases } from './cases/names.js';
import { programCases } from './cases/programs.js';
import { toolCases } from './cases/tools.js';
import { writeCases } from './cases/writes.js';

export const cases: readonly Case[] = [
  ...listingCases,
  ...attributeCases,
  ...contentCases,
  ...nameCases,
  ...writeCases,
  ...handleCases,
  ...programCases,
  ...toolCases,
  ...concurrencyCases,
  ...changeCases,
];

/** Registers every case for one subject; one test with the reason where the build lacks it. */
export async function registerCases(name: SubjectName): Promise<void> {
  const reason = await unavailability(name);
  if (reason !== undefined) {
    test(`${name} is not tested here`, (t) => {
      t.log(`skipped: ${reason}`);
      t.pass(reason);
    });
    return;
  }
  let sandbox: Sandbox | undefined;
  let subject: Subject | undefined;
  test.before(`the ${name} environment can be made`, async () => {
    sandbox = await Sandbox.make();
    subject = await makeSubject(name, sandbox);
  });
  test.after.always('everything is taken away again', () => sandbox?.destroy());
  for (const { title, run } of cases) test.serial(title, (t) => run(t, subject!));
}
