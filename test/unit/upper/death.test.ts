import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import test from 'ava';
import { loadSystemCalls } from '../../../src/upper/system-calls.js';
import { temporaryFolder } from '../../support/temporary-folder.js';
import { TestLower } from '../../support/test-lower.js';
import { TestLayer } from '../../support/upper-layers.js';
import { site } from '../../support/views.js';

const specs = [{ name: 'one', files: { 'site/one/x.py': 'x', 'site/one/sub/y.py': 'y', 'bin/tool': 't' } }];
const one = `${site}/one`;

/** Calls that change the disk. After the last one that is left, none is carried out: the process has died there. */
const nativeNames = ['renameAt', 'setTimes', 'setXattr', 'makeNode', 'removeXattr'] as const;
const nodeNames = [
  'unlinkSync',
  'rmdirSync',
  'linkSync',
  'mkdirSync',
  'symlinkSync',
  'writeFileSync',
  'chmodSync',
  'rmSync',
  'openSync',
] as const;

class Death extends Error {}

let callsLeft = Number.POSITIVE_INFINITY;

function mortal(holder: object, name: string): void {
  const call = Reflect.get(holder, name) as (...given: unknown[]) => unknown;
  const replacement = (...given: unknown[]) => {
    const changes = name !== 'openSync' || (Number(given[1]) & fs.constants.O_CREAT) !== 0;
    if (changes && callsLeft-- <= 0) throw new Death();
    return call(...given);
  };
  Reflect.set(holder, name, replacement);
}

for (const name of nativeNames) mortal(loadSystemCalls(), name);
for (const name of nodeNames) mortal(fs, name);
syncBuiltinESMExports();

/** What is shown, but for times. */
function shown(upper: TestLayer): string[] {
  return [...upper.walk()].map(({ path, inode, attributes }) => {
    const type = attributes.mode & 0o170000;
    const isFile = type === 0o100000;
    const content = isFile
      ? upper.readInode(inode).toString()
      : type === 0o120000
        ? upper.layer.readLink(inode)
        : '';
    return `${path} ${attributes.mode.toString(8)} ${isFile ? attributes.nlink : ''} ${content}`;
  });
}

const operations: Readonly<Record<string, { before?(upper: TestLayer): void; run(upper: TestLayer): void }>> =
  {
    'a lower file is changed': {
      run: (upper) => upper.layer.setAttributes(upper.inodeOf(`${one}/sub/y.py`), { mode: 0o600 }),
    },
    'a lower file is removed': { run: (upper) => upper.unlink(`${one}/sub/y.py`) },
    'a changed file is removed': {
      before: (upper) => upper.write(`${one}/x.py`, 'X'),
      run: (upper) => upper.unlink(`${one}/x.py`),
    },
    'a file is made': { run: (upper) => upper.create(`${one}/new.py`, '') },
    'a folder is made': { run: (upper) => upper.mkdir(`${one}/new`) },
    'a lower file is moved': { run: (upper) => upper.rename('bin/tool', `${one}/tool`) },
    'a lower folder is moved': { run: (upper) => upper.rename(one, `${site}/~ne`) },
    'a changed folder is moved': {
      before: (upper) => upper.create(`${one}/n`, 'n'),
      run: (upper) => upper.rename(one, 'there'),
    },
    'a file takes the place of another': {
      before: (upper) => upper.create('n', 'n'),
      run: (upper) => upper.rename('n', 'bin/tool'),
    },
    'a file takes the place of a changed one': {
      before: (upper) => {
        upper.create('n', 'n');
        upper.write('bin/tool', 'T');
      },
      run: (upper) => upper.rename('n', 'bin/tool'),
    },
    'a folder takes the place of an emptied one': {
      before: (upper) => {
        upper.mkdir('n');
        upper.create('n/f', 'f');
        upper.unlink(`${one}/sub/y.py`);
      },
      run: (upper) => upper.rename('n', `${one}/sub`),
    },
    'a lower folder takes the place of an empty lower one': { run: (upper) => upper.rename(one, 'include') },
    'an emptied folder that was moved is removed': {
      before: (upper) => {
        upper.rename(`${one}/sub`, `${site}/moved`);
        upper.unlink(`${site}/moved/y.py`);
      },
      run: (upper) => upper.rmdir(`${site}/moved`),
    },
    'an emptied folder is removed': {
      before: (upper) => upper.unlink(`${one}/sub/y.py`),
      run: (upper) => upper.rmdir(`${one}/sub`),
    },
    'two folders are exchanged': { run: (upper) => upper.rename('bin', one, 2) },
    'a lower file gets another name': { run: (upper) => upper.link('bin/tool', `${one}/tool`) },
  };

for (const [what, { before, run }] of Object.entries(operations)) {
  test.serial(`wherever the process dies while ${what}, it is done or not`, async (t) => {
    const folder = await temporaryFolder(t);
    const lower = await TestLower.ofSpecs(folder, specs);
    const begin = async (name: string) => {
      const upper = await TestLayer.over(t, lower, join(folder, name));
      before?.(upper);
      return upper;
    };
    const whole = await begin('whole');
    const undone = shown(whole);
    run(whole);
    const done = shown(whole);
    t.notDeepEqual(done, undone);
    let deaths = 0;
    for (let calls = 0, isDead = true; isDead; calls += 1) {
      const upper = await begin(`${calls}`);
      callsLeft = calls;
      isDead = false;
      try {
        run(upper);
      } catch (error) {
        if (!(error instanceof Death)) throw error;
        isDead = true;
        deaths += 1;
      } finally {
        callsLeft = Number.POSITIVE_INFINITY;
      }
      await upper.reopen();
      const found = shown(upper);
      const isUndone = isDead && found.join('\n') === undone.join('\n');
      if (!isUndone) t.deepEqual(found, done, `after ${calls} calls`);
      t.deepEqual(upper.orphansOnDisk(), []);
      upper.close();
    }
    t.true(deaths > 0);
  });
}
