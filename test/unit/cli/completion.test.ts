import { chmod, mkdir, writeFile } from 'node:fs/promises';
import test, { type ExecutionContext } from 'ava';
import { describeCommand, listCommands } from '../../../src/cli/describe.js';
import { makeProgram } from '../../../src/cli/program.js';
import { Sandbox } from '../../support/sandbox.js';
import { requireShell, start } from '../../support/shells.js';

/** Gives the words that a shell passes on when `line`, with tabs in it, is typed and entered. */
type Typist = (sandbox: Sandbox, line: string) => Promise<string[]>;

const typists: Readonly<Record<'bash' | 'zsh', Typist>> = { bash: typeInBash, zsh: typeInZsh };

const marked = `shenv-fs() { echo BEG''IN; for word; do printf '<%s>\\n' "$word"; done; echo EN''D; }`;

async function typeInBash(sandbox: Sandbox, line: string): Promise<string[]> {
  const rc = [`. ${sandbox.path('completion')}`, marked, 'PS1=', "bind 'set bell-style none'"];
  await writeFile(sandbox.path('rc'), `${rc.join('\n')}\n`);
  const options = { env: sandbox.variables, cwd: sandbox.path('cwd'), input: `${line}\n` };
  return wordsIn(await start('bash', ['--noprofile', '--rcfile', sandbox.path('rc'), '-i'], options));
}

async function typeInZsh(sandbox: Sandbox, line: string): Promise<string[]> {
  const script = [
    'zmodload zsh/zpty && zpty typed zsh -f -i',
    `zpty -w typed 'PROMPT= RPROMPT=; autoload -Uz compinit; compinit -D -u; . ${sandbox.path('completion')}'`,
    `zpty -w typed ${JSON.stringify(marked).replaceAll('$', '\\$')}`,
    "zpty -w typed \"print READ''Y\" && zpty -r typed out '*READY*'",
    `zpty -w -n typed "$1"$'\\n' && zpty -r typed out '*BEGIN*END*'`,
    'print -r -- "$out" && zpty -d typed',
  ];
  const options = { env: sandbox.variables, cwd: sandbox.path('cwd') };
  return wordsIn(await start('zsh', ['-f', '-c', script.join('\n'), '-', line], options));
}

function wordsIn({ stdout, stderr }: { stdout: string; stderr: string }): string[] {
  const [, printed] = /BEGIN\r*\n(.*)END/s.exec(stdout) ?? [];
  if (printed === undefined) throw new Error(`nothing was entered: ${stdout}${stderr}`);
  return [...printed.matchAll(/^<(.*)>\r*$/gm)].map(([, word]) => word!);
}

/** A sandbox with two environments, a folder to complete files in, and the shell's script. */
async function prepare(t: ExecutionContext, shell: string): Promise<Sandbox | undefined> {
  if (!(await requireShell(t, shell))) return undefined;
  const sandbox = await Sandbox.make();
  t.teardown(() => sandbox.destroy());
  await writeFile(sandbox.path('completion'), await sandbox.expect('completion', shell));
  for (const name of ['demo', 'two words']) {
    await mkdir(sandbox.path('home', 'environments', name), { recursive: true });
  }
  await mkdir(sandbox.path('cwd', 'demo'), { recursive: true });
  await writeFile(sandbox.path('cwd', 'a file.whl'), '');
  await mkdir(sandbox.path('bin'));
  await writeFile(sandbox.path('bin', 'unmistakable-tool'), '');
  await chmod(sandbox.path('bin', 'unmistakable-tool'), 0o755);
  sandbox.variables.PATH = `${sandbox.path('bin')}:${sandbox.variables.PATH}`;
  sandbox.variables.TERM = 'dumb';
  return sandbox;
}

const typed: [rule: string, line: string, words: string[]][] = [
  [
    'commands, environments and options are completed',
    'shenv-fs sho\tdem\t--du\t',
    ['show', 'demo', '--dump'],
  ],
  ['a command of a command is completed', 'shenv-fs store ad\t', ['store', 'add']],
  ['a name with a space is completed and quoted', 'shenv-fs delete two\t', ['delete', 'two words']],
  [
    'an alias is completed like its command',
    'shenv-fs remove-environment dem\t',
    ['remove-environment', 'demo'],
  ],
  ['files are completed where files are taken', 'shenv-fs store add a\t', ['store', 'add', 'a file.whl']],
  ['choices of an option are completed', 'shenv-fs mount --engine ker\t', ['mount', '--engine', 'kernel']],
  ['choices are completed after =', 'shenv-fs mount --engine=ker\t', ['mount', '--engine=kernel']],
  [
    'the value of an option is no argument',
    'shenv-fs create -p 3.11 x --js\t',
    ['create', '-p', '3.11', 'x', '--json'],
  ],
  ['choices of an argument are completed', 'shenv-fs completion fi\t', ['completion', 'fish']],
  ['programs are completed after run', 'shenv-fs run dem\tunmist\t', ['run', 'demo', 'unmistakable-tool']],
  [
    'programs are completed after run and --',
    'shenv-fs run demo -- unmist\t',
    ['run', 'demo', '--', 'unmistakable-tool'],
  ],
];

for (const [shell, type] of Object.entries(typists)) {
  for (const [rule, line, words] of typed) {
    test.serial(`${shell} (where it is installed): ${rule}`, async (t) => {
      const sandbox = await prepare(t, shell);
      if (sandbox) t.deepEqual(await type(sandbox, line), words);
    });
  }
}

/** What fish offers for a line; its descriptions are left out. */
async function askFish(sandbox: Sandbox, line: string): Promise<string[]> {
  const script = `source ${sandbox.path('completion')}; complete -C $argv[1]`;
  const options = { env: sandbox.variables, cwd: sandbox.path('cwd') };
  const { stdout, stderr } = await start('fish', ['--no-config', '-c', script, line], options);
  if (stderr !== '') throw new Error(stderr);
  return stdout
    .split('\n')
    .filter((offer) => offer !== '')
    .map((offer) => offer.split('\t')[0]!);
}

const asked: [rule: string, line: string, offers: string[]][] = [
  ['commands are completed', 'shenv-fs sh', ['shell', 'show']],
  ['commands of a command are completed', 'shenv-fs store li', ['list']],
  ['environments are completed', 'shenv-fs show ', ['demo', 'two words']],
  ['one environment is enough where one is taken', 'shenv-fs show demo ', []],
  ['an alias is completed like its command', 'shenv-fs remove-environment demo two', ['two words']],
  ['files are completed where files are taken', 'shenv-fs store add a', ['a file.whl']],
  ['choices of an option are completed', 'shenv-fs mount --engine ker', ['kernel']],
  ['choices are completed after =', 'shenv-fs mount --engine=ker', ['--engine=kernel']],
  ['the value of an option is no argument', 'shenv-fs create -p 3.11 x --js', ['--json']],
  ['choices of an argument are completed', 'shenv-fs completion ', ['bash', 'fish', 'zsh']],
  ['programs are completed after run', 'shenv-fs run demo unmist', ['unmistakable-tool']],
  ['programs are completed after run and --', 'shenv-fs run demo -- unmist', ['unmistakable-tool']],
  ['options after the program of run are not ours', 'shenv-fs run demo unmistakable-tool --hel', []],
];

for (const [rule, line, offers] of asked) {
  test.serial(`fish (where it is installed): ${rule}`, async (t) => {
    const sandbox = await prepare(t, 'fish');
    if (sandbox) t.deepEqual(await askFish(sandbox, line), offers);
  });
}

for (const shell of ['bash', 'zsh', 'fish']) {
  test.serial(
    `the script for ${shell} knows every command and option, without an edit of its own`,
    async (t) => {
      const sandbox = await Sandbox.make();
      t.teardown(() => sandbox.destroy());
      const script = await sandbox.expect('completion', shell);
      for (const { path, options } of listCommands(
        describeCommand(makeProgram(new AbortController().signal)),
      )) {
        t.true(script.includes(path.join(' ')) || script.includes(path.join('_')), path.join(' '));
        for (const { long } of options) t.true(script.includes(long!.slice(2)), long);
      }
    },
  );
}

test.serial('bash completes shenv-fs by a function, as `complete -p` tells', async (t) => {
  const sandbox = await prepare(t, 'bash');
  if (!sandbox) return;
  const options = { env: sandbox.variables, cwd: sandbox.path('cwd') };
  const command = `. ${sandbox.path('completion')} && complete -p shenv-fs`;
  const { stdout, stderr } = await start('bash', ['--norc', '-c', command], options);
  t.is(stdout, 'complete -F _shenv_fs shenv-fs\n', stderr);
});
