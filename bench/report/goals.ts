import { ours, type Result, ratioOf } from './result.js';

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
];

export interface Verdict {
  trial: string;
  case: string;
  of: Goal['of'];
  most: number;
  found: number;
  isMet: boolean;
}

/** One verdict for each measured case that has a goal. */
export function judge({ rows }: Pick<Result, 'rows'>, all: readonly Goal[] = goals): Verdict[] {
  return all.flatMap(({ trial, case: pattern, most, of, contender = ours }) =>
    rows
      .filter((row) => row.trial === trial && row.contender === contender && pattern.test(row.case))
      .flatMap((row) => {
        const found = of === 'ratio' ? ratioOf(rows, row) : row.median;
        return found === undefined ? [] : [{ trial, case: row.case, of, most, found, isMet: found <= most }];
      }),
  );
}
