const light = `
  --page: #ffffff; --text: #1b2733; --quiet: #566573; --line: #d5dbe1; --tile: #f4f6f8; --frame: #8a97a5;
  --c0: #ffffff; --c1: #e2edf8; --c2: #a9cfe9; --c3: #2d6fa8; --c4: #0a3566;
  --t0: #1b2733; --t1: #14202b; --t2: #0c1a28; --t3: #ffffff; --t4: #ffffff;
  --ink: #a9b4be; --dot: #5f93b8; --bright: #5b95c6;`;

const dark = `
  --page: #12171d; --text: #e4eaf0; --quiet: #9aa8b5; --line: #34404c; --tile: #1b232c; --frame: #6b7a89;
  --c0: #171d24; --c1: #1d3c58; --c2: #2f6a99; --c3: #78b3dc; --c4: #d3e9f8;
  --t0: #dfe6ec; --t1: #ffffff; --t2: #ffffff; --t3: #07121c; --t4: #07121c;
  --ink: #4d5a67; --dot: #5f9ccd; --bright: #9fcdec;`;

/** The page's style sheet: light and dark, from a phone's width up, and for paper. */
export const style = `
:root { color-scheme: light dark;${light}
}
@media screen and (prefers-color-scheme: dark) { :root {${dark}
} }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 20px; max-width: 1280px; background: var(--page); color: var(--text);
  font: 15px/1.45 system-ui, -apple-system, "Segoe UI", Roboto, "Liberation Sans", Arial, sans-serif; }
h1 { font-size: 24px; margin: 0; }
h2 { font-size: 18px; margin: 32px 0 8px; }
p { margin: 4px 0 12px; color: var(--quiet); overflow-wrap: anywhere; }
p.gap { color: var(--text); border-left: 4px solid #c8641b; padding-left: 8px; }
dl.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); gap: 8px; margin: 16px 0; }
dl.tiles div { background: var(--tile); border: 1px solid var(--line); border-radius: 6px; padding: 8px 12px; }
dt { color: var(--quiet); font-size: 13px; }
dd { margin: 0; font-size: 21px; font-variant-numeric: tabular-nums; }
dd small { display: block; font-size: 12px; color: var(--quiet); }
svg { display: block; max-width: 100%; }
svg.patterns { position: absolute; }
svg.map { width: 100%; height: auto; }
svg text { font-family: system-ui, -apple-system, "Segoe UI", Roboto, "Liberation Sans", Arial, sans-serif; }
.medium, .narrow { display: none !important; }
@media (max-width: 1000px) { .wide { display: none !important; } .medium { display: block !important; } }
@media (max-width: 600px) { .medium { display: none !important; } .narrow { display: block !important; }
  body { padding: 12px; } }
.frame { fill: var(--tile); stroke: var(--frame); stroke-width: 0.6; }
.head { font-size: 12px; font-weight: 600; fill: var(--text); }
.name { font-weight: 600; }
.cell { stroke: var(--frame); stroke-width: 0.6; }
.ink { stroke: var(--ink); stroke-width: 1.4; }
.dot { fill: var(--dot); }
.bright { stroke: var(--bright); stroke-width: 1.1; }
${[0, 1, 2, 3, 4].map((kind) => `.c${kind} .cell { fill: var(--c${kind}); } .c${kind} text { fill: var(--t${kind}); stroke: var(--c${kind}); stroke-width: 3px; stroke-linejoin: round; paint-order: stroke; }`).join('\n')}
svg g[class]:hover > .cell { stroke: var(--text); stroke-width: 2; }
ul.legend { display: flex; flex-wrap: wrap; gap: 4px 18px; list-style: none; margin: 8px 0 0; padding: 0; font-size: 13px; }
ul.legend li { display: flex; align-items: center; gap: 6px; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: right; padding: 4px 8px; border-bottom: 1px solid var(--line); vertical-align: top; }
th { font-weight: 600; font-size: 13px; color: var(--quiet); }
td, th { white-space: nowrap; }
th:first-child, td:first-child { text-align: left; white-space: normal; overflow-wrap: anywhere; padding-left: 0; }
@media screen and (max-width: 600px) {
  thead { display: none; }
  table, tbody { display: block; }
  tr { display: grid; grid-template-columns: repeat(3, 1fr); gap: 4px 12px; padding: 8px 0;
    border-bottom: 1px solid var(--line); }
  td { display: block; border: 0; padding: 0; text-align: left; white-space: normal; }
  td:first-child { grid-column: 1 / -1; font-weight: 600; }
  td + td::before { content: attr(data-label); display: block; color: var(--quiet); font-size: 12px; }
}
@page { margin: 12mm; }
@media print {
  body { padding: 0 1px; max-width: none; font-size: 11px; -webkit-print-color-adjust: exact; print-color-adjust: exact; }
  dl.tiles { grid-template-columns: repeat(7, 1fr); gap: 4px; } dl.tiles div { padding: 4px 6px; } dd small { font-size: 9px; }
  h2 { margin-top: 18px; break-after: avoid; }
  .wide, .narrow { display: none !important; } .medium { display: block !important; }
  dd { font-size: 14px; } dt, th { font-size: 10px; } td, th { padding: 2px 6px; }
  :root { --ink: #8d99a5; --dot: #4b7ea3; --bright: #7fb1da; }
  svg.map, tr, dl.tiles div { break-inside: avoid; }
  section > p { break-inside: avoid; break-after: avoid; }
  section:first-of-type { break-before: page; }
  thead { display: table-header-group; }
}`;
