import test from 'ava';
import {
  type Named,
  portableRequirement,
  requestedExtras,
  requestedName,
  requirementOf,
} from '../../../src/env/requested.js';

const commit = 'c'.repeat(40);
const editable: Named = {
  image: { name: 'Proj' },
  directUrl: { url: 'file:///src/my%20proj', dir_info: { editable: true } },
};
const wheel: Named = { image: { name: 'alpha' }, directUrl: { url: 'file:///dist/alpha-1.whl' } };
const repository: Named = {
  image: { name: 'gamma' },
  directUrl: {
    url: 'https://h.example/g.git',
    subdirectory: 'py',
    vcs_info: { vcs: 'git', commit_id: commit, requested_revision: 'main' },
  },
};
const plain: Named = { image: { name: 'beta' } };
const all = [editable, wheel, repository, plain];

for (const [text, name] of [
  ['-e /src/my proj', 'proj'],
  ['-e /src/my proj[x]', 'proj'],
  ['/dist/alpha-1.whl', 'alpha'],
  ['/dist/alpha-1.whl ; python_version > "3"', 'alpha'],
  ['git+https://h.example/g.git@main#subdirectory=py', 'gamma'],
  ['git+https://user:secret@h.example/g.git', 'gamma'],
  ['Beta>=1', 'beta'],
  ['/elsewhere/alpha-1.whl', '/elsewhere/alpha-1.whl'],
] as const) {
  test(`${text} led to ${name}`, (t) => t.is(requestedName(text, all), name));
}

test('extras are told for names and for places', (t) => {
  const extras = requestedExtras(['beta[a, b]>=1', '-e /src/my proj[dev]', 'gamma'], all);
  t.deepEqual(
    [...extras],
    [
      ['beta', ['a', 'b']],
      ['proj', ['dev']],
    ],
  );
});

test('where a distribution came from is a requirement that leads there again', (t) => {
  t.deepEqual(all.map(requirementOf), [
    '-e /src/my proj',
    'alpha @ file:///dist/alpha-1.whl',
    'git+https://h.example/g.git@main#subdirectory=py',
    'beta',
  ]);
});

test('for others a requirement by place is its name and extras', (t) => {
  t.is(portableRequirement('-e /src/my proj[dev]', all), 'proj[dev]');
  t.is(portableRequirement('alpha @ file:///dist/alpha-1.whl', all), 'alpha');
  t.is(portableRequirement('beta[a]>=1', all), 'beta[a]>=1');
});
