import { ShenvError } from '../../base/errors.js';
import { InterpreterSurvey } from '../../env/interpreter-survey.js';
import { openWorkspace, type Workspace } from '../../env/workspace.js';
import { noInterpreter } from '../../manifest/types.js';
import { listInterpreters } from '../../python/discover.js';
import { type InterpreterRecord, readInterpreter } from '../../python/interpreter-record.js';
import type { CheckContext, Findings } from '../finding.js';

const mostNames = 3;

/** Every interpreter is run, and those that environments are made of are compared with what was recorded of them. */
export async function checkInterpreters({ places, findings }: CheckContext): Promise<void> {
  const here = await listInterpreters();
  for (const { version, baseExecutable } of here) findings.ok(`Python ${version} runs: ${baseExecutable}`);
  if (here.length === 0)
    findings.problem(
      'No CPython 3.8 or later was found',
      "Install one: your system's python3 and python3-venv.",
    );
  const workspace = openWorkspace(places);
  const survey = new InterpreterSurvey();
  for (const needed of await readNeeded(workspace, findings)) await tellNeeded(needed, survey, findings);
}

interface Needed {
  record: InterpreterRecord;
  /** Names of environments. */
  users: string[];
}

/** The interpreters of the current generations; environments that cannot be read are told of. */
async function readNeeded({ environments }: Workspace, findings: Findings): Promise<Needed[]> {
  const needed = new Map<string, Needed>();
  const unreadable: string[] = [];
  let reason = '';
  for (const name of await environments.list()) {
    try {
      const { interpreter } = await environments.read(name);
      if (interpreter === noInterpreter) continue;
      const known = needed.get(interpreter);
      if (known) known.users.push(name);
      else {
        const record = await readInterpreter(environments.interpreters, interpreter);
        needed.set(interpreter, { record, users: [name] });
      }
    } catch (error) {
      if (!(error instanceof ShenvError)) throw error;
      if (error.code === 'ENVIRONMENT_MISSING') continue;
      unreadable.push(name);
      reason = error.message;
    }
  }
  if (unreadable.length > 0) {
    findings.problem(
      `${namesOf(unreadable)} cannot be read: ${reason}`,
      '`shenv-fs rollback NAME` takes an earlier generation; else create it again.',
    );
  }
  return [...needed.values()];
}

async function tellNeeded(
  { record, users }: Needed,
  survey: InterpreterSurvey,
  findings: Findings,
): Promise<void> {
  const what = `Python ${record.version} (${record.baseExecutable}) of ${namesOf(users)}`;
  const { state, now } = await survey.find(record);
  switch (state) {
    case 'current':
      return findings.ok(`${what} is as it was`);
    case 'patched':
      return findings.advice(
        `${what} has changed since: it is ${now!.record.version} now`,
        '`shenv-fs repair`',
      );
    case 'moved':
      return findings.problem(
        `${what} is gone, and there is ${now!.record.baseExecutable}`,
        '`shenv-fs repair`',
      );
    case 'gone':
      return findings.problem(
        `${what} is gone, and nothing of its kind is here`,
        'Install it again, or `shenv-fs repair --python ANOTHER`.',
      );
  }
}

function namesOf(names: readonly string[]): string {
  const more = names.length - mostNames;
  const first = names.slice(0, mostNames).map((name) => `'${name}'`);
  return more > 0 ? `${first.join(', ')} and ${more} more` : first.join(', ');
}
