import { open, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { DaemonStatus } from '../../src/mount/daemon-status.js';
import { dataLine, writeLock, writeStormWheel } from '../storm/wheels.js';
import { anyInterpreter } from '../support/interpreters.js';
import { mountedTest } from '../support/mounts.js';

const wheelsInRound = 70;
const rounds = 2;
/** Of those that are shown no more (session-images.ts). */
const mostUnshown = 128;

mountedTest(
  'the engine holds what is shown and a little more, not what was shown; files that are open stay good',
  async (t, { sandbox, mountpoint, engine }) => {
    if (engine !== 'kernel') {
      t.pass('only the kernel engine holds images itself');
      return;
    }
    const { executable } = await anyInterpreter();
    const create = async (name: string, wheels: readonly string[]) => {
      const lock = await writeLock(sandbox.path(`pylock.${name}.toml`), wheels);
      const options = ['--python', executable, '--without-pip', '--no-bytecode'];
      await sandbox.expect('create', name, '-r', lock, ...options);
      await readFile(join(mountpoint, name, 'pyvenv.cfg'));
      const [library = ''] = await readdir(join(mountpoint, name, 'lib'));
      return join(mountpoint, name, 'lib', library, 'site-packages');
    };
    const held = async () => {
      const [status] = JSON.parse(await sandbox.expect('status', mountpoint, '--json')) as DaemonStatus[];
      return { images: status!.details.imagesHeld, generatedBytes: status!.generatedBytes };
    };
    const wheel = (name: string) => writeStormWheel(sandbox.path('wheels'), name, '1.0');
    await create('lasting', [await wheel('lasting')]);
    const { generatedBytes } = await held();
    t.true(generatedBytes > 0);
    const packages = await create('first', [await wheel('first')]);
    const file = await open(join(packages, 'first/storm.txt'));
    try {
      await sandbox.expect('delete', 'first');
      t.deepEqual(await held(), { images: 2, generatedBytes });
      for (let round = 0; round < rounds; round += 1) {
        const names = Array.from({ length: wheelsInRound }, (_, index) => `round${round}n${index}`);
        await create(`round${round}`, await Promise.all(names.map(wheel)));
        await sandbox.expect('delete', `round${round}`);
        await sandbox.expect('store', 'gc', '--older-than', '0');
      }
      t.deepEqual(await held(), { images: mostUnshown + 1, generatedBytes });
      const text = await file.readFile('utf8');
      t.is(text, dataLine('first', '1.0').repeat(2000));
      t.is((await held()).images, mostUnshown + 2);
    } finally {
      await file.close();
    }
  },
);
