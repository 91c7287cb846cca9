import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { systemErrorCode } from '../../../src/base/errors.js';
import type { CheckName } from '../../../src/doctor/checks.js';
import { examine } from '../../../src/doctor/examine.js';
import { eventually } from '../../support/eventually.js';
import { temporaryFolder } from '../../support/temporary-folder.js';

const told = (check: CheckName) => JSON.stringify({ check, level: 'ok', what: 'seen' });
const { signal } = new AbortController();

/** Checks as shell scripts. */
function scripts(texts: Partial<Record<CheckName, string>>) {
  return (name: CheckName): [string, string[]] => ['sh', ['-c', texts[name] ?? `echo '${told(name)}'`]];
}

test('findings come in the order of the checks, whichever ends first', async (t) => {
  const command = scripts({ fuse: `sleep 0.2; echo '${told('fuse')}'` });
  const findings = await examine(['fuse', 'limits', 'home', 'store'], { signal, command });
  t.deepEqual(
    findings.map(({ check, level }) => [check, level]),
    ['fuse', 'limits', 'home', 'store'].map((check) => [check, 'ok']),
  );
});

test('a check that hangs, deaf to being asked to end, costs what it would have told after that and nothing else', async (t) => {
  const file = join(await temporaryFolder(t), 'pid');
  const hang = `trap '' TERM; echo $$ > ${file}; echo '${told('home')}'; while :; do sleep 1; done`;
  const findings = await examine(['home', 'store'], {
    signal,
    deadlineMs: 500,
    graceMs: 300,
    command: scripts({ home: hang }),
  });
  t.deepEqual(
    findings.map(({ check, level }) => [check, level]),
    [
      ['home', 'ok'],
      ['home', 'problem'],
      ['store', 'ok'],
    ],
  );
  t.regex(findings[1]!.what, /did not end within 0.5 s/);
  const pid = Number(await readFile(file, 'utf8'));
  await eventually(async () => !isAlive(pid), 'the check is gone');
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    if (systemErrorCode(error) !== 'ESRCH') throw error;
    return false;
  }
}

test('a check that crashes, or cannot be started, is a problem with its last words', async (t) => {
  const command = (name: CheckName): [string, string[]] =>
    name === 'home' ? ['sh', ['-c', 'echo last words >&2; kill -SEGV $$']] : ['/absent/program', []];
  const [crashed, absent, ...more] = await examine(['home', 'store'], { signal, command });
  t.deepEqual(more, []);
  t.regex(`${crashed!.level} ${crashed!.what}`, /problem The check ended by SIGSEGV: last words/);
  t.regex(`${absent!.level} ${absent!.what}`, /problem .*\/absent\/program ENOENT/);
});

test('an examination that is interrupted ends its checks, and throws', async (t) => {
  const abort = new AbortController();
  const examined = examine(['home'], { signal: abort.signal, command: scripts({ home: 'exec sleep 60' }) });
  abort.abort();
  const error = await t.throwsAsync(examined, { any: true });
  t.is((error as Error).name, 'AbortError');
});
