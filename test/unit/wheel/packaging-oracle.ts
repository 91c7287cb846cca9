import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { run } from '../../../src/base/run.js';
import type { MarkerEnvironment } from '../../../src/wheel/marker.js';
import { anyInterpreter, skip } from '../../support/interpreters.js';
import { projectRoot } from '../../support/sandbox.js';
import { temporaryFolder } from '../../support/temporary-folder.js';

export interface Job {
  requirements: readonly string[];
  environments: readonly MarkerEnvironment[];
  /** Each a list of extras that are asked for at once. */
  extras: readonly (readonly string[])[];
  specifiers: readonly string[];
  versions: readonly string[];
}

/** Where packaging raises an error the answer is null. */
export interface Answers {
  version: string;
  requirements: ({
    name: string;
    extras: string[];
    specifier: string;
    url: string | null;
    /** For each environment each list of extras; null without a marker. */
    holds: (boolean | null)[] | null;
  } | null)[];
  /** For each specifier each version: with pre-releases and without. */
  contains: (boolean | null)[][][];
  /** -1, 0 or 1 for each version and each version. */
  order: (number | null)[][];
}

/**
 * Asks the copy of packaging that an interpreter's pip carries, or the one in SHENV_TEST_PACKAGING (a
 * wheel of pip or packaging, or a folder). Where it is older than 22, which still reads legacy versions,
 * the test passes and says why.
 */
export async function askPackaging(t: ExecutionContext, job: Partial<Job>): Promise<Answers | undefined> {
  const folder = await temporaryFolder(t);
  const probe = await anyInterpreter();
  const script = join(projectRoot, 'test/unit/wheel/packaging-oracle.py');
  const [source, target] = [join(folder, 'job.json'), join(folder, 'answers.json')];
  const whole: Job = { requirements: [], environments: [], extras: [], specifiers: [], versions: [], ...job };
  await writeFile(source, JSON.stringify(whole));
  const place = process.env.SHENV_TEST_PACKAGING ?? probe.ensurepipWheel!;
  const { status, stderr } = await run(probe.executable, ['-I', '-B', script, place, source, target]);
  if (status !== 0) throw new Error(stderr);
  const answers = JSON.parse(await readFile(target, 'utf8')) as Answers;
  t.log(`packaging ${answers.version}`);
  if (majorOf(answers) >= 22) return answers;
  skip(t, `packaging ${answers.version} reads legacy versions`);
  return undefined;
}

/** Whether these are answers of packaging 26 or later, which several rules come from. */
export function isModern(answers: Answers): boolean {
  return majorOf(answers) >= 26;
}

function majorOf({ version }: Answers): number {
  return Number(version.split('.')[0]);
}
