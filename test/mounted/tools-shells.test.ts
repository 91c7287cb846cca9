import test from 'ava';
import { anyInterpreter } from '../support/interpreters.js';
import type { Sandbox } from '../support/sandbox.js';
import { isOnPath, sharedMount } from '../support/shared-mount.js';
import { Twins } from '../support/twins.js';

/** How one shell shows its state, activates `{}` and deactivates; each line of output is one state. */
interface Shell {
  program: string;
  options: readonly string[];
  script: string;
  /** Whether its activate script puts PYTHONHOME away. */
  hidesPythonHome: boolean;
}

const posix = [
  'PS1="$ "; PYTHONHOME=/somewhere; export PYTHONHOME',
  'value() { printenv "$1" || echo none; }',
  'show() { echo "$(value VIRTUAL_ENV)|$(value PYTHONHOME)|$PATH|$PS1|$(command -v python)"; }',
  'show; . "{}/bin/activate"; show; deactivate; show',
].join('\n');
const fish = [
  'set -gx PYTHONHOME /somewhere; function fish_prompt; echo -n "\\$ "; end',
  'function value; set -q $argv[1]; and echo -n $$argv[1]; or echo -n none; end',
  'function show; echo (value VIRTUAL_ENV)"|"(value PYTHONHOME)"|"(string join : $PATH)"|"(fish_prompt)"|"(command -v python; or echo none); end',
  'show; source "{}/bin/activate.fish"; show; deactivate; show',
].join('\n');
const tcsh = [
  'set prompt = "> "; setenv PYTHONHOME /somewhere',
  "alias value 'if ($?\\!:1) eval echo -n \\$\\!:1; if (! $?\\!:1) echo -n none'",
  `alias show 'value VIRTUAL_ENV; echo -n "|"; value PYTHONHOME; echo "|$PATH|$prompt|"\`which python\`'`,
  'show',
  'source "{}/bin/activate.csh"',
  'show',
  'deactivate',
  'show',
  '',
].join('\n');
const powershell = [
  '$env:PYTHONHOME = "/somewhere"; function global:prompt { "> " }',
  'function value($name) { $v = [Environment]::GetEnvironmentVariable($name); if ($v) { $v } else { "none" } }',
  'function show { "$(value VIRTUAL_ENV)|$(value PYTHONHOME)|$env:PATH|$(prompt)|$((Get-Command python).Source)" }',
  'show; . "{}/bin/Activate.ps1"; show; deactivate; show',
].join('\n');

const shells: readonly Shell[] = [
  { program: 'bash', options: ['--norc', '-c'], script: posix, hidesPythonHome: true },
  { program: 'dash', options: ['-c'], script: posix, hidesPythonHome: true },
  { program: 'zsh', options: ['-f', '-c'], script: posix, hidesPythonHome: true },
  { program: 'fish', options: ['--no-config', '-c'], script: fish, hidesPythonHome: true },
  { program: 'tcsh', options: ['-f', '-c'], script: tcsh, hidesPythonHome: false },
  { program: 'pwsh', options: ['-NoProfile', '-Command'], script: powershell, hidesPythonHome: true },
];

const mountedCase = sharedMount(async (shared) => {
  const probe = await anyInterpreter();
  return { twins: await Twins.make(shared, { name: 'demo', probe }) };
});

/** fish sets colours in its prompt. */
const escapeSequences = /\u001b(\[[\d;]*m|\(B)/g;

interface State {
  virtualEnv: string;
  pythonHome: string;
  path: string;
  prompt: string;
  python: string;
}

function statesOf(output: string): State[] {
  return output
    .replace(escapeSequences, '')
    .trimEnd()
    .split('\n')
    .map((line) => {
      const [virtualEnv = '', pythonHome = '', path = '', prompt = '', python = ''] = line.split('|');
      return { virtualEnv, pythonHome, path, prompt, python };
    });
}

for (const shell of shells) {
  const title = `${shell.program} activates a mounted environment as one on disk, and deactivating restores all`;
  if (!isOnPath(shell.program)) {
    test.skip(`${title} (skipped: no ${shell.program} on this machine)`, () => {});
    continue;
  }
  mountedCase(title, async (t, { sandbox, twins }) => {
    withoutVirtualEnv(sandbox);
    const { mounted, plain } = await twins.ask(shell.program, ...shell.options, shell.script);
    t.is(mounted.stdout, plain.stdout);
    t.is(mounted.stderr, '');
    const [before, active, after] = statesOf(mounted.stdout);
    t.deepEqual(after, before);
    t.is(before!.virtualEnv, 'none');
    t.is(before!.pythonHome, '/somewhere');
    t.is(active!.virtualEnv, '<env>');
    t.is(active!.pythonHome, shell.hidesPythonHome ? 'none' : '/somewhere');
    t.is(active!.path, `<env>/bin:${before!.path}`);
    t.regex(active!.prompt, /^\(demo\) /);
    t.is(active!.python, '<env>/bin/python');
  });
}

/** The tests may themselves run in an activated environment. */
function withoutVirtualEnv({ variables }: Sandbox): void {
  for (const name of ['VIRTUAL_ENV', 'VIRTUAL_ENV_PROMPT', 'VIRTUAL_ENV_DISABLE_PROMPT', 'PYTHONHOME']) {
    delete variables[name];
  }
}
