import { formatBytes, plural } from '../render.js';
import { classes, drawMap, patterns } from './map.js';
import type { ReportedImage, StoreReport } from './model.js';
import { style } from './style.js';
import { escapeText } from './text.js';

/** The report as one HTML page that needs nothing from elsewhere: no script, no network, no font. Pure. */
export function renderPage(report: StoreReport): string {
  const body = [
    heading(report),
    tiles(report),
    ...report.gaps.map(
      (gap) => `<p class="gap">Not complete: ${escapeText(gap)}; images may be in use that seem unused.</p>`,
    ),
    map(report),
    environments(report),
    largest(report),
    unused(report),
  ].join('\n');
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Store ${escapeText(report.store)}</title>
<style>${style}</style>
</head>
<body>
${body}
</body>
</html>
`;
}

function heading({ store, atMs }: StoreReport): string {
  const at = new Date(atMs).toISOString().replace('T', ' ').slice(0, 16);
  return `<h1>What fills the store</h1>\n<p>${escapeText(store)}, ${at} UTC</p>`;
}

function tiles({ totals, storeBytes, imageCount, distributions, environments }: StoreReport): string {
  const withoutSharing = formatBytes(totals.current * totals.sharingFactor);
  const list: [title: string, value: string, more: string][] = [
    ['On disk', formatBytes(storeBytes), `images ${formatBytes(totals.images)}`],
    ['Environments show', formatBytes(totals.shows), plural(environments.length, 'environment')],
    ['Sharing factor', `${totals.sharingFactor.toFixed(2)}×`, `without sharing ${withoutSharing} on disk`],
    ['Shared', formatBytes(totals.shared), `one environment only ${formatBytes(totals.exclusive)}`],
    ['Unused', formatBytes(totals.unused), 'gc can remove it'],
    ['Bytecode', formatBytes(totals.bytecode), 'part of the images'],
    ['Images', String(imageCount), plural(distributions.length, 'distribution')],
  ];
  const items = list.map(
    ([title, value, more]) => `<div><dt>${title}</dt><dd>${value}<small>${more}</small></dd></div>`,
  );
  return `<dl class="tiles">\n${items.join('\n')}\n</dl>`;
}

const mapSizes = [
  { name: 'wide', width: 1240, height: 680 },
  { name: 'medium', width: 760, height: 620 },
  { name: 'narrow', width: 336, height: 620 },
];

function map({ distributions }: StoreReport): string {
  if (distributions.length === 0) return '<p>The store has no images.</p>';
  const legend = classes.map(({ name, pattern }, kind) => {
    const place = 'x="0.5" y="0.5" width="25" height="15"';
    const hatching = pattern === undefined ? '' : `<rect fill="url(#${pattern})" ${place}/>`;
    const key = `<svg width="26" height="16" class="c${kind}" aria-hidden="true"><rect class="cell" ${place}/>${hatching}</svg>`;
    return `<li>${key} ${name}</li>`;
  });
  return [
    '<h2>Map</h2>',
    '<p>Each area is what a wheel occupies on disk, its bytecode included. Colour and “in N”: how many environments show it.</p>',
    patterns,
    ...mapSizes.map((size) => drawMap(distributions, size)),
    `<ul class="legend">${legend.join('')}</ul>`,
  ].join('\n');
}

function environments({ environments: list }: StoreReport): string {
  const rows = list.map(({ title, generations, shows, own, earlier, shared, frees }) => [
    title,
    String(generations),
    ...[shows, own, earlier, shared, frees].map(formatBytes),
  ]);
  const note =
    'Shows: size of the files of the current generation, sharing aside. Own: on disk, shown by no other environment. ' +
    'Earlier: only by its own earlier generations. Frees: what gc can remove once this environment alone is deleted.';
  const head = ['Environment', 'Generations', 'Shows', 'Own', 'Earlier', 'Shared', 'Frees'];
  return section('Environments', note, table(head, rows));
}

const largestTold = 20;

function largest({ distributions }: StoreReport): string {
  const images = distributions.flatMap((distribution) => distribution.images);
  const list = images.sort((a, b) => b.bytes - a.bytes).slice(0, largestTold);
  return section('Largest', 'Wheels with their bytecode, on disk.', imageTable(list, true));
}

const unusedTold = 200;

function unused({ distributions, totals }: StoreReport): string {
  const images = distributions
    .flatMap((distribution) => distribution.images)
    .filter(({ users }) => users.length === 0);
  if (images.length === 0) return section('Unused', 'Every wheel is shown by an environment.', '');
  const told = images.slice(0, unusedTold);
  const more = images.length > told.length ? ` The ${told.length} first of ${images.length}.` : '';
  const note = `No generation of any environment shows these: ${formatBytes(totals.unused)}.${more}`;
  return section('Unused', note, imageTable(told, false));
}

function imageTable(images: readonly ReportedImage[], isUseTold: boolean): string {
  const rows = images.map(({ distribution, version, bytes, bytecode, users }) => [
    `${distribution} ${version}`,
    formatBytes(bytes),
    formatBytes(bytecode),
    ...(isUseTold ? [users.length === 0 ? 'unused' : String(users.length)] : []),
  ]);
  return table(['Wheel', 'On disk', 'Bytecode', ...(isUseTold ? ['Environments'] : [])], rows);
}

function section(title: string, note: string, contents: string): string {
  return `<section>\n<h2>${title}</h2>\n<p>${escapeText(note)}</p>\n${contents}\n</section>`;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const cell = (text: string, at: number) => `<td data-label="${head[at]!}">${escapeText(text)}</td>`;
  const body = rows.map((row) => `<tr>${row.map(cell).join('')}</tr>`).join('\n');
  const titles = head.map((title) => `<th scope="col">${title}</th>`).join('');
  return `<table>\n<thead><tr>${titles}</tr></thead>\n<tbody>\n${body}\n</tbody>\n</table>`;
}
