import test from 'ava';
import { pinsOf } from '../../../src/env/lock.js';
import type { Pin } from '../../../src/env/pin.js';
import { parseLock } from '../../../src/env/pylock-file.js';
import { refused } from '../../support/refusal.js';
import { fakeInterpreter } from '../../support/views.js';

const path = '/project/pylock.toml';
const interpreter = {
  ...fakeInterpreter('3.11'),
  tags: ['cp311-cp311-linux_x86_64', 'cp311-abi3-linux_x86_64', 'py3-none-any'],
};
const pins = (body: string): Pin[] =>
  pinsOf(parseLock(`lock-version = "1.0"\n${body}`, path), path, interpreter);
const wheel = (name: string, tags = 'py3-none-any') =>
  `{ url = "https://h.example/${name}-1.0-${tags}.whl", hashes = { sha256 = "${'a'.repeat(64)}" } }`;
const item = (name: string, more = '') =>
  `[[packages]]\nname = "${name}"\nversion = "1.0"\nwheels = [${wheel(name)}]\n${more}\n`;
const names = (body: string) => pins(body).map(({ name }) => name);

test('packages whose marker does not hold are left out', (t) => {
  const body = item('a', 'marker = "python_version >= \'3.11\'"') + item('b', 'marker = "os_name == \'nt\'"');
  t.deepEqual(names(body), ['a']);
});

test('default-groups count, other groups and extras do not', (t) => {
  const body =
    'default-groups = ["dev"]\ndependency-groups = ["dev", "docs"]\nextras = ["x"]\n' +
    item('a', 'marker = "\'dev\' in dependency_groups"') +
    item('b', 'marker = "\'docs\' in dependency_groups"') +
    item('c', 'marker = "\'x\' in extras"') +
    item('d', 'marker = "\'docs\' not in dependency_groups"');
  t.deepEqual(names(body), ['a', 'd']);
});

test('one of the environments must hold, where there are any', async (t) => {
  t.deepEqual(names(`environments = ["os_name == 'nt'", "os_name == 'posix'"]\n${item('a')}`), ['a']);
  const other = `environments = ["os_name == 'nt'"]\n${item('a')}`;
  await refused(t, 'LOCK_UNSUITABLE', ["os_name == 'nt'"], () => pins(other));
});

test('requires-python of the lock and of a package must hold', async (t) => {
  t.deepEqual(names(`requires-python = ">=3.8"\n${item('a', 'requires-python = ">=3.11"')}`), ['a']);
  await refused(t, 'LOCK_UNSUITABLE', ['>=3.12'], () => pins(`requires-python = ">=3.12"\n${item('a')}`));
  await refused(t, 'LOCK_UNSUITABLE', ['a requires', '<3'], () => pins(item('a', 'requires-python = "<3"')));
});

test('a package that is there twice for this interpreter is refused, names normalized', async (t) => {
  await refused(t, 'LOCK_UNSUITABLE', ['more than once'], () => pins(item('a.b') + item('A_b')));
  t.deepEqual(names(item('a', 'marker = "os_name == \'nt\'"') + item('a')), ['a']);
});

test('the wheel whose tag the interpreter prefers is taken', (t) => {
  const wheels = ['py3-none-any', 'cp311-abi3-linux_x86_64', 'cp312-cp312-linux_x86_64'];
  const list = wheels.map((tags) => wheel('a', tags)).join(', ');
  const [pin] = pins(`[[packages]]\nname = "a"\nversion = "1.0"\nwheels = [${list}]\n`);
  t.regex(pin!.download.url, /cp311-abi3/);
  t.false(pin!.isDirect);
});

test('where no wheel fits the sdist is taken, and without one the lock is refused', async (t) => {
  const wheels = `wheels = [${wheel('a', 'cp312-cp312-linux_x86_64')}]\n`;
  const body = `[[packages]]\nname = "a"\nversion = "1.0"\n${wheels}`;
  const [pin] = pins(`${body}sdist = { path = "dist/a-1.0.tar.gz" }\n`);
  t.is(pin!.download.url, 'file:///project/dist/a-1.0.tar.gz');
  await refused(t, 'LOCK_UNSUITABLE', ['no wheel of a 1.0'], () => pins(body));
});

test('repositories, folders and archives are direct, paths relative to the lock', (t) => {
  const [vcs, directory, archive] = pins(`[[packages]]
name = "v"
vcs = { type = "git", url = "https://h.example/v.git", commit-id = "f00", requested-revision = "main", subdirectory = "py" }
[[packages]]
name = "d"
directory = { path = "../d", editable = true }
[[packages]]
name = "z"
archive = { path = "z.zip", subdirectory = "s", hashes = { sha256 = "${'a'.repeat(64)}" } }
`);
  t.true([vcs, directory, archive].every((pin) => pin!.isDirect));
  t.deepEqual(vcs!.download, {
    url: 'https://h.example/v.git',
    vcs_info: { vcs: 'git', commit_id: 'f00', requested_revision: 'main' },
    subdirectory: 'py',
  });
  t.deepEqual(directory!.download, { url: 'file:///d', dir_info: { editable: true } });
  t.deepEqual(archive!.download, {
    url: 'file:///project/z.zip',
    archive_info: { hash: `sha256=${'a'.repeat(64)}`, hashes: { sha256: 'a'.repeat(64) } },
    subdirectory: 's',
  });
});

test('requested is what the lock says, or else what nothing depends on', (t) => {
  const body = item('a', 'dependencies = [{ name = "B" }]') + item('b');
  const requested = (text: string) => pins(text).flatMap((pin) => (pin.requested ? [pin.name] : []));
  t.deepEqual(requested(body), ['a']);
  t.deepEqual(requested(`${body}[tool.shenv-fs]\nrequested = ["b[x]>=1"]\n`), ['b']);
});
