import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { engines, mountOrSkip, sandboxOf } from '../support/mounts.js';
import { createSample } from '../support/sample-wheels.js';

const places: [string, string, string][] = [
  ['a short path', 'mnt', 'demo'],
  ['a path longer than 127 bytes', `mount-${'long'.repeat(30)}`, 'demo'],
  ['a path with a space', 'my mount', 'my env'],
  ['a long path with a space and Unicode', `größe ${'long'.repeat(30)}`, 'dëmo env'],
];
for (const engine of engines) {
  for (const [title, mountName, name] of places) {
    test.serial(`${engine}: scripts run from ${title}`, async (t) => {
      const sandbox = await sandboxOf(t);
      const mountpoint = await mountOrSkip(t, sandbox, engine, mountName);
      if (!mountpoint) return;
      await createSample(sandbox, name);
      const bin = join(mountpoint, name, 'bin');
      const ran = await sandbox.run(join(bin, 'alpha'), ['one', 'two words']);
      t.is(ran.stdout, 'alpha runs one two words\n', ran.stderr);
      const tool = await sandbox.run(join(bin, 'alpha-tool'), []);
      t.is(tool.stdout, `${join(mountpoint, name)}\n`, tool.stderr);
      const first = (await readFile(join(bin, 'alpha'), 'utf8')).split('\n')[0]!;
      t.is(first, Buffer.byteLength(bin) > 100 || / /.test(bin) ? '#!/bin/sh' : `#!${bin}/python`);
    });
  }
}
