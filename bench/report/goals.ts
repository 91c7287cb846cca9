import { formatRatio, formatValue } from './format.js';
import { ours, type Result, ratioOf, type Unit } from './result.js';

/** A target: the kernel engine's median is at most `most` times the venv's, or at most `most` of the unit. */
export interface Goal {
  trial: string;
  case: RegExp;
  most: number;
  of: 'ratio' | 'value';
  contender?: string;
}

/** The targets of the kernel engine and of creation. */
export const goals: readonly Goal[] = [
  { trial: 'stat', case: /^hit, warm$/, most: 1.2, of: 'ratio' },
  { trial: 'stat', case: /^miss, warm$/, most: 1.3, of: 'ratio' },
  { trial: 'listing', case: /^whole environment, listdir, warm$/, most: 1.1, of: 'ratio' },
  { trial: 'listing', case: /^whole environment, scandir, dropped$/, most: 0.9, of: 'ratio' },
  { trial: 'reading', case: /^sources, warm$/, most: 1.3, of: 'ratio' },
  { trial: 'import', case: /large.*, warm$/, most: 1.05, of: 'ratio' },
  { trial: 'import', case: /large.*, dropped$/, most: 1.25, of: 'ratio' },
  { trial: 'interpreters', case: /^64 at once$/, most: 1.3, of: 'ratio' },
  // An environment's own pyvenv.cfg is read in each.
  { trial: 'requests', case: /^second environment, READ$/, most: 1, of: 'value' },
  { trial: 'space', case: /^memory of the daemon, walked$/, most: 120e6, of: 'value' },
  { trial: 'space', case: /^own inodes$/, most: 3, of: 'value' },
  { trial: 'space', case: /^own bytes$/, most: 64 * 1024, of: 'value' },
  { trial: 'writable', case: /^pip install, /, most: 1.5, of: 'ratio' },
  ...['create', 'clone', 'rename', 'roll back'].map((step) => ({
    trial: 'creation',
    case: new RegExp(`^${step}, (1[5-9]\\d|[2-9]\\d\\d) distributions$`),
    most: step === 'create' ? 150 : 100,
    of: 'value' as const,
    contender: 'shenv-fs',
  })),
];

export interface Verdict {
  trial: string;
  case: string;
  contender: string;
  unit: Unit;
  of: Goal['of'];
  most: number;
  found: number;
  isMet: boolean;
}

/** The limit and what was found, with their unit: `1.20 x`, `150 ms`; and by how much it is missed, if it is. */
export function describeVerdict(verdict: Verdict): { most: string; found: string; missedBy: string } {
  const { of, unit, most, found, isMet } = verdict;
  const describe = (value: number) => (of === 'ratio' ? `${formatRatio(value)} x` : formatValue(value, unit));
  const missedBy = isMet ? '' : `${formatRatio((found / most - 1) * 100)} %`;
  return { most: describe(most), found: describe(found), missedBy };
}

/** One verdict for each measured case that has a goal. */
export function judge({ rows }: Pick<Result, 'rows'>, all: readonly Goal[] = goals): Verdict[] {
  return all.flatMap(({ trial, case: pattern, most, of, contender = ours }) =>
    rows
      .filter((row) => row.trial === trial && row.contender === contender && pattern.test(row.case))
      .flatMap((row) => {
        const found = of === 'ratio' ? ratioOf(rows, row) : row.median;
        return found === undefined
          ? []
          : [{ trial, case: row.case, contender, unit: row.unit, of, most, found, isMet: found <= most }];
      }),
  );
}
