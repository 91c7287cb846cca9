import { randomInt } from 'node:crypto';
import test from 'ava';
import { engines } from '../support/mounts.js';
import { findImpossible } from './interrupted-tree.js';
import { describeKills, killInstalls } from './killed-installs.js';

/** The whole form is `npm run installs`. */
const kills = Number(process.env.SHENV_INSTALLS_KILLS || 3);
const seed = Number(process.env.SHENV_INSTALLS_SEED || randomInt(2 ** 31));
const mountedTest = engines.includes('kernel') ? test.serial : test.serial.skip;

for (const isSupervised of [false, true])
  mountedTest(
    isSupervised
      ? 'pip ends well although the serving process dies under it, and nothing is missing'
      : 'what a killed server leaves of an installation is what a killed pip could have left on a disk',
    async (t) => {
      t.log(`SHENV_INSTALLS_SEED=${seed}`);
      const options = { kills, seed, isSupervised };
      const report = await killInstalls(options);
      t.log(describeKills(options, report));
      t.deepEqual(report.violations, []);
    },
  );

const before = new Map([
  ['site/old-0.9.dist-info', 'folder 755'],
  ['site/old.py', 'file 644 old'],
  ['site/kept.py', 'file 644 kept'],
]);
const after = new Map([
  ['site/old-1.0.dist-info', 'folder 755'],
  ['site/old.py', 'file 644 newer'],
  ['site/kept.py', 'file 644 kept'],
]);
const rules: [string, [string, string][], RegExp | undefined][] = [
  ['the state before is possible', [...before], undefined],
  [
    'a beginning of a new file is possible',
    [
      ['site/old.py', 'file 600 new'],
      ['site/kept.py', 'file 644 kept'],
    ],
    undefined,
  ],
  [
    'a file that is renamed away is possible',
    [
      ['site/~ld.py', 'file 644 old'],
      ['site/kept.py', 'file 644 kept'],
    ],
    undefined,
  ],
  ['a visible whiteout is not', [...before, ['site/.wh.old.py', 'file 644 ']], /whiteout/],
  [
    'contents of neither are not',
    [
      ['site/old.py', 'file 644 newold'],
      ['site/kept.py', 'file 644 kept'],
    ],
    /no state/,
  ],
  ['a file of another distribution does not go', [['site/old.py', 'file 644 old']], /nobody removes/],
];
for (const [title, found, expected] of rules)
  test(`of a killed installation: ${title}`, (t) => {
    const wrong = findImpossible(new Map(found), { before, after }).join('\n');
    if (expected === undefined) t.is(wrong, '');
    else t.regex(wrong, expected);
  });
