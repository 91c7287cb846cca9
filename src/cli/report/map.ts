import { formatBytes, plural } from '../render.js';
import type { ReportedDistribution, ReportedImage } from './model.js';
import { escapeText, textWidth } from './text.js';
import { type Rectangle, squarify } from './treemap.js';

/** By how many environments an image is shared: colour and hatching of its cell. */
export const classes = [
  { name: 'unused', least: 0, pattern: 'lines' },
  { name: '1 environment', least: 1, pattern: undefined },
  { name: '2 environments', least: 2, pattern: 'dots' },
  { name: '3 to 5', least: 3, pattern: 'back' },
  { name: '6 or more', least: 6, pattern: undefined },
] as const;

export function classOf(environments: number): number {
  return classes.findLastIndex(({ least }) => environments >= least);
}

/** Patterns that the maps refer to; they have to be in the page once, and not hidden. */
export const patterns = `<svg class="patterns" width="0" height="0" aria-hidden="true"><defs>
<pattern id="lines" width="7" height="7" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><path class="ink" d="M0 0V7"/></pattern>
<pattern id="dots" width="7" height="7" patternUnits="userSpaceOnUse"><circle class="dot" cx="2" cy="2" r="0.9"/></pattern>
<pattern id="back" width="9" height="9" patternUnits="userSpaceOnUse" patternTransform="rotate(-45)"><path class="bright" d="M0 0V9"/></pattern>
</defs></svg>`;

const gap = 2;
const headerHeight = 16;

/** The treemap as SVG, drawn for a width in pixels; labels stand only where they fit. Pure. */
export function drawMap(
  distributions: readonly ReportedDistribution[],
  size: { name: string; width: number; height: number },
): string {
  const { name, width, height } = size;
  const areas = squarify(
    distributions.map(({ bytes }) => bytes),
    { x: 0, y: 0, width, height },
  );
  const cells = distributions.map((distribution, at) => drawDistribution(distribution, areas[at]!));
  const label = 'Treemap of the images of the store by their size on disk';
  return `<svg class="map ${name}" viewBox="0 0 ${width} ${height}" role="img" aria-label="${label}">\n${cells.join('\n')}\n</svg>`;
}

function drawDistribution({ name, bytes, images }: ReportedDistribution, area: Rectangle): string {
  const outer = inset(area, gap / 2);
  if (images.length === 1) return drawImage(images[0]!, outer, name);
  const hasHeader = outer.height > 3 * headerHeight && fits(name, outer.width - 8, headSize);
  const header = hasHeader
    ? `<text class="head" x="${round(outer.x + 4)}" y="${round(outer.y + 12)}">${escapeText(name)}</text>`
    : '';
  const frame = hasHeader
    ? { ...outer, y: outer.y + headerHeight, height: outer.height - headerHeight }
    : outer;
  const parts = squarify(
    images.map((image) => image.bytes),
    frame,
  );
  const drawn = images.map((image, at) =>
    drawImage(image, inset(parts[at]!, 0.5), hasHeader ? undefined : name),
  );
  const title = `${name}: ${plural(images.length, 'wheel')}, ${formatBytes(bytes)} on disk`;
  return `<g><title>${escapeText(title)}</title><rect class="frame" ${placeOf(outer)}/>${header}${drawn.join('')}</g>`;
}

/** A cell; `name` is left out where a header above tells it. */
function drawImage(image: ReportedImage, area: Rectangle, name: string | undefined): string {
  const kind = classOf(image.users.length);
  const { pattern } = classes[kind]!;
  const hatching = pattern === undefined ? '' : `<rect fill="url(#${pattern})" ${placeOf(area)}/>`;
  return (
    `<g class="c${kind}"><title>${escapeText(titleOf(image))}</title><rect class="cell" ${placeOf(area)}/>` +
    `${hatching}${labels(image, area, name)}</g>`
  );
}

const headSize = 12;
const sizes = { name: [15, 12, 10, 9], line: 11 };

/** Name, version and size, users: as many lines as there is room for. */
function labels(image: ReportedImage, area: Rectangle, name: string | undefined): string {
  const width = area.width - 8;
  const first = name ?? image.version;
  const fontSize = sizes.name.find((size) => fits(first, width, size) && area.height > size + 5);
  if (fontSize === undefined) return '';
  const count = image.users.length;
  const more = [
    ...(name === undefined ? [] : [image.version]),
    formatBytes(image.bytes),
    count === 0 ? 'unused' : `in ${count}`,
  ];
  let y = area.y + fontSize + 2;
  const lines = [line('name', { x: area.x + 4, y, fontSize, text: first })];
  for (const text of more) {
    y += sizes.line + 3;
    if (y + 3 > area.y + area.height || !fits(text, width, sizes.line)) break;
    lines.push(line('more', { x: area.x + 4, y, fontSize: sizes.line, text }));
  }
  return lines.join('');
}

function line(
  name: string,
  { x, y, fontSize, text }: { x: number; y: number; fontSize: number; text: string },
): string {
  return `<text class="${name}" font-size="${fontSize}" x="${round(x)}" y="${round(y)}">${escapeText(text)}</text>`;
}

function fits(text: string, width: number, fontSize: number): boolean {
  return textWidth(text, fontSize) <= width;
}

const usersTold = 12;

function titleOf({ distribution, version, bytes, bytecode, users, fileName }: ReportedImage): string {
  const ofThis = bytecode > 0 ? `, of this ${formatBytes(bytecode)} bytecode` : '';
  const shown = users.slice(0, usersTold).join(', ');
  const others = users.length > usersTold ? ` and ${users.length - usersTold} more` : '';
  const by = users.length === 0 ? 'unused' : `${plural(users.length, 'environment')}: ${shown}${others}`;
  return `${distribution} ${version}\n${formatBytes(bytes)} on disk${ofThis}\n${by}\n${fileName}`;
}

function inset({ x, y, width, height }: Rectangle, by: number): Rectangle {
  return {
    x: x + by,
    y: y + by,
    width: Math.max(0, width - 2 * by),
    height: Math.max(0, height - 2 * by),
  };
}

function placeOf({ x, y, width, height }: Rectangle): string {
  return `x="${round(x)}" y="${round(y)}" width="${round(width)}" height="${round(height)}"`;
}

function round(value: number): string {
  return String(Math.round(value * 10) / 10);
}
