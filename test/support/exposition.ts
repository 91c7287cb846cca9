export interface ExposedSample {
  name: string;
  labels: Record<string, string>;
  value: number;
}

export interface ExposedFamily {
  name: string;
  type: string;
  help: string;
  samples: ExposedSample[];
}

const metricName = '[a-zA-Z_:][a-zA-Z0-9_:]*';
const labelText = '[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\\\\n]|\\\\[\\\\"n])*"';
const helpLine = new RegExp(`^# HELP (${metricName}) ((?:[^\\\\]|\\\\[\\\\n])*)$`);
const typeLine = new RegExp(`^# TYPE (${metricName}) (counter|gauge|histogram|summary|untyped)$`);
const sampleLine = new RegExp(
  `^(${metricName})(?:\\{(${labelText}(?:,${labelText})*)?\\})? ([+-]?(?:Inf|[0-9.]+(?:e[+-]?[0-9]+)?)|NaN)$`,
);
const suffixes: Readonly<Record<string, readonly string[]>> = { histogram: ['_bucket', '_sum', '_count'] };

/**
 * Reads text of Prometheus' exposition format 0.0.4 and is stricter than it: each family has HELP and TYPE, in this
 * order, and stands once, no sample comes twice. Throws for anything else.
 */
export function parseExposition(text: string): ExposedFamily[] {
  if (!text.endsWith('\n')) throw new Error('the last line has no end');
  const families: ExposedFamily[] = [];
  const seen = new Set<string>();
  for (const line of text.slice(0, -1).split('\n')) {
    const current = families.at(-1);
    const [help, type] = [helpLine.exec(line), typeLine.exec(line)];
    if (help) {
      if (families.some(({ name }) => name === help[1])) throw new Error(`${help[1]} stands twice`);
      families.push({ name: help[1]!, help: help[2]!, type: '', samples: [] });
    } else if (type) {
      if (current?.name !== type[1] || current?.type !== '') throw new Error(`no place for: ${line}`);
      current!.type = type[2]!;
    } else {
      const sample = parseSample(line);
      const id = `${sample.name} ${JSON.stringify(sample.labels)}`;
      if (seen.has(id)) throw new Error(`twice: ${line}`);
      seen.add(id);
      const names = (suffixes[current?.type ?? ''] ?? ['']).map((suffix) => `${current?.name}${suffix}`);
      if (!names.includes(sample.name)) throw new Error(`not of the family ${current?.name}: ${line}`);
      current!.samples.push(sample);
    }
  }
  return families;
}

function parseSample(line: string): ExposedSample {
  const [, name, labels = '', value] = sampleLine.exec(line) ?? [];
  if (name === undefined) throw new Error(`no line of the format: ${line}`);
  const pairs = [...labels.matchAll(/([^=,]+)="((?:[^"\\]|\\.)*)"/g)];
  const entries = pairs.map(([, label, text]) => [label!, unescapeLabel(text!)] as const);
  return { name, labels: Object.fromEntries(entries), value: Number(value) };
}

function unescapeLabel(text: string): string {
  return text.replace(/\\([\\"n])/g, (_, sign: string) => (sign === 'n' ? '\n' : sign));
}
