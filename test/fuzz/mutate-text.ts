import type { Random } from '../faults/random.js';
import { chance, drawItem, drawNumber } from './draw.js';

/** What readers of names, headers, rows and specifiers might trip over. */
export const oddities: readonly string[] = [
  '',
  ' ',
  '\0',
  '\t',
  '\n',
  '\r',
  '\r\n',
  '\n\n',
  '\u001b[2J',
  '\u0085',
  '\u2028',
  '\ufeff',
  '\u200d',
  'é',
  'e\u0301',
  'ß',
  'K',
  '\u{1f600}',
  '/',
  '//',
  '\\',
  '.',
  '..',
  '../',
  './',
  '~',
  ':',
  ';',
  ',',
  '"',
  '""',
  "'",
  '=',
  '==',
  '#',
  '[',
  ']',
  '(',
  ')',
  '-',
  '+',
  '!',
  '%',
  '$HOME',
  '__proto__',
  'constructor',
  '0',
  '-1',
  '1e9',
  '99999999999999999999',
  'a'.repeat(300),
  'A'.repeat(5000),
  '('.repeat(2000),
  '1.'.repeat(2000),
  ' #'.repeat(1000),
  'sha256=',
  'md5=',
  'Name: other\n',
  'Version: 2.0\n',
  'Requires-Dist: a[b]>=1; extra == "x"\n',
  'Root-Is-Purelib: maybe\n',
  '[console_scripts]\n',
  'python = m:f\n',
  'RECORD',
  'METADATA',
  '.dist-info/',
  '.data/purelib/',
  'sample-1.0.data/scripts/',
];

/** One to four changes of a text. */
export function mutateText(text: string, random: Random): string {
  let changed = text;
  for (let left = 1 + drawNumber(random, 4); left > 0; left -= 1) changed = change(changed, random);
  return changed;
}

function change(text: string, random: Random): string {
  const at = drawNumber(random, text.length + 1);
  const end = Math.min(text.length, at + drawNumber(random, chance(random, 0.5) ? 4 : 60));
  switch (drawNumber(random, 6)) {
    case 0:
      return text.slice(0, at) + drawItem(random, oddities) + text.slice(at);
    case 1:
      return text.slice(0, at) + drawItem(random, oddities) + text.slice(end);
    case 2:
      return text.slice(0, at) + text.slice(end);
    case 3:
      return text.slice(0, end) + text.slice(at, end) + text.slice(end);
    case 4:
      return shuffleLines(text, random);
    default:
      return text.slice(0, at) + String.fromCodePoint(drawNumber(random, 0xd7ff)) + text.slice(at + 1);
  }
}

function shuffleLines(text: string, random: Random): string {
  const lines = text.split('\n');
  const [one, other] = [drawNumber(random, lines.length), drawNumber(random, lines.length)];
  [lines[one], lines[other]] = [lines[other]!, lines[one]!];
  if (chance(random, 0.3)) lines.splice(one, 0, lines[other]!);
  return lines.join('\n');
}
