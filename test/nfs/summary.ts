import type { Import } from './guest/measure.js';

/** The mount and the plain venv over the same network, in one run: medians of their rounds. */
export interface Row {
  set: string;
  cache: 'cold' | 'warm';
  modules: number;
  mountMs: number;
  venvMs: number;
  /** Below 1 where the mount is faster. */
  timeRatio: number;
  mountOperations: number;
  venvOperations: number;
}

export function summarize(imports: readonly Import[]): Row[] {
  const names = [...new Set(imports.map(({ set }) => set))];
  return names.flatMap((set) => (['cold', 'warm'] as const).map((cache) => rowOf(imports, set, cache)));
}

function rowOf(imports: readonly Import[], set: string, cache: Import['cache']): Row {
  const of = (contender: Import['contender']) =>
    imports.filter((one) => one.contender === contender && one.set === set && one.cache === cache);
  const ms = (contender: Import['contender']) => Math.round(median(of(contender).map((one) => one.ms)));
  const operations = (contender: Import['contender']) =>
    median(of(contender).map((one) => Object.values(one.operations).reduce((sum, count) => sum + count, 0)));
  const [mountMs, venvMs] = [ms('mount'), ms('venv')];
  return {
    set,
    cache,
    modules: of('mount')[0]?.modules ?? 0,
    mountMs,
    venvMs,
    timeRatio: Math.round((mountMs / venvMs) * 100) / 100,
    mountOperations: operations('mount'),
    venvOperations: operations('venv'),
  };
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
