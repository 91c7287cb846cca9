import { errorCodes, ShenvError } from '../../base/errors.js';
import { packageVersion } from '../../base/package-files.js';
import { type CheckName, checkNames, runCheck } from '../../doctor/checks.js';
import { examine } from '../../doctor/examine.js';
import type { Finding, FindingLevel } from '../../doctor/finding.js';
import type { Surroundings } from '../grammar/shared.js';
import { plural, type Report, writePart } from '../render.js';

export interface DoctorOptions {
  only?: string;
  here?: boolean;
}

/** The exit status is that of SETUP_PROBLEM where there is a problem. With `here` findings are JSON lines. */
export async function doctor(
  { places, signal }: Surroundings,
  { only, here }: DoctorOptions,
): Promise<Report | undefined> {
  const names = only === undefined ? checkNames : only.split(',').map(toCheckName);
  if (here) {
    const tell = (finding: Finding) => writePart(`${JSON.stringify(finding)}\n`);
    for (const name of names) await runCheck(name, { places, signal }, tell);
    return undefined;
  }
  const findings = await examine(names, { signal });
  const counts = countLevels(findings);
  return {
    data: { version: packageVersion(), ...counts, findings },
    text: [...findings.map(describe), summary(counts)].join('\n'),
    exitStatus: counts.problems === 0 ? 0 : errorCodes.SETUP_PROBLEM,
  };
}

function toCheckName(text: string): CheckName {
  const name = checkNames.find((known) => known === text.trim());
  if (name) return name;
  throw new ShenvError('USAGE', `There is no check '${text}'`, {
    hint: `There are ${checkNames.join(', ')}.`,
  });
}

interface Counts {
  problems: number;
  advice: number;
  ok: number;
}

function countLevels(findings: readonly Finding[]): Counts {
  const count = (wanted: FindingLevel) => findings.filter(({ level }) => level === wanted).length;
  return { problems: count('problem'), advice: count('advice'), ok: count('ok') };
}

function describe({ check, level, what, remedy }: Finding): string {
  const line = `${level.padEnd(7)}  ${check}: ${what}`;
  return remedy === undefined ? line : `${line}\n           -> ${remedy}`;
}

function summary({ problems, advice, ok }: Counts): string {
  const pieces = advice === 1 ? '1 piece of advice' : `${advice} pieces of advice`;
  return `${plural(problems, 'problem')}, ${pieces}, ${ok} ok`;
}
