import type { Result, Row, Slope } from '../../bench/report/result.js';

/** A row whose samples were all `median`. */
export function rowOf(
  trial: string,
  name: string,
  contender: string,
  median: number,
  unit: Row['unit'] = 'us',
): Row {
  return { trial, case: name, contender, unit, count: 3, min: median, median, p99: median, max: median };
}

export function slopeOf(contender: string, exponent: number): Slope {
  return {
    trial: 'growth',
    figure: 'lookup',
    contender,
    over: 'distributions',
    unit: 'us',
    exponent,
    perItem: 0,
  };
}

export function resultOf(rows: Row[], more: Partial<Result> = {}): Result {
  return {
    schema: 1,
    form: 'quick',
    isComplete: true,
    startedAt: '2026-01-02T03:04:05.000Z',
    seconds: 100,
    machine: {
      cpu: 'a CPU',
      cores: 2,
      memoryGib: 8,
      kernel: '6.1',
      node: 'v20',
      pythons: { '3.11': '3.11.7' },
      disk: 'ext4',
      isRoot: true,
    },
    commit: 'abc1234',
    isDirty: false,
    loadAtStart: '0.1',
    loadAtEnd: '0.2',
    rounds: 3,
    rows,
    slopes: [],
    skipped: [],
    ...more,
  };
}
