import test from 'ava';
import { sha256 } from '../../../src/base/digest.js';
import { freeze } from '../../../src/env/freeze.js';
import type { DirectUrl, Layer } from '../../../src/manifest/types.js';

const layer = (name: string, version = '1.0', directUrl?: DirectUrl): Layer => ({
  image: { name, version, wheelDigest: sha256(Buffer.from(name)) },
  slot: 1,
  reason: 'requested',
  installer: 'pip',
  ...(directUrl ? { directUrl } : {}),
});
const frozen = (directUrl: DirectUrl) => freeze([layer('Proj', '0.1', directUrl)], '3.11', false);

test('names as the metadata write them, sorted without regard to case', (t) => {
  t.deepEqual(freeze([layer('beta'), layer('Alpha_x'), layer('gamma')], '3.11', false), [
    'Alpha_x==1.0',
    'beta==1.0',
    'gamma==1.0',
  ]);
});

test('pip is left out, before 3.12 setuptools and wheel too, with --all nothing', (t) => {
  const layers = ['pip', 'setuptools', 'wheel', 'zeta'].map((name) => layer(name));
  t.deepEqual(freeze(layers, '3.11', false), ['zeta==1.0']);
  t.deepEqual(freeze(layers, '3.12', false), ['setuptools==1.0', 'wheel==1.0', 'zeta==1.0']);
  t.is(freeze(layers, '3.11', true).length, 4);
});

// Each expected line is what pip 24.2 prints for the direct_url.json.
test('a wheel or an archive by URL has its hash', (t) => {
  const hash = `sha256=${'a'.repeat(64)}`;
  const archive_info = { hash, hashes: { sha256: 'a'.repeat(64) } };
  const url = 'file:///dist/proj-0.1.zip';
  t.deepEqual(frozen({ url, archive_info }), [`Proj @ ${url}#${hash}`]);
  t.deepEqual(frozen({ url, archive_info, subdirectory: 'py' }), [`Proj @ ${url}#${hash}&subdirectory=py`]);
  t.deepEqual(frozen({ url, archive_info: {} }), [`Proj @ ${url}`]);
});

test('a repository has its commit', (t) => {
  const vcs_info = { vcs: 'git', commit_id: 'f00', requested_revision: 'main' };
  t.deepEqual(frozen({ url: 'https://h.example/p.git', vcs_info, subdirectory: 'py' }), [
    'Proj @ git+https://h.example/p.git@f00#subdirectory=py',
  ]);
});

test('a folder is a URL, an editable one a path under a comment', (t) => {
  t.deepEqual(frozen({ url: 'file:///src/my%20proj', dir_info: {} }), ['Proj @ file:///src/my%20proj']);
  t.deepEqual(frozen({ url: 'file:///src/my%20proj', dir_info: { editable: true } }), [
    '# Editable install with no version control (Proj==0.1)',
    '-e /src/my proj',
  ]);
});
