import test from 'ava';
import { formatLock, type Lock, type LockedPackage, parseLock } from '../../../src/env/pylock-file.js';
import { refused } from '../../support/refusal.js';

const sha256 = 'a'.repeat(64);
const file = {
  name: 'a-1.0-py3-none-any.whl',
  url: 'https://h.example/a-1.0-py3-none-any.whl',
  path: undefined,
};
const empty: LockedPackage = {
  name: 'a',
  version: '1.0',
  marker: undefined,
  requiresPython: undefined,
  dependencies: [],
  wheels: [],
  sdist: undefined,
  archive: undefined,
  directory: undefined,
  vcs: undefined,
};
const full: Lock = {
  requiresPython: '>=3.8',
  environments: ["sys_platform == 'linux'"],
  defaultGroups: ['dev'],
  packages: [
    {
      ...empty,
      marker: "'dev' in dependency_groups",
      requiresPython: '>=3.8',
      dependencies: ['b', 'c'],
      wheels: [{ ...file, sha256 }],
      sdist: { name: 'a-1.0.tar.gz', url: undefined, path: 'dist/a-1.0.tar.gz', sha256 },
    },
    { ...empty, name: 'b', directory: { path: '../b', editable: true, subdirectory: 'py' } },
    {
      ...empty,
      name: 'c',
      version: undefined,
      vcs: {
        type: 'git',
        url: 'https://h.example/c.git',
        path: undefined,
        commitId: 'f'.repeat(40),
        requestedRevision: 'main',
        subdirectory: 'py',
      },
    },
    {
      ...empty,
      name: 'd',
      archive: {
        name: 'd 1.zip',
        url: 'https://h.example/d%201.zip',
        path: undefined,
        sha256,
        subdirectory: 'x',
      },
    },
  ],
  requested: ['a[x]>=1', 'b'],
};

test('what is written is read again as it was', (t) => {
  t.deepEqual(parseLock(formatLock(full, 'shenv-fs'), 'pylock.toml'), full);
  const bare: Lock = {
    requiresPython: undefined,
    environments: [],
    defaultGroups: [],
    packages: [],
    requested: undefined,
  };
  t.deepEqual(parseLock(formatLock(bare, 'shenv-fs'), 'pylock.toml'), bare);
});

test('a lock is the same text whenever it is written, and tells no time', (t) => {
  const text = formatLock(full, 'shenv-fs');
  t.is(text, formatLock(parseLock(text, 'pylock.toml'), 'shenv-fs'));
  t.notRegex(text, /time|\d{4}-\d\d-\d\d/);
});

test('keys that are not known are ignored', (t) => {
  const text = `lock-version = "1.1"
created-by = "other"
extras = ["x"]
novelty = 1
[[packages]]
name = "a"
version = "1.0"
index = "https://h.example/simple"
attestation-identities = [{ kind = "GitHub" }]
novelty = { deep = [1] }
wheels = [{ url = "https://h.example/a-1.0-py3-none-any.whl", size = 3, upload-time = 2024-01-01T00:00:00Z, hashes = { md5 = "x" } }]
[tool.other]
requested = 3
`;
  const { packages, requested } = parseLock(text, 'pylock.toml');
  t.is(requested, undefined);
  t.deepEqual(packages, [{ ...empty, wheels: [{ ...file, sha256: undefined }] }]);
});

const a = 'lock-version = "1.0"\n[[packages]]\nname = "a"\n';
for (const [text, ...says] of [
  ['lock-version = ', 'no TOML'],
  ['packages = []', 'lock-version'],
  ['lock-version = "2.0"', '2.0'],
  ['lock-version = 1.0', "'lock-version' is no text"],
  ['lock-version = "1.0"\nrequires-python = ">>3"', 'requires-python', '>>3'],
  ['lock-version = "1.0"\nenvironments = ["os_name ="]', 'os_name ='],
  ['lock-version = "1.0"\nenvironments = [1]', "'environments'"],
  ['lock-version = "1.0"\npackages = 1', "'packages'"],
  ['lock-version = "1.0"\n[[packages]]\nversion = "1"', 'no name', 'packages 1'],
  [`${a}version = 1`, "'version'", 'packages a'],
  [`${a}marker = "nonsense"`, 'nonsense', 'packages a'],
  [`${a}requires-python = "three"`, 'three', 'packages a'],
  [`${a}wheels = [{ name = "a-1.0-py3-none-any.whl" }]`, 'neither url nor path', 'packages a, wheels a-1.0'],
  [`${a}wheels = [{ url = "https://h.example/a.whl" }]`, 'a.whl', 'packages a, wheels 1'],
  [`${a}wheels = [{ url = "a-1.0-py3-none-any.whl" }]`, 'no URL', 'packages a, wheels 1'],
  [
    `${a}sdist = { url = "https://h.example/a.zip", hashes = { sha256 = "xyz" } }`,
    'sha256',
    'packages a, sdist',
  ],
  [`${a}archive = {}`, 'neither url nor path', 'packages a, archive'],
  [`${a}directory = {}`, "'path' is missing", 'packages a, directory'],
  [`${a}directory = { path = ".", editable = "yes" }`, "'editable'", 'packages a, directory'],
  [`${a}vcs = { type = "git", url = "https://h.example/a" }`, "'commit-id' is missing", 'packages a, vcs'],
  [`${a}vcs = { type = "git", commit-id = "f" }`, 'neither url nor path', 'packages a, vcs'],
  [`${a}dependencies = ["b"]`, "'dependencies'", 'packages a'],
] as const) {
  test(`refused, with the place: ${text.replace(a, '').replaceAll('\n', ' ')}`, async (t) => {
    await refused(t, 'LOCK_INVALID', ['pylock.toml', ...says], () => parseLock(text, 'pylock.toml'));
  });
}
