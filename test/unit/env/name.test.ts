import test from 'ava';
import { checkEnvironmentName } from '../../../src/env/name.js';
import { refused } from '../../support/refusal.js';

const accepted = [
  'demo',
  'my-project',
  'two words',
  'größe',
  '日本語',
  '🐍',
  '-leading-dash',
  '.hidden',
  '...',
  'a@b',
  'user@1x',
  "it's",
  '$HOME',
  'a\\b',
  'con',
  'UPPER',
  ' space ',
  'x'.repeat(255),
  'é'.repeat(127),
];
for (const name of accepted) {
  test(`${JSON.stringify(name.slice(0, 30))} (${name.length}) can be a name`, (t) => {
    t.notThrows(() => checkEnvironmentName(name));
  });
}

const refusals: [string, string][] = [
  ['', 'empty'],
  ['.', 'folder that exists'],
  ['..', 'folder that exists'],
  ['.shenv', 'mount uses it'],
  ['a/b', "'/'"],
  ['/abs', "'/'"],
  ['a\nb', 'control character'],
  ['a\tb', 'control character'],
  ['a\0b', 'control character'],
  ['a\u007fb', 'control character'],
  ['a:b', 'PATH'],
  ['lone \ud800 surrogate', 'Unicode'],
  ['demo@3', 'generation'],
  ['@0', 'generation'],
  ['x'.repeat(256), '255'],
  ['é'.repeat(128), '255'],
];
for (const [name, says] of refusals) {
  test(`${JSON.stringify(name.slice(0, 30))} (${name.length}) cannot be a name: ${says}`, async (t) => {
    await refused(t, 'ENVIRONMENT_NAME', [says], () => checkEnvironmentName(name));
  });
}
