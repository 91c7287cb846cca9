import test from 'ava';
import { skip } from '../support/interpreters.js';
import { Sandbox } from '../support/sandbox.js';
import { rules } from './guest/rules.js';
import { nfsPackages } from './packages.js';
import { type Result, runRules } from './run-rules.js';

let sandbox: Sandbox | undefined;
let reason: string | undefined;
let results: Result[] = [];

test.before('a guest exports a mount and tries every rule', async () => {
  const packages = await nfsPackages();
  if ('reason' in packages) {
    reason = packages.reason;
    return;
  }
  sandbox = await Sandbox.make();
  const extension = { requirement: 'markupsafe', module: 'markupsafe._speedups' };
  try {
    results = await runRules(sandbox, packages.folder, extension);
  } catch (error) {
    if (!(error instanceof Error) || !error.message.includes('[RESOLVER_FAILED]')) throw error;
    reason = `pip cannot have ${extension.requirement}`;
  }
});

test.after.always('everything is taken away again', () => sandbox?.destroy());

for (const { title } of rules) {
  test(`the kernel's NFS server and client: ${title}`, (t) => {
    if (reason !== undefined) return skip(t, reason);
    const scene = results.find((result) => result.title === 'scene');
    t.deepEqual(scene?.violations ?? [], []);
    t.deepEqual(results.find((result) => result.title === title)?.violations, []);
  });
}
