import test, { type ExecutionContext } from 'ava';
import { isSameKind } from '../../../src/env/interpreter-survey.js';
import { supports } from '../../../src/env/passage.js';
import type { RepairedEnvironment } from '../../../src/env/repair.js';
import { requireInterpreter, skip } from '../../support/interpreters.js';
import { sandboxOf } from '../../support/mounts.js';
import {
  environmentsOf,
  movableInterpreter,
  moveInterpreter,
  stateOf,
  withOtherFacts,
} from '../../support/movable-interpreter.js';
import { fails, withModule, writePackages } from '../../support/packages.js';
import type { Sandbox } from '../../support/sandbox.js';
import { fakeInterpreter } from '../../support/views.js';
import { type WheelSpec, writeWheel } from '../../support/wheel-builder.js';

const bare = ['--without-pip', '--no-bytecode'];

/** What the command tells as JSON, by environment, and how it ends. */
async function repair(
  sandbox: Sandbox,
  ...args: string[]
): Promise<{ status: number | null; told: Map<string, RepairedEnvironment> }> {
  const { status, stdout, stderr } = await sandbox.shenv('repair', '--json', ...args);
  if (stdout === '') throw new Error(stderr);
  const list = JSON.parse(stdout) as RepairedEnvironment[];
  return { status, told: new Map(list.map((item) => [item.name, item])) };
}

test.serial(
  'an interpreter is current, patched, moved or gone, and the table says what is done',
  async (t) => {
    const [probe, other] = [await requireInterpreter(t, '3.11'), await requireInterpreter(t, '3.12')];
    if (!probe || !other) return;
    const sandbox = await sandboxOf(t);
    const executable = await movableInterpreter(sandbox, probe, 'first');
    await sandbox.expect('create', 'moved', '--python', executable, ...bare);
    for (const name of ['current', 'patched', 'gone'])
      await sandbox.expect('create', name, '--python', other.baseExecutable, ...bare);
    await withOtherFacts(sandbox, 'patched', { version: '3.12.0' });
    const nowhere = {
      minor: '3.99',
      version: '3.99.1',
      cacheTag: 'cpython-399',
      baseExecutable: '/nowhere/python3',
    };
    await withOtherFacts(sandbox, 'gone', nowhere);
    const later = await moveInterpreter(sandbox, executable, 'second');

    const { status, told } = await repair(sandbox, '--dry-run');
    t.is(status, 1, 'one cannot be repaired');
    t.deepEqual(
      [...told].map(([name, { state, outcome }]) => [name, state, outcome]),
      [
        ['current', 'current', 'unchanged'],
        ['gone', 'gone', 'left'],
        ['moved', 'moved', 'repaired'],
        ['patched', 'patched', 'repaired'],
      ],
    );
    t.deepEqual(told.get('moved')!.before, { version: probe.version, executable });
    t.deepEqual(told.get('moved')!.after, { version: probe.version, executable: later });
    t.is((await stateOf(sandbox, 'moved')).manifest.generation, 1, 'a dry run changes nothing');

    const { stdout } = await sandbox.shenv('repair');
    t.regex(stdout, /^current +1 +3\.12\.\d+ +current +3\.12\.\d+ +nothing$/m);
    t.regex(stdout, /^gone +2 +3\.99\.1 +gone +- +left as it is$/m);
    t.regex(stdout, /^gone: No Python 3\.99 is here any more\. .*shenv-fs repair gone --python/m);
    t.regex(stdout, /^patched +2 +3\.12\.0 +patched +3\.12\.\d+ +generation 3$/m);
    t.regex(stdout, /^2 environments repaired$/m);
    const patched = await stateOf(sandbox, 'patched');
    t.is(patched.interpreter.version, other.version);
    t.is(patched.manifest.change.what, `repair: Python 3.12.0 -> ${other.version}`);
    t.is(
      (await stateOf(sandbox, 'moved')).manifest.change.what,
      `repair: Python ${probe.version} at ${later}`,
    );
    const again = await repair(sandbox, 'current', 'moved', 'patched');
    t.is(again.status, 0);
    t.true([...again.told.values()].every(({ outcome }) => outcome === 'unchanged'));
  },
);

test.serial('a venv module that writes other files makes the record stale', async (t) => {
  const probe = await requireInterpreter(t, '3.11');
  if (!probe) return;
  const sandbox = await sandboxOf(t);
  await sandbox.expect('create', 'demo', '--python', probe.baseExecutable, ...bare);
  const { interpreter } = await stateOf(sandbox, 'demo');
  await withOtherFacts(sandbox, 'demo', { skeleton: interpreter.skeleton.slice(0, -1) });
  const { told } = await repair(sandbox);
  t.is(told.get('demo')!.state, 'patched');
  t.deepEqual((await stateOf(sandbox, 'demo')).interpreter.skeleton, interpreter.skeleton);
});

test.serial(
  'five environments get their moved interpreter as one change, with their layers and slots',
  async (t) => {
    const probe = await requireInterpreter(t, '3.11');
    if (!probe) return;
    const sandbox = await sandboxOf(t);
    const { source } = await writePackages(sandbox);
    const executable = await movableInterpreter(sandbox, probe, 'first');
    const names = ['a', 'b', 'c', 'd', 'e'];
    for (const name of names)
      await sandbox.expect('create', name, 'alpha', '--without-pip', '--python', executable, ...source);
    t.notRegex(await sandbox.expect('list'), /NOTE/);
    const before = await Promise.all(names.map((name) => stateOf(sandbox, name)));
    const later = await moveInterpreter(sandbox, executable, 'second');
    t.regex(await sandbox.expect('list'), /NOTE\n(.+ is gone: `shenv-fs repair`\n){5}$/);
    await fails(
      t,
      sandbox,
      { code: 'INTERPRETER_MISSING', says: /-> `shenv-fs repair`/ },
      ...['run', 'a', '--', 'python'],
    );

    const { status } = await repair(sandbox);
    t.is(status, 0);
    const after = await Promise.all(names.map((name) => stateOf(sandbox, name)));
    t.deepEqual(
      after.map(({ manifest }) => manifest.layers),
      before.map(({ manifest }) => manifest.layers),
    );
    t.true(
      after.every(
        ({ manifest, interpreter }) => manifest.generation === 2 && interpreter.baseExecutable === later,
      ),
    );
    t.is(new Set(after.map(({ manifest }) => manifest.change.id)).size, 1);
    t.not(after[0]!.manifest.change.id, undefined);
    t.notRegex(await sandbox.expect('list'), /NOTE/);
    const old = await environmentsOf(sandbox).read('a', 1);
    t.is(old.interpreter, before[0]!.manifest.interpreter, 'the earlier generation keeps its interpreter');
  },
);

const minorSpecs: WheelSpec[] = [
  { name: 'pure', version: '1.0' },
  { name: 'native', version: '1.0', tags: 'cp311-none-any' },
  { name: 'native', version: '1.0', tags: 'cp312-none-any' },
  { name: 'native', version: '2.0', tags: 'py3-none-any' },
  { name: 'stuck', version: '1.0', tags: 'cp311-none-any' },
  { name: 'stuck', version: '2.0', tags: 'cp312-none-any' },
  { name: 'asking', version: '1.0', requires: ['pure; python_version >= "3.12"'] },
];

/** An environment for each of `sets`, of Python 3.11 with bytecode. */
async function minorSandbox(
  t: ExecutionContext,
  sets: Record<string, string[]>,
): Promise<{ sandbox: Sandbox; change: string[]; version: string } | undefined> {
  const [before, after] = [await requireInterpreter(t, '3.11'), await requireInterpreter(t, '3.12')];
  if (!before || !after) return undefined;
  const sandbox = await sandboxOf(t);
  const folder = sandbox.path('wheels');
  for (const spec of minorSpecs) await writeWheel(folder, withModule(spec));
  const source = ['--no-index', '--find-links', folder];
  const python = ['--without-pip', '--python', before.baseExecutable];
  for (const [name, requirements] of Object.entries(sets))
    await sandbox.expect('create', name, ...requirements, ...python, ...source);
  return { sandbox, version: after.version, change: ['--python', after.baseExecutable, ...source] };
}

const titles = (manifest: { layers: { image: { name: string; version: string } }[] }) =>
  manifest.layers.map(({ image }) => `${image.name} ${image.version}`).sort();

test.serial(
  'another minor version: pure wheels stay, others are taken anew in the same version',
  async (t) => {
    const made = await minorSandbox(t, { web: ['pure', 'native==1.0'] });
    if (!made) return;
    const { sandbox, change, version } = made;
    const before = (await stateOf(sandbox, 'web')).manifest;
    const dry = await repair(sandbox, '--dry-run', ...change);
    t.deepEqual(dry.told.get('web')!.wheels, [{ name: 'native', from: '1.0', to: '1.0' }]);
    t.deepEqual((await stateOf(sandbox, 'web')).manifest, before);
    t.is((JSON.parse(await sandbox.expect('store', 'list', '--json')) as unknown[]).length, 2);

    const { status } = await repair(sandbox, ...change);
    t.is(status, 0);
    const { manifest, interpreter } = await stateOf(sandbox, 'web');
    t.is(interpreter.version, version);
    t.deepEqual(titles(manifest), ['native 1.0', 'pure 1.0']);
    const find = (layers: typeof manifest.layers, name: string) =>
      layers.find(({ image }) => image.name === name)!;
    const digest = (layers: typeof manifest.layers, name: string) => find(layers, name).image.wheelDigest;
    t.is(digest(manifest.layers, 'pure'), digest(before.layers, 'pure'));
    t.not(digest(manifest.layers, 'native'), digest(before.layers, 'native'));
    t.deepEqual(
      manifest.layers.map(({ bytecode }) => bytecode),
      ['cpython-312', 'cpython-312'],
    );
    const slots = new Set([...before.layers, ...manifest.layers].map(({ slot }) => slot));
    t.is(slots.size, 4, 'other bytecode, other slots');
    t.deepEqual(manifest.requested, before.requested);
  },
);

test.serial('an environment of which a wheel is missing is left as it is, and others are not', async (t) => {
  const made = await minorSandbox(t, { web: ['pure'], old: ['stuck==1.0', 'pure'], asks: ['asking'] });
  if (!made) return;
  const { sandbox, change } = made;
  const { status, told } = await repair(sandbox, ...change);
  t.is(status, 1);
  t.deepEqual(
    [...told.values()].map(({ name, outcome }) => [name, outcome]),
    [
      ['asks', 'left'],
      ['old', 'left'],
      ['web', 'repaired'],
    ],
  );
  t.regex(told.get('old')!.reason!, /^stuck 1\.0: needed for Python 3\.12.*No matching distribution/);
  t.regex(told.get('asks')!.reason!, /asking 1\.0 requires pure, which is not installed/);
  for (const name of ['asks', 'old']) t.is((await stateOf(sandbox, name)).manifest.generation, 1);
  t.is((await stateOf(sandbox, 'web')).manifest.generation, 2);
});

test.serial(
  'with --allow-other-versions the requirements are resolved anew where versions cannot stay',
  async (t) => {
    const made = await minorSandbox(t, { old: ['native==1.0', 'stuck'], asks: ['asking'] });
    if (!made) return;
    const { sandbox, change } = made;
    const wheelsOf = ({ told }: { told: Map<string, RepairedEnvironment> }, name: string) =>
      told
        .get(name)!
        .wheels.map((wheel) => `${wheel.name} ${wheel.from} ${wheel.to}`)
        .sort();
    const dry = await repair(sandbox, 'asks', '--dry-run', '--allow-other-versions', ...change);
    t.deepEqual(wheelsOf(dry, 'asks'), ['pure undefined 1.0']);
    const done = await repair(sandbox, '--allow-other-versions', ...change);
    t.is(done.status, 0);
    t.deepEqual(titles((await stateOf(sandbox, 'old')).manifest), ['native 1.0', 'stuck 2.0']);
    t.deepEqual(titles((await stateOf(sandbox, 'asks')).manifest), ['asking 1.0', 'pure 1.0']);
    t.deepEqual(wheelsOf(done, 'old'), ['native 1.0 1.0', 'stuck 1.0 2.0']);
  },
);

test.serial('the pip that came with the interpreter becomes that of the other minor version', async (t) => {
  const [before, after] = [await requireInterpreter(t, '3.10'), await requireInterpreter(t, '3.12')];
  if (!before?.ensurepipWheel || !after?.ensurepipWheel) return skip(t, 'there is no ensurepip here');
  const sandbox = await sandboxOf(t);
  await sandbox.expect('create', 'demo', '--no-bytecode', '--python', before.baseExecutable);
  const { status } = await repair(sandbox, '--no-index', '--python', after.baseExecutable);
  t.is(status, 0);
  const [pip] = (await stateOf(sandbox, 'demo')).manifest.layers;
  t.true(after.ensurepipWheel.includes(`/pip-${pip!.image.version}-`), pip!.image.version);
});

test('a wheel may stay when its tags and Requires-Python suit, or when the interpreter is of the same kind', (t) => {
  const record = (minor: string, tags: string[]) => ({ ...fakeInterpreter(minor), tags });
  const newer = record('3.12', [
    'cp312-cp312-linux_x86_64',
    'cp312-abi3-linux_x86_64',
    'cp312-none-any',
    'py3-none-any',
  ]);
  t.true(supports({ tags: ['cp312-none-any'] }, newer));
  t.true(supports({ tags: ['cp38-abi3-linux_x86_64', 'cp312-abi3-linux_x86_64'] }, newer));
  t.false(supports({ tags: ['cp311-cp311-linux_x86_64'] }, newer));
  t.false(supports({ tags: ['py3-none-any'], requiresPython: '<3.12' }, newer));
  const unknown = record('3.12', []);
  t.true(supports({ tags: ['py3-none-any'] }, unknown));
  t.false(supports({ tags: ['cp312-cp312-linux_x86_64'] }, unknown));
  t.true(isSameKind(newer, unknown));
  t.false(isSameKind(newer, record('3.11', [])));
  t.false(isSameKind(newer, record('3.12', ['cp312-cp312t-linux_x86_64'])), 'free-threaded');
});

test.serial(
  'repair of a name that is not there, or with a Python that is not, changes nothing',
  async (t) => {
    const sandbox = await sandboxOf(t);
    await sandbox.expect('create', 'demo', ...bare);
    await fails(t, sandbox, { code: 'ENVIRONMENT_MISSING', says: /ghost/ }, 'repair', 'demo', 'ghost');
    await fails(t, sandbox, { code: 'INTERPRETER_MISSING', says: /3\.99/ }, 'repair', '--python', '3.99');
  },
);
