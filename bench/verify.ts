/**
 * npm run build && node build/bench/verify.js [--rounds 5] WHEEL...
 *
 * What share of the disk's speed `store verify` has, with caches dropped before each: dd reads every image one after
 * another, then verify does, round by round. Needs root. Writes bench/results/.
 */
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { program, Sandbox } from '../test/support/sandbox.js';
import { describeMachine, dropCaches, median, saveResult, wallMs } from './measure.js';

const { values, positionals: wheels } = parseArgs({
  options: { rounds: { type: 'string', default: '5' } },
  allowPositionals: true,
});

const mib = 2 ** 20;
const readAll = 'find "$0" -name "*.img" -exec dd if={} of=/dev/null bs=4M status=none \\;';

const sandbox = await Sandbox.make();
try {
  await sandbox.expect('store', 'add', ...wheels.map((wheel) => resolve(wheel)));
  const images = JSON.parse(await sandbox.expect('store', 'list', '--json')) as { bytes: number }[];
  const bytes = images.reduce((sum, image) => sum + image.bytes, 0);
  const speed = async (command: string, ...args: string[]) => {
    await dropCaches();
    return (bytes / mib / (await wallMs(command, args, sandbox.variables))) * 1000;
  };
  const rows = [];
  for (let round = 0; round < Number(values.rounds); round += 1) {
    const ddMibPerSecond = await speed('sh', '-c', readAll, sandbox.path('home', 'store'));
    const verifyMibPerSecond = await speed(process.execPath, program, 'store', 'verify');
    const share = verifyMibPerSecond / ddMibPerSecond;
    rows.push({ ddMibPerSecond, verifyMibPerSecond, share });
    process.stdout.write(
      `dd ${ddMibPerSecond.toFixed(0)} MiB/s, verify ${verifyMibPerSecond.toFixed(0)} MiB/s, ${(share * 100).toFixed(0)} %\n`,
    );
  }
  const medianShare = median(rows.map(({ share }) => share));
  process.stdout.write(`median ${(medianShare * 100).toFixed(0)} % of dd\n`);
  await saveResult('verify', {
    ...(await describeMachine()),
    images: images.length,
    bytes,
    medianShare,
    rows,
  });
} finally {
  await sandbox.destroy();
}
