import { writeFile } from 'node:fs/promises';
import test from 'ava';
import { writeSampleWheels } from '../../support/sample-wheels.js';
import { Sandbox } from '../../support/sandbox.js';

test('the same sync again makes no generation, though pip chose first and the store suffices then', async (t) => {
  const sandbox = await Sandbox.make();
  t.teardown(() => sandbox.destroy());
  const wheels = await writeSampleWheels(sandbox);
  const pinned = sandbox.path('requirements.txt');
  await writeFile(pinned, 'alpha==1.0\nbeta==2.0\n');
  await sandbox.expect('create', 'demo', '--without-pip', '--no-bytecode');
  const sync = ['sync', 'demo', pinned, '--no-index', '--find-links', wheels, '--json'];
  const generations: number[] = [];
  for (let time = 0; time < 2; time += 1) {
    generations.push((JSON.parse(await sandbox.expect(...sync)) as { generation: number }).generation);
  }
  t.deepEqual(generations, [2, 2]);
});
