/** A few elements of SVG 1.1 as text. Numbers are pixels. */

export function escapeXml(text: string): string {
  return text.replace(
    /[&<>"]/g,
    (sign) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[sign]!,
  );
}

function element(
  name: string,
  attributes: Readonly<Record<string, string | number>>,
  content?: string,
): string {
  const list = Object.entries(attributes)
    .map(([key, value]) => ` ${key}="${typeof value === 'number' ? round(value) : escapeXml(value)}"`)
    .join('');
  return content === undefined ? `<${name}${list}/>` : `<${name}${list}>${content}</${name}>`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

export interface TextStyle {
  anchor?: 'start' | 'middle' | 'end';
  size?: number;
  fill?: string;
  isBold?: boolean;
}

export function text(x: number, y: number, content: string, style: TextStyle = {}): string {
  const { anchor = 'start', size = 12, fill = '#24292f', isBold = false } = style;
  const weight = isBold ? { 'font-weight': 'bold' } : {};
  return element(
    'text',
    { x, y, 'text-anchor': anchor, 'font-size': size, fill, ...weight },
    escapeXml(content),
  );
}

export function rect(x: number, y: number, width: number, height: number, fill: string): string {
  return element('rect', { x, y, width, height, fill });
}

export interface Stroke {
  width?: number;
  /** As `stroke-dasharray`: none for a whole line. */
  dash?: string;
}

export function line(
  from: [number, number],
  to: [number, number],
  stroke: string,
  { width = 1, dash = '' }: Stroke = {},
): string {
  const [[x1, y1], [x2, y2]] = [from, to];
  return element('line', { x1, y1, x2, y2, stroke, 'stroke-width': width, ...dashed(dash) });
}

function dashed(dash: string): Record<string, string> {
  return dash === '' ? {} : { 'stroke-dasharray': dash };
}

export function polyline(points: readonly (readonly [number, number])[], stroke: string, dash = ''): string {
  const list = points.map(([x, y]) => `${round(x)},${round(y)}`).join(' ');
  return element('polyline', { points: list, fill: 'none', stroke, 'stroke-width': 2, ...dashed(dash) });
}

export function dot(cx: number, cy: number, fill: string): string {
  return element('circle', { cx, cy, r: 3.5, fill });
}

/** The whole picture on white, so that it can be read on a dark page too. */
export function picture(width: number, height: number, title: string, parts: readonly string[]): string {
  const attributes = {
    xmlns: 'http://www.w3.org/2000/svg',
    width,
    height,
    viewBox: `0 0 ${round(width)} ${round(height)}`,
    role: 'img',
    'font-family': 'Helvetica, Arial, sans-serif',
  };
  const content = [element('title', {}, escapeXml(title)), rect(0, 0, width, height, '#ffffff'), ...parts];
  return `${element('svg', attributes, `\n${content.join('\n')}\n`)}\n`;
}

const colours: Readonly<Record<string, string>> = {
  kernel: '#0969da',
  'shenv-fs': '#0969da',
  'shenv-fs pins': '#80ccff',
  'fuse-native': '#8250df',
  venv: '#57606a',
};

/** The same colour for a contender in every picture; the project's own stand out. */
export function colourOf(contender: string): string {
  return colours[contender] ?? '#b7bdc4';
}

const palette = [
  '#0969da',
  '#57606a',
  '#8250df',
  '#1a7f37',
  '#bf3989',
  '#9a6700',
  '#cf222e',
  '#1b7c83',
  '#d4a72c',
  '#e16f24',
  '#54aeff',
  '#0a3069',
];

/** For lines that must be told apart; those with a colour of their own keep it. */
export function lineColours(names: readonly string[]): Map<string, string> {
  const free = palette.filter((colour) => !Object.values(colours).includes(colour));
  let next = 0;
  return new Map(names.map((name) => [name, colours[name] ?? free[next++ % free.length]!]));
}

const mostTicks = 9;

/** Powers of ten, with 2 and 5 between them where they span little, around all values (above 0); not too many. */
export function logTicks(values: readonly number[]): number[] {
  const [least, most] = [Math.min(...values), Math.max(...values)];
  const [from, to] = [Math.floor(Math.log10(least)), Math.ceil(Math.log10(most))];
  const steps = to - from <= 2 ? [1, 2, 5] : [1];
  const stride = Math.ceil((to - from + 1) / mostTicks);
  const all: number[] = [];
  for (let power = from; power <= to + stride - 1; power += stride)
    for (const step of steps) all.push(step * 10 ** power);
  const first = all.findLastIndex((tick) => tick <= least * 1.0001);
  const last = all.findIndex((tick) => tick >= most * 0.9999);
  return all.slice(Math.max(0, first), last < 0 ? all.length : Math.max(last, first + 1) + 1);
}
