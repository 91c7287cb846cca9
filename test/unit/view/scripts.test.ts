import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { run } from '../../../src/base/run.js';
import { scriptsOf } from '../../../src/view/generated.js';
import { entryPointScript, shebang } from '../../../src/view/scripts.js';
import { temporaryFolder } from '../../support/temporary-folder.js';

const script = (name: string, gui = false) => ({ name, module: 'm.n', attribute: 'C.run', gui });
const names = (given: string[], minor: string) =>
  scriptsOf(
    given.map((name) => script(name)),
    minor,
  ).map(({ name }) => name);

test('a first line of 127 bytes is written as it is, one of 128 goes through /bin/sh', (t) => {
  const python = (bytes: number) => `/${'p'.repeat(bytes - '#!/\n'.length)}`;
  t.is(shebang(python(127)), `#!${python(127)}\n`);
  t.is(Buffer.byteLength(shebang(python(127))), 127);
  t.is(shebang(python(128)), `#!/bin/sh\n'''exec' ${python(128)} "$0" "$@"\n' '''\n`);
});

test('bytes are counted, not characters', (t) => {
  t.true(shebang(`/${'é'.repeat(62)}`).startsWith('#!/bin/sh\n'));
  t.true(shebang(`/${'é'.repeat(61)}`).startsWith('#!/é'));
});

test('a path with a space goes through /bin/sh, quoted', (t) => {
  t.is(shebang('/my envs/python'), `#!/bin/sh\n'''exec' "/my envs/python" "$0" "$@"\n' '''\n`);
});

const oddFolders = [
  'two words',
  'a $HOME',
  'a "b"',
  'a `echo b`',
  'a $(echo b)',
  'a \\b',
  "it's a",
  `${'long'.repeat(40)} $HOME`,
  `${'long'.repeat(40)}$HOME`,
  `${'long'.repeat(40)}'`,
];
for (const folder of oddFolders) {
  test(`a script runs when its interpreter is in ${JSON.stringify(folder)}`, async (t) => {
    const place = join(await temporaryFolder(t), folder);
    await mkdir(place);
    const python = join(place, 'python');
    await writeFile(python, `#!/bin/sh\nprintf '%s\\n' "interpreter of $1"\n`, { mode: 0o755 });
    const path = join(place, 'script');
    await writeFile(path, `${shebang(python)}print(1)\n`, { mode: 0o755 });
    const { status, stdout, stderr } = await run(path, [], { timeoutMs: 10_000 });
    t.is(status, 0, stderr);
    t.is(stdout, `interpreter of ${path}\n`);
  });
}

test('a script imports the first part of the attribute and calls the whole', (t) => {
  const text = entryPointScript(script('x'), '/p', '3.12');
  t.regex(text, /^#!\/p\n/);
  t.regex(text, /\nfrom m\.n import C\n/);
  t.regex(text, /sys\.exit\(C\.run\(\)\)\n$/);
});

test('Python before 3.9 gets a script without removesuffix', (t) => {
  t.notRegex(entryPointScript(script('x'), '/p', '3.8'), /removesuffix/);
  t.regex(entryPointScript(script('x'), '/p', '3.9'), /removesuffix/);
  t.regex(entryPointScript(script('x'), '/p', '3.10'), /removesuffix/);
});

test("pip's scripts have the version at hand, not that of the machine that built the wheel", (t) => {
  t.deepEqual(names(['pip', 'pip3', 'pip3.9'], '3.12').sort(), ['pip', 'pip3', 'pip3.12']);
  t.deepEqual(names(['pip3.9', 'pip', 'pip3', 'other'], '3.8').sort(), ['other', 'pip', 'pip3', 'pip3.8']);
});

test("easy_install's script has the version at hand", (t) => {
  t.deepEqual(names(['easy_install', 'easy_install-3.6'], '3.11').sort(), [
    'easy_install',
    'easy_install-3.11',
  ]);
});

test('numbered names of others stay', (t) => {
  t.deepEqual(names(['pip3', 'pip3.9', 'easy_install-3.6'], '3.12'), ['pip3', 'pip3.9', 'easy_install-3.6']);
  t.deepEqual(
    names(['pipx', 'pip-tools', 'pip'], '3.12').filter((name) => !/^pip[\d.]*$/.test(name)),
    ['pipx', 'pip-tools'],
  );
});

test('a gui script named pip is left alone', (t) => {
  t.deepEqual(
    scriptsOf([script('pip', true)], '3.12').map(({ name }) => name),
    ['pip'],
  );
});
