// biome-ignore-all lint/suspicious/noTemplateCurlyInString: requirements files have them
import { mkdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import test from 'ava';
import {
  readRequirementFiles,
  requirementLine,
  requirementName,
  requirementText,
} from '../../../src/env/requirements-file.js';
import { refused } from '../../support/refusal.js';
import { temporaryFolder } from '../../support/temporary-folder.js';

const digest = 'a'.repeat(64);

test('comments and empty lines are left out, a # within a URL is not a comment', async (t) => {
  t.deepEqual(await texts(t, '# all\n\n  alpha  # the first\nbeta @ https://h.example/b.whl#sha256=1\n'), [
    'alpha',
    'beta @ https://h.example/b.whl#sha256=1',
  ]);
});

test('a BOM and CRLF do not matter', async (t) => {
  t.deepEqual(await texts(t, '\uFEFFalpha\r\nbeta==1 \\\r\n  ; python_version > "3"\r\n'), [
    'alpha',
    'beta==1   ; python_version > "3"',
  ]);
});

test('a continued line is one line, also when the file ends in it', async (t) => {
  t.deepEqual(await texts(t, 'alpha\\\n==1.0\nbeta \\\n'), ['alpha==1.0', 'beta']);
});

test('a comment that ends in a backslash does not swallow the next line', async (t) => {
  t.deepEqual(await texts(t, '# see \\\nalpha\n'), ['alpha']);
});

test('a comment ends the line that is continued in it', async (t) => {
  t.deepEqual(await texts(t, 'alpha \\\n# why\nbeta\n'), ['alpha', 'beta']);
});

test('nested files are relative to the file that names them', async (t) => {
  const folder = await temporaryFolder(t);
  await mkdir(join(folder, 'more'));
  await writeFile(join(folder, 'all.txt'), '-r more/a.txt\n--requirement="more/b c.txt"\ntop\n');
  await writeFile(join(folder, 'more/a.txt'), '-rd.txt\na\n');
  await writeFile(join(folder, 'more/b c.txt'), 'b\n');
  await writeFile(join(folder, 'more/d.txt'), 'd\n');
  const { lines, isOpaque } = await readRequirementFiles([join(folder, 'all.txt')]);
  t.deepEqual(
    lines.map(({ text }) => text),
    ['d', 'a', 'b', 'top'],
  );
  t.false(isOpaque);
});

test('files that name each other end, and only the resolver judges them', async (t) => {
  const folder = await temporaryFolder(t);
  await writeFile(join(folder, 'a.txt'), '-r b.txt\none\n');
  await writeFile(join(folder, 'b.txt'), '-r a.txt\ntwo\n');
  const { lines, isOpaque } = await readRequirementFiles([join(folder, 'a.txt')]);
  t.is(lines.length, 2);
  t.true(isOpaque);
});

test('a file that is not there is named', async (t) => {
  const folder = await temporaryFolder(t);
  await writeFile(join(folder, 'a.txt'), '-r b.txt\n');
  await refused(t, 'REQUIREMENTS_MISSING', ['b.txt'], () => readRequirementFiles([join(folder, 'a.txt')]));
});

test.serial('${VARIABLE} is filled in where it has a value, and stays where it has none', async (t) => {
  process.env.SHENV_TEST_NAME = 'alpha';
  process.env.SHENV_TEST_EMPTY = '';
  t.teardown(() => {
    delete process.env.SHENV_TEST_NAME;
    delete process.env.SHENV_TEST_EMPTY;
  });
  t.deepEqual(await texts(t, '${SHENV_TEST_NAME}==1\n${SHENV_TEST_EMPTY}\n${SHENV_TEST_NONE}\n$HOME\n'), [
    'alpha==1',
    '${SHENV_TEST_EMPTY}',
    '${SHENV_TEST_NONE}',
    '$HOME',
  ]);
});

test('--hash gives the SHA-256 digests and is no part of the requirement', (t) => {
  const other = 'b'.repeat(64);
  const line = requirementLine(`alpha==1 --hash=sha256:${digest} --hash sha256:${other}`);
  t.deepEqual(line, { text: 'alpha==1', sha256: [digest, other], editable: false, isOpaque: false });
});

test('a hash of another kind alone, or another option, is left to the resolver', (t) => {
  t.true(requirementLine(`alpha==1 --hash=sha512:${'c'.repeat(128)}`).isOpaque);
  t.true(requirementLine('alpha==1 --config-settings x=1').isOpaque);
  t.false(requirementLine(`a==1 --hash=sha256:${digest} --hash=sha512:${'c'.repeat(128)}`).isOpaque);
});

for (const option of ['-i https://h.example', '--extra-index-url=https://h.example', '-f ./wheels']) {
  test(`${option} says where from, not what`, async (t) => {
    const { lines, isOpaque } = await read(t, `${option}\nalpha\n`);
    t.is(lines.length, 1);
    t.false(isOpaque);
  });
}

for (const option of [
  '-c constraints.txt',
  '--pre',
  '--no-binary :all:',
  '--require-hashes',
  '-r https://h.example/r.txt',
]) {
  test(`${option} is left to the resolver`, async (t) => {
    t.true((await read(t, `${option}\nalpha\n`)).isOpaque);
  });
}

test('editables are told apart, in each spelling', async (t) => {
  const { lines } = await read(t, '-e ./proj\n--editable=../other[x]\n-e "a b"\n');
  t.deepEqual(
    lines.map(({ text, editable }) => [text, editable]),
    [
      ['./proj', true],
      ['../other[x]', true],
      ['a b', true],
    ],
  );
});

for (const [text, name] of [
  ['Alpha_One', 'alpha-one'],
  ['alpha[x]>=1', 'alpha'],
  ['alpha ; python_version > "3"', 'alpha'],
  ['alpha@ https://h.example/a.whl', 'alpha'],
  ['alpha~=1.0', 'alpha'],
  ['./alpha', './alpha'],
  ['https://h.example/alpha.whl', 'https://h.example/alpha.whl'],
  ['-e /src/alpha', '-e /src/alpha'],
] as const) {
  test(`the name of ${text} is ${name}`, (t) => t.is(requirementName(text), name));
}

for (const path of ['./proj', '../proj[x]', '.', 'sub/proj', 'alpha-1.0-py3-none-any.whl', 'dist/a.tar.gz']) {
  test(`${path} means the same from any folder`, (t) => {
    t.is(requirementText({ text: path, editable: false }), resolve(path));
  });
}

for (const text of ['alpha', 'alpha @ https://h.example/a/b.whl', 'git+https://h.example/a.git@v1', 'a>=1']) {
  test(`${text} is no path`, (t) => t.is(requirementText({ text, editable: false }), text));
}

test('what is editable is a folder unless it is a URL', (t) => {
  t.is(requirementText({ text: 'proj', editable: true }), `-e ${resolve('proj')}`);
  const url = 'git+https://h.example/a.git#egg=a';
  t.is(requirementText({ text: url, editable: true }), `-e ${url}`);
});

async function read(t: Parameters<typeof temporaryFolder>[0], text: string) {
  const path = join(await temporaryFolder(t), 'requirements.txt');
  await writeFile(path, text);
  return readRequirementFiles([path]);
}

async function texts(t: Parameters<typeof temporaryFolder>[0], text: string): Promise<string[]> {
  return (await read(t, text)).lines.map((line) => line.text);
}
