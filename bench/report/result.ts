import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Growth, Summary } from './statistics.js';

export type Unit = 'us' | 'ms' | 'bytes' | 'count';

/** One contender in one case of one trial. */
export interface Row extends Summary {
  trial: string;
  case: string;
  contender: string;
  unit: Unit;
}

/** How a figure grew; `over` is what was made more. */
export interface Slope extends Growth {
  trial: string;
  figure: string;
  contender: string;
  over: string;
  unit: Unit;
}

export interface Machine {
  cpu: string;
  cores: number;
  memoryGib: number;
  kernel: string;
  node: string;
  /** Minor version -> exact version. */
  pythons: Record<string, string>;
  /** Type of the file system that stores, venvs and farms lay on. */
  disk: string;
  isRoot: boolean;
}

/** `counts`: the trial of that name alone, whose figures a busy machine does not change. */
export type Form = 'full' | 'quick' | 'counts';

/** What one run of the suite found. */
export interface Result {
  /** 1: the first. */
  schema: 1;
  form: Form;
  /** Whether every trial ran with every contender: what options left out is missing otherwise. */
  isComplete: boolean;
  startedAt: string;
  seconds: number;
  machine: Machine;
  commit: string;
  /** Whether the checkout differed from `commit`. */
  isDirty: boolean;
  loadAtStart: string;
  loadAtEnd: string;
  rounds: number;
  /** Seconds of each trial; absent in the first results. */
  trialSeconds?: Record<string, number>;
  /** Trials that ran this share of their rounds, because --budget left no more time; absent in the first results. */
  shrunk?: { trial: string; share: number }[];
  rows: Row[];
  slopes: Slope[];
  /** What was not measured, each with its reason. */
  skipped: { what: string; why: string }[];
}

/** The contender that ratios are to. */
export const baseline = 'venv';

/** The contender that targets are about. */
export const ours = 'kernel';

export function sameCase(row: Row, other: { trial: string; case: string }): boolean {
  return row.trial === other.trial && row.case === other.case;
}

/** Median to the baseline's median in the same case; undefined without a baseline, or where it is 0. */
export function ratioOf(rows: readonly Row[], row: Row): number | undefined {
  const base = rows.find((other) => sameCase(other, row) && other.contender === baseline);
  return base && base.median > 0 ? row.median / base.median : undefined;
}

/** Rows of one case one after another, cases in the order in which they first came. */
export function groupByCase(rows: readonly Row[]): Row[] {
  const cases = new Map<string, Row[]>();
  for (const row of rows) {
    const key = `${row.trial}: ${row.case}`;
    cases.set(key, [...(cases.get(key) ?? []), row]);
  }
  return [...cases.values()].flat();
}

/** One that is not complete has a name that nothing takes for the newest of its form. */
export function resultFileName({ startedAt, commit, form, isComplete }: Result): string {
  return `${startedAt.slice(0, 10)}-${commit}-${form}${isComplete ? '' : '-part'}.json`;
}

/** Throws when the text is no result of this schema. */
export function parseResult(text: string, path: string): Result {
  const result = JSON.parse(text) as Partial<Result>;
  if (result.schema !== 1 || !Array.isArray(result.rows))
    throw new Error(`${path} is not a result that this suite reads`);
  return result as Result;
}

/** The newest result of a form among files of a folder, by its start; undefined when there is none. */
export async function newestResult(
  folder: string,
  files: readonly string[],
  form: Form,
): Promise<{ file: string; result: Result } | undefined> {
  const names = files.filter((name) => name.endsWith(`-${form}.json`));
  const all = await Promise.all(
    names.map(async (file) => ({
      file,
      result: parseResult(await readFile(join(folder, file), 'utf8'), file),
    })),
  );
  return all.sort((a, b) => a.result.startedAt.localeCompare(b.result.startedAt)).at(-1);
}
