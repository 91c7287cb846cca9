import { type Bar, type BarGroup, barChart } from './bar-chart.js';
import { formatRatio, formatValue } from './format.js';
import { lineChart, type Series } from './line-chart.js';
import { baseline, type Result, type Row, ratioOf } from './result.js';

/** A picture of some of a trial's cases. */
export interface Chart {
  /** Part of the file's name. */
  name: string;
  title: string;
  /** `lines`: over the first number in the case's name. */
  kind: 'ratio' | 'value' | 'lines';
  cases: RegExp;
  /** For `lines`: what is along the axis. */
  over?: string;
}

export interface ChartedTrial {
  name: string;
  charts: readonly Chart[];
}

export interface Picture {
  file: string;
  title: string;
  svg: string;
}

/** The pictures of a trial for which the result has something to show. */
export function drawTrial(result: Pick<Result, 'rows'>, trial: ChartedTrial): Picture[] {
  return trial.charts.flatMap((chart) => {
    const rows = result.rows.filter((row) => row.trial === trial.name && chart.cases.test(row.case));
    const svg = chart.kind === 'lines' ? drawLines(chart, rows) : drawBars(chart, chart.kind, rows);
    return svg === undefined ? [] : [{ file: `${trial.name}-${chart.name}.svg`, title: chart.title, svg }];
  });
}

function drawBars(chart: Chart, kind: 'ratio' | 'value', rows: readonly Row[]): string | undefined {
  const names = [...new Set(rows.map((row) => row.case))];
  const groups: BarGroup[] = names
    .map((name) => ({ title: titleOf(name, kind, rows), bars: barsOf(name, kind, rows) }))
    .filter(({ bars }) => bars.length > 0);
  return groups.length === 0 ? undefined : barChart(chart.title, kind, groups, unitOf(rows).unit);
}

function titleOf(name: string, kind: 'ratio' | 'value', rows: readonly Row[]): string {
  const base = rows.find((row) => row.case === name && row.contender === baseline);
  return kind === 'ratio' && base ? `${name}  (venv: ${formatValue(base.median, base.unit)})` : name;
}

function barsOf(name: string, kind: 'ratio' | 'value', rows: readonly Row[]): Bar[] {
  return rows
    .filter((row) => row.case === name)
    .flatMap((row) => {
      const ratio = ratioOf(rows, row);
      const value = kind === 'ratio' ? ratio : row.median / unitOf(rows).divisor;
      if (value === undefined || (kind === 'ratio' && row.contender === baseline)) return [];
      const absolute = formatValue(row.median, row.unit);
      const label = ratio === undefined ? absolute : `${formatRatio(ratio)} x, ${absolute}`;
      return [{ contender: row.contender, value, label }];
    });
}

/** Memory is drawn in MiB: a billion bytes would be marked `1B`. */
function unitOf(rows: readonly Row[]): { unit: string; divisor: number } {
  const unit = rows[0]?.unit ?? '';
  return unit === 'bytes' ? { unit: 'MiB', divisor: 2 ** 20 } : { unit, divisor: 1 };
}

function drawLines(chart: Chart, rows: readonly Row[]): string | undefined {
  const series = new Map<string, Series & { points: { x: number; y: number }[] }>();
  const figures = [...new Set(rows.map(figureOf))];
  const { unit, divisor } = unitOf(rows);
  for (const row of rows) {
    const { contender } = row;
    const name = figures.length > 1 ? `${contender}: ${figureOf(row)}` : contender;
    const style = figures.indexOf(figureOf(row));
    const one = series.get(name) ?? { name, group: contender, style, points: [] };
    // A logarithmic scale has no 0.
    const y = Math.max(row.median / divisor, 0.1);
    one.points.push({ x: Number.parseInt(row.case.replaceAll(',', ''), 10), y });
    series.set(name, one);
  }
  const all = [...series.values()]
    .map((one) => ({ ...one, points: one.points.toSorted((a, b) => a.x - b.x) }))
    .filter(({ points }) => points.length > 1);
  return all.length === 0 ? undefined : lineChart(chart.title, { x: chart.over ?? '', y: unit }, all);
}

/** What of `100 environments, mount` is measured: `mount`. */
function figureOf(row: Row): string {
  return row.case.split(', ').slice(1).join(', ');
}
