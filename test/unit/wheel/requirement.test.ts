import test from 'ava';
import { parseRequirement, requirementApplies } from '../../../src/wheel/requirement.js';
import { refused } from '../../support/refusal.js';
import { environmentsHold, sortedClauses } from './answers.js';
import { askPackaging, isModern } from './packaging-oracle.js';
import {
  awkward,
  combined,
  differences,
  environments,
  extras,
  invalid,
  modern,
} from './requirement-table.js';

test('a requirement comes apart into name, extras, specifier and marker', (t) => {
  const text = 'Foo.Bar [a, B] (>= 1.0 , <2) ; os_name == "posix"';
  t.deepEqual(parseRequirement(text), {
    name: 'Foo.Bar',
    extras: ['a', 'B'],
    specifier: '>=1.0,<2',
    marker: {
      kind: 'comparison',
      left: { kind: 'variable', name: 'os_name' },
      operator: '==',
      right: { kind: 'value', value: 'posix' },
    },
    text,
  });
});

test('an address ends at the first space, so that it may hold a semicolon', (t) => {
  const { url, marker } = parseRequirement('foo @ https://a.example/x;y#z ; os_name == "nt"');
  t.is(url, 'https://a.example/x;y#z');
  t.truthy(marker);
});

test('a wildcard with an ordered operator, as old metadata has it, is left out', (t) => {
  t.is(parseRequirement('foo (>=1.*, !=1.5.*)').specifier, '>=1,!=1.5.*');
});

test('a line break counts as a space', (t) => {
  t.is(parseRequirement('foo\n>=1,\n<2').specifier, '>=1,<2');
});

for (const text of invalid) {
  test(`the requirement ${JSON.stringify(text)} is refused`, async (t) => {
    const error = await refused(t, 'REQUIREMENT', [text], () => parseRequirement(text));
    t.is(error.exitStatus, 45);
  });
}

test('a requirement applies when it has no marker or its marker holds', (t) => {
  const [linux, old] = [environments[0]!, environments[1]!];
  const applies = (text: string, asked: string[] = []) =>
    requirementApplies(parseRequirement(text), linux, asked);
  t.true(applies('foo'));
  t.true(applies('foo; extra == "Fast_Json"', ['docs', 'fast.json']));
  t.false(applies('foo; extra == "x"'));
  const requires = ['a', 'b; python_version < "3.9"', 'c; extra == "x"', 'd; extra == "y"'];
  t.deepEqual(
    requires
      .map(parseRequirement)
      .filter((requirement) => requirementApplies(requirement, old, ['y']))
      .map(({ name }) => name),
    ['a', 'b', 'd'],
  );
});

test('several hundred requirements are read and evaluated as packaging does', async (t) => {
  const requirements = [...combined, ...awkward, ...modern];
  const answers = await askPackaging(t, { requirements, environments, extras });
  if (!answers) return;
  for (const [at, text] of requirements.entries()) {
    const expected = answers.requirements[at];
    if (!expected) {
      t.fail(`packaging refuses ${text}`);
      continue;
    }
    const found = parseRequirement(text);
    t.deepEqual([found.name, found.url ?? null], [expected.name, expected.url], text);
    t.deepEqual([...new Set(found.extras)].sort(), expected.extras, text);
    t.deepEqual(sortedClauses(found.specifier), sortedClauses(expected.specifier), text);
    if (modern.includes(text) && !isModern(answers)) continue;
    t.deepEqual(environmentsHold(found), expected.holds, text);
  }
});

test('what is refused packaging refuses too', async (t) => {
  const answers = await askPackaging(t, { requirements: invalid });
  if (!answers) return;
  t.deepEqual(
    invalid.filter((_, at) => answers.requirements[at]),
    [],
  );
});

test('what is read unlike packaging is known', async (t) => {
  const requirements = differences.map(({ text }) => text);
  const answers = await askPackaging(t, { requirements, environments, extras });
  if (!answers) return;
  for (const [at, { text, packaging, reason }] of differences.entries()) {
    const answer = answers.requirements[at];
    if (packaging === 'refused') t.is(answer, null, `${text}: ${reason}`);
    else t.true(answer?.holds?.includes(null), `${text}: ${reason}`);
    t.notThrows(() => environmentsHold(parseRequirement(text)), text);
  }
});
