import { ShenvError } from '../../base/errors.js';
import { applyUpgrade, setHeld } from '../../env/fleet.js';
import { type FleetEntry, type Move, planUpgrade } from '../../env/fleet-upgrade.js';
import { type Link, type Use, type WhoUsesOptions, whoUses } from '../../env/who-uses.js';
import type { Workspace } from '../../env/workspace.js';
import { plural, type Report } from '../render.js';
import { formatTable } from '../table.js';
import { publish } from './changes.js';
import { type WantedOptions, wantedFrom } from './wanted-options.js';

/** Options of `upgrade` that count with --everywhere alone; grammar/fleet.ts declares them. */
export interface FleetOptions {
  everywhere?: boolean;
  within?: string;
  dryRun?: boolean;
  skipBlocked?: boolean;
}

/** `2.5` and `2.5.*` mean every version of that series. */
function specifierOf(within: string): string {
  const [, series] = /^(\d+(?:\.\d+)*)(?:\.\*)?$/.exec(within) ?? [];
  return series === undefined ? within : `==${series}.*`;
}

/** Throws USAGE. */
export function assertNoFleetOption({ within, dryRun, skipBlocked }: FleetOptions): void {
  if (within === undefined && !dryRun && !skipBlocked) return;
  throw new ShenvError('USAGE', '--within, --dry-run and --skip-blocked belong to --everywhere', {
    hint: 'For example: shenv-fs upgrade urllib3 --everywhere --dry-run',
  });
}

export async function upgradeEverywhere(
  workspace: Workspace,
  names: string[],
  options: WantedOptions & FleetOptions,
): Promise<Report> {
  assertNamesAlone(options);
  const startedMs = Date.now();
  const plan = await planUpgrade(workspace, {
    names,
    within: specifierOf(options.within ?? ''),
    wanted: wantedFrom([], options),
  });
  const isBlocked = plan.entries.some(({ blockedBy }) => blockedBy.length > 0);
  const isApplied = !options.dryRun && (!isBlocked || options.skipBlocked === true);
  const changed = isApplied ? await applyUpgrade(workspace, plan) : [];
  if (changed.length > 0) await publish(workspace);
  const seconds = (Date.now() - startedMs) / 1000;
  const change = changed.length > 0 ? plan.id : null;
  const entries = plan.entries.map(({ next, ...entry }) => ({ ...entry, generation: next?.generation }));
  const outcome = outcomeText(plan.entries, { change, isDryRun: options.dryRun === true, seconds });
  return {
    data: { change, environments: entries, seconds },
    text: `${upgradeText(plan.entries)}\n${outcome}`,
    ...(isBlocked && !options.skipBlocked ? { exitStatus: 1 } : {}),
  };
}

/** Throws USAGE. */
function assertNamesAlone({ requirement, editable }: WantedOptions): void {
  if (requirement.length + editable.length === 0) return;
  throw new ShenvError('USAGE', '-r and -e do not go together with --everywhere', {
    hint: 'Name the distributions: shenv-fs upgrade urllib3 --everywhere',
  });
}

function upgradeText(entries: readonly FleetEntry[]): string {
  const rows = entries.flatMap((entry) => [
    ...entry.moves.map((move, index) => [
      entry.environment,
      move.name,
      move.from ?? '-',
      entry.blockedBy.length > 0 ? 'blocked' : move.to,
      index === 0 ? entry.movesWith.map(moveText).join(', ') : '',
    ]),
    ...entry.stays.map(({ name, version, why }) => [entry.environment, name, version, why, '']),
  ]);
  const reasons = entries.flatMap(({ environment, blockedBy }) =>
    blockedBy.map((reason) => `${environment}: ${reason}`),
  );
  const table = formatTable(['ENVIRONMENT', 'DISTRIBUTION', 'FROM', 'TO', 'MOVES WITH IT'], rows);
  return [table, ...reasons].join('\n');
}

function moveText({ name, from, to }: Move): string {
  return from === undefined ? `+ ${name} ${to}` : `${name} ${from} -> ${to}`;
}

function outcomeText(
  entries: readonly FleetEntry[],
  { change, isDryRun, seconds }: { change: string | null; isDryRun: boolean; seconds: number },
): string {
  const moving = entries.filter(({ next }) => next).length;
  const blocked = entries.filter(({ blockedBy }) => blockedBy.length > 0).length;
  const except = blocked > 0 ? `, ${blocked} blocked` : '';
  if (change !== null)
    return `Changed ${plural(moving, 'environment')}${except}; change ${change} (${seconds.toFixed(1)} s)`;
  if (moving + blocked === 0) return 'Nothing to change.';
  if (isDryRun) return `Nothing was changed: ${plural(moving, 'environment')} would be${except}`;
  if (moving === 0) return `Nothing was changed: ${blocked} blocked.`;
  const others = moving === 1 ? 'the other one' : `the other ${moving}`;
  return `Nothing was changed: ${blocked} blocked. --skip-blocked changes ${others}; \`shenv-fs hold\` leaves one out for good.`;
}

export async function showUses(workspace: Workspace, text: string, options: WhoUsesOptions): Promise<Report> {
  const data = await whoUses(workspace, text, options);
  const areHomesTold = data.uses.some(({ home }) => home !== undefined);
  const rows = data.uses.map((use) => [
    use.isCurrent && !options.allGenerations ? use.environment : `${use.environment}@${use.generation}`,
    use.version,
    use.why,
    ...(areHomesTold ? [use.home ?? 'this one'] : []),
    reasonOf(use),
  ]);
  const head = ['ENVIRONMENT', 'VERSION', 'WHY', ...(areHomesTold ? ['HOME'] : []), 'BY'];
  const lines = [
    rows.length > 0 ? formatTable(head, rows) : `No environment has ${text}.`,
    ...data.unreadable.map(({ environment, error }) => `${environment} cannot be read: ${error}`),
    ...data.gaps.map((gap) => `Not complete: ${gap}`),
  ];
  return { data, text: lines.join('\n') };
}

function reasonOf({ why, requirement, from, chains }: Use): string {
  const [chain, ...others] = chains;
  const more = others.length > 0 ? ` (and ${plural(others.length, 'further way')})` : '';
  const needed = chain ? `${chain.map(linkText).join(' -> ')}${more}` : '';
  const parts = why === 'inherited' ? [from, needed] : why === 'requested' ? [requirement, needed] : [needed];
  return parts.filter(Boolean).join('; ');
}

function linkText({ name, version, requirement }: Link): string {
  return requirement === undefined ? `${name} ${version}` : `${name} [${requirement}]`;
}

export async function hold(workspace: Workspace, name: string, names: string[]): Promise<Report> {
  return reportHeld(workspace, name, { names, held: true });
}

export async function unhold(workspace: Workspace, name: string, names: string[]): Promise<Report> {
  return reportHeld(workspace, name, { names, held: false });
}

async function reportHeld(
  workspace: Workspace,
  name: string,
  request: { names: string[]; held: boolean },
): Promise<Report> {
  const { generation, options } = await setHeld(workspace, name, request);
  await publish(workspace);
  const { held } = options;
  const text = held.length > 0 ? `'${name}' holds ${held.join(', ')}` : `'${name}' holds nothing`;
  return { data: { name, generation, held }, text: `${text}; it is at generation ${generation}` };
}
