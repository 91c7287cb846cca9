/**
 * npm run nfs [-- --requirement numpy --module numpy._core._multiarray_umath]
 * npm run nfs -- --measure [--delay 1] [--rounds 3] [--output FILE]
 *
 * Tries every rule of an exported mount in a User Mode Linux with an environment of real wheels; exits 1 when one does
 * not hold. With --measure: imports over NFS v4.2 with a delay on the network, of the mount and of a plain venv.
 */
import { execFileSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { availableParallelism, loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { projectRoot, Sandbox } from '../support/sandbox.js';
import type { Import, MeasureOptions } from './guest/measure.js';
import { nfsPackages } from './packages.js';
import { lastOf, prepareScene, readResults, runInGuest, runRules } from './run-rules.js';
import { summarize } from './summary.js';

const { values } = parseArgs({
  options: {
    requirement: { type: 'string', default: 'numpy' },
    module: { type: 'string', default: 'numpy._core._multiarray_umath' },
    measure: { type: 'boolean', default: false },
    delay: { type: 'string', default: '1' },
    rounds: { type: 'string', default: '3' },
    output: { type: 'string' },
  },
});
const measuredSets = {
  small: { requirements: ['flask'], modules: ['flask'] },
  large: {
    requirements: ['sqlalchemy', 'sphinx'],
    modules: ['sqlalchemy.orm', 'sphinx.application', 'flask'],
  },
};
const measureDeadlineMs = 540_000;

async function tryRules(sandbox: Sandbox, packages: string): Promise<boolean> {
  const { requirement, module } = values;
  const results = await runRules(sandbox, packages, { requirement, module });
  for (const { title, violations, ms } of results) {
    process.stdout.write(`${violations.length === 0 ? 'holds' : 'FAILS'}  ${ms} ms  ${title}\n`);
    for (const violation of violations) process.stdout.write(`       ${violation}\n`);
  }
  return results.every(({ violations }) => violations.length === 0);
}

async function measure(sandbox: Sandbox, packages: string): Promise<boolean> {
  const requirements = Object.values(measuredSets).flatMap((set) => set.requirements);
  const scene = await prepareScene(sandbox, { packages, extension: '', requirements });
  const sets = Object.fromEntries(Object.entries(measuredSets).map(([name, { modules }]) => [name, modules]));
  const wanted = { delayMs: Number(values.delay), rounds: Number(values.rounds) };
  const options: MeasureOptions = { ...scene, ...wanted, sets };
  const printed = await runInGuest(sandbox, 'measure.js', options, {
    memory: '3G',
    deadlineMs: measureDeadlineMs,
  });
  const imports = await readResults<Import>(options, 'imports');
  const rows = summarize(imports);
  const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], {
    cwd: projectRoot,
    encoding: 'utf8',
  });
  // Of the machine, not of the guest, which has one CPU: other work makes a round's times differ.
  const machine = { cpus: availableParallelism(), loadAfter: loadavg()[0] };
  const result = {
    machine,
    date: new Date().toISOString(),
    commit: commit.trim(),
    ...wanted,
    sets,
    rows,
    imports,
  };
  if (values.output !== undefined) await writeFile(values.output, `${JSON.stringify(result, null, 1)}\n`);
  process.stdout.write(`${rows.map((row) => JSON.stringify(row)).join('\n')}\n`);
  const expected = Object.keys(sets).length * 4 * wanted.rounds;
  if (imports.length < expected) process.stdout.write(`${lastOf(printed)}\n`);
  return imports.length === expected;
}

const packages = await nfsPackages();
if ('reason' in packages) {
  process.stdout.write(`skipped: ${packages.reason}\n`);
} else {
  const sandbox = await Sandbox.make();
  try {
    const isGood = await (values.measure ? measure : tryRules)(sandbox, packages.folder);
    process.exitCode = isGood ? 0 : 1;
  } finally {
    await sandbox.destroy();
  }
}
