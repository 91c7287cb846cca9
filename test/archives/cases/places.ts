import type { ErrorCode } from '../../../src/base/errors.js';
import type { WheelSpec } from '../../support/wheel-builder.js';
import { distInfo, fromSpec, type Rejection, victim } from '../rejection.js';

const dataFolder = 'sample-1.0.data';
const entryPoints = `${distInfo}/entry_points.txt`;

/** A file that is wrong where it goes: its path, and the rule that it breaks. */
const places: readonly (readonly [reason: string, path: string, rule: string])[] = [
  ['data-scheme-unknown', `${dataFolder}/constructor/x`, 'no install scheme'],
  ['data-scheme-prototype', `${dataFolder}/__proto__/x`, 'no install scheme'],
  ['data-scheme-in-capitals', `${dataFolder}/Scripts/x`, 'no install scheme'],
  ['data-file-without-scheme', `${dataFolder}/x`, 'no install scheme'],
  ['data-scheme-is-a-file', `${dataFolder}/scripts`, 'no install scheme'],
  ['data-parent', `${dataFolder}/purelib/../../evil.py`, "'..' part"],
  ['data-of-another-distribution', 'other-1.0.data/purelib/x.py', 'another distribution'],
  ['data-of-another-version', 'sample-2.0.data/purelib/x.py', 'another distribution'],
  ['data-without-version', 'sample.data/purelib/x.py', 'another distribution'],
  ['place-taken-through-purelib', `${dataFolder}/purelib/${victim}`, 'the place of another'],
  [
    'place-taken-through-data',
    `${dataFolder}/data/lib/python3.11/site-packages/${victim}`,
    'the place of another',
  ],
  ['place-clash-of-case', `${dataFolder}/platlib/PKG/x.py`, 'in case only'],
  ['place-file-over-folder', `${dataFolder}/purelib/pkg`, 'a file and a folder'],
  ['place-folder-over-file', `${dataFolder}/purelib/${victim}/x`, 'a file and a folder'],
  ['place-pyvenv-cfg', `${dataFolder}/data/pyvenv.cfg`, "environment's configuration"],
  ['place-bin-python', `${dataFolder}/scripts/python`, "environment's own programs"],
  ['place-bin-python3', `${dataFolder}/scripts/python3`, "environment's own programs"],
  ['place-bin-python-minor', `${dataFolder}/data/bin/python3.11`, "environment's own programs"],
  ['place-bin-python-folder', `${dataFolder}/scripts/python/x`, "environment's own programs"],
  ['place-bin-activate', `${dataFolder}/scripts/activate`, "environment's own programs"],
  ['place-bin-activate-fish', `${dataFolder}/data/bin/activate.fish`, "environment's own programs"],
  ['place-bin-activate-powershell', `${dataFolder}/scripts/Activate.ps1`, "environment's own programs"],
  ['place-lib-file', `${dataFolder}/data/lib`, 'environment has a folder'],
  ['place-lib64-file', `${dataFolder}/data/lib64`, 'environment has a folder'],
  ['place-bin-file', `${dataFolder}/data/bin`, 'environment has a folder'],
  ['place-site-packages-file', `${dataFolder}/data/lib/python3.11/site-packages`, 'environment has a folder'],
  [
    'dist-info-of-another-through-purelib',
    `${dataFolder}/purelib/evil-1.0.dist-info/METADATA`,
    '.dist-info of another',
  ],
  ['dist-info-of-another-in-capitals', 'evil-1.0.DIST-INFO/METADATA', '.dist-info of another'],
  [
    'dist-info-of-another-through-data',
    `${dataFolder}/data/lib/python3.11/site-packages/evil-1.0.dist-info/METADATA`,
    '.dist-info of another',
  ],
  [
    'dist-info-of-another-through-lib64',
    `${dataFolder}/data/lib64/python3.11/site-packages/evil-1.0.dist-info/METADATA`,
    '.dist-info of another',
  ],
  ['dist-info-through-data', `${dataFolder}/purelib/${distInfo}/extra.txt`, 'reaches into .dist-info'],
  [
    'dist-info-installer-through-data',
    `${dataFolder}/purelib/${distInfo}/INSTALLER`,
    'reaches into .dist-info',
  ],
  ['dist-info-direct-url', `${distInfo}/direct_url.json`, 'installer alone'],
  ['dist-info-requested', `${distInfo}/REQUESTED`, 'installer alone'],
  ['dist-info-installer-folder', `${distInfo}/INSTALLER/x`, 'what the installer writes'],
];

const scripts: readonly (readonly [reason: string, script: string, rule: string])[] = [
  ['script-parent', '../evil = m:f', 'not a file name'],
  ['script-absolute', '/bin/sh = m:f', 'not a file name'],
  ['script-in-folder', 'a/b = m:f', 'not a file name'],
  ['script-here', '. = m:f', 'not a file name'],
  ['script-without-name', ' = m:f', 'not a file name'],
  ['script-backslash', 'a\\b = m:f', 'not a file name'],
  ['script-nul', 'a\0b = m:f', 'not a file name'],
  ['script-escape', 'a\u001b[2Jb = m:f', 'not a file name'],
  ['script-line-separator', 'a\u2028b = m:f', 'not a file name'],
  ['script-name-too-long', `${'a'.repeat(256)} = m:f`, 'not a file name'],
  ['script-of-python', 'python = m:f', "environment's own programs"],
  ['script-of-python-minor', 'python3.11 = m:f', "environment's own programs"],
  ['script-of-activate', 'activate = m:f', "environment's own programs"],
  ['script-without-object', 'run = m', "no 'module:attribute'"],
  ['script-without-module', 'run = :f', "no 'module:attribute'"],
  ['script-that-calls', 'run = m:f()', "no 'module:attribute'"],
  ['script-with-statement', 'run = m;import os:f', "no 'module:attribute'"],
  ['script-with-quote', "run = m:f'", "no 'module:attribute'"],
  ['script-with-newline', 'run = m:f\u2028import os', "no 'module:attribute'"],
];

/** Files and scripts that would go where they must not. */
export const placeCases: readonly Rejection[] = [
  ...places.map(([reason, path, rule]) =>
    fromSpec(reason, ['WHEEL_ENTRY', path, rule], { files: { [path]: 'x\n' } }),
  ),
  ...scripts.map(([reason, script, rule]) =>
    ofEntryPoints(reason, rule, { entryPoints: `[console_scripts]\n${script}\n` }),
  ),
  ofEntryPoints('gui-script-parent', 'not a file name', { entryPoints: '[gui_scripts]\n../evil = m:f\n' }),
  ofEntryPoints('script-over-folder', 'a folder beside it', {
    entryPoints: '[console_scripts]\ntool = m:f\n',
    files: { [`${dataFolder}/scripts/tool/x`]: 'x\n' },
  }),
];

function ofEntryPoints(reason: string, rule: string, spec: WheelSpec): Rejection {
  const code: ErrorCode = 'WHEEL_ENTRY_POINT';
  return fromSpec(reason, [code, entryPoints, rule], spec);
}
