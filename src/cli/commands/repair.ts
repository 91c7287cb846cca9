import { type InterpreterTitle, type RepairedEnvironment, repair } from '../../env/repair.js';
import type { WheelChange } from '../../env/reselect.js';
import type { Workspace } from '../../env/workspace.js';
import { plural, type Report } from '../render.js';
import { formatTable } from '../table.js';
import { publish } from './changes.js';
import { type IndexOptions, indexArgs } from './wanted-options.js';

export interface RepairOptions extends IndexOptions {
  python?: string;
  dryRun?: boolean;
  allowOtherVersions?: boolean;
}

/** The exit status is 1 when an environment that needs it could not be repaired. */
export async function repairEnvironments(
  workspace: Workspace,
  names: string[],
  options: RepairOptions,
): Promise<Report> {
  const dryRun = options.dryRun === true;
  const data = await repair(workspace, {
    names,
    dryRun,
    allowOtherVersions: options.allowOtherVersions === true,
    indexArgs: indexArgs(options),
    ...(options.python === undefined ? {} : { python: options.python }),
  });
  const repaired = data.filter(({ outcome }) => outcome === 'repaired');
  if (repaired.length > 0 && !dryRun) await publish(workspace);
  const exitStatus = data.some(({ outcome }) => outcome === 'left') ? 1 : 0;
  if (data.length === 0) return { data, text: 'No environments yet; make one with `shenv-fs create NAME`.' };
  const head = [
    'ENVIRONMENT',
    'GENERATION',
    'PYTHON',
    'STATE',
    'PYTHON NOW',
    dryRun ? 'WOULD BE DONE' : 'DONE',
  ];
  const lines = [
    formatTable(head, data.map(rowOf)),
    ...data.flatMap(({ name, reason }) => (reason === undefined ? [] : [`${name}: ${reason}`])),
    `${plural(repaired.length, 'environment')} ${dryRun ? 'would be repaired' : 'repaired'}`,
  ];
  return { data, text: lines.join('\n'), exitStatus };
}

function rowOf(environment: RepairedEnvironment): string[] {
  const { name, generation, before, state, after, outcome } = environment;
  return [
    name,
    generation === undefined ? '-' : String(generation),
    before?.version ?? '-',
    state ?? 'unknown',
    after && outcome !== 'left' ? describeInterpreter(before, after) : '-',
    describeOutcome(environment),
  ];
}

/** The place only where it is another one. */
function describeInterpreter(before: InterpreterTitle | undefined, after: InterpreterTitle): string {
  return before?.executable === after.executable ? after.version : `${after.version} (${after.executable})`;
}

function describeOutcome({ outcome, generation, wheels }: RepairedEnvironment): string {
  if (outcome === 'unchanged') return 'nothing';
  if (outcome === 'left') return 'left as it is';
  const other = wheels.length === 0 ? '' : `; other wheels: ${wheels.map(describeWheel).join(', ')}`;
  return `generation ${generation! + 1}${other}`;
}

function describeWheel({ name, from, to }: WheelChange): string {
  if (from === to) return `${name} ${to}`;
  if (from === undefined) return `+ ${name} ${to}`;
  return to === undefined ? `- ${name} ${from}` : `${name} ${from} -> ${to}`;
}
