import test, { type ExecutionContext } from 'ava';
import { errorCodes } from '../../../src/base/errors.js';
import { Sandbox } from '../../support/sandbox.js';

interface Told {
  error: { code: string; message: string; hint: string | null };
}

async function sandboxOf(t: ExecutionContext): Promise<Sandbox> {
  const sandbox = await Sandbox.make();
  t.teardown(() => sandbox.destroy());
  return sandbox;
}

const failures: [code: string, status: number, args: string[]][] = [
  ['ENVIRONMENT_MISSING', errorCodes.ENVIRONMENT_MISSING, ['show', 'ghost']],
  ['NOT_MOUNTED', errorCodes.NOT_MOUNTED, ['unmount', './nothing']],
  ['USAGE', errorCodes.USAGE, ['mount', './mnt', '--threads', 'many']],
  ['USAGE', errorCodes.USAGE, ['list', '--nonsense']],
  ['USAGE', errorCodes.USAGE, ['nonsense']],
  ['ENOENT', 1, ['store', 'add', 'absent-1.0-py3-none-any.whl']],
];
for (const [code, status, args] of failures) {
  test.serial(
    `shenv-fs ${args.join(' ')} --json tells on stdout, as JSON, what it tells on stderr`,
    async (t) => {
      const finished = await (await sandboxOf(t)).shenv(...args, '--json');
      t.is(finished.status, status, finished.stderr);
      const { error } = JSON.parse(finished.stdout) as Told;
      t.is(error.code, code);
      t.is(finished.stderr, `shenv-fs: ${error.message} [${code}]\n  -> ${error.hint}\n`);
    },
  );
}

test.serial('an error without --json leaves stdout empty', async (t) => {
  const { stdout, stderr } = await (await sandboxOf(t)).shenv('show', 'ghost');
  t.is(stdout, '');
  t.regex(stderr, /^shenv-fs: .+ \[ENVIRONMENT_MISSING\]\n {2}-> .+\n$/);
});

test.serial('a misspelt command is told the one that was meant', async (t) => {
  const { stderr } = await (await sandboxOf(t)).shenv('lst');
  t.regex(stderr, /Did you mean list\? `shenv-fs --help` tells its use\./);
});

test.serial('without a command the help comes on stderr, as a wrong use', async (t) => {
  const { status, stdout, stderr } = await (await sandboxOf(t)).shenv();
  t.is(status, errorCodes.USAGE);
  t.is(stdout, '');
  t.regex(stderr, /^Usage: shenv-fs/);
  t.notRegex(stderr, /\[USAGE\]/);
});

for (const [code, args] of [
  ['ENVIRONMENT_MISSING', ['run', 'ghost', '--', 'true']],
  ['ENVIRONMENT_MISSING', ['shell', 'ghost']],
  ['ENVIRONMENT_NAME', ['run', 'a/b', 'true']],
  ['USAGE', ['run', 'ghost']],
  ['USAGE', ['run', 'ghost', '--']],
  ['USAGE', ['completion', 'tcsh']],
] as const) {
  test.serial(`shenv-fs ${args.join(' ')} fails with ${code}, and mounts nothing`, async (t) => {
    const sandbox = await sandboxOf(t);
    const { status, stdout, stderr } = await sandbox.shenv(...args);
    t.is(status, errorCodes[code], stderr);
    t.is(stdout, '');
    t.regex(stderr, new RegExp(`^shenv-fs: .+ \\[${code}\\]\\n {2}-> .+\\n$`));
    t.deepEqual(JSON.parse(await sandbox.expect('status', '--json')), []);
  });
}
