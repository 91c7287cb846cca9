import { randomInt } from 'node:crypto';
import test from 'ava';
import { describeHosts, runHosts } from './hosts.js';

/** The whole form is `npm run hosts`. */
const seconds = Number(process.env.SHENV_HOSTS_SECONDS || 8);
const seed = Number(process.env.SHENV_HOSTS_SEED || randomInt(2 ** 31));

test('while two hosts create, upgrade, seal and collect on one store, nothing is lost and no view is stale after reload', async (t) => {
  t.log(`SHENV_HOSTS_SEED=${seed}`);
  const options = { seconds, seed, hosts: 2, creators: 1 };
  const summary = await runHosts(options);
  t.log(describeHosts(options, summary));
  t.deepEqual(summary.violations, []);
  t.true(summary.operations > 0 && summary.collections > 0);
  t.true(summary.mounts === 0 || summary.compared > 0);
});
