import { requireInterpreter } from '../support/interpreters.js';
import { sharedMount } from '../support/shared-mount.js';
import { fetchWheels, keepBytecodeAside, Twins } from '../support/twins.js';

/** Versions of pip years apart, each with a Python of its time. */
const generations = [
  { pip: 'pip==20.3.4', minor: '3.9' },
  { pip: 'pip==22.3.1', minor: '3.11' },
  { pip: 'pip', minor: '3.13' },
] as const;
const requirements = ['requests', 'attrs'];
const questions: readonly (readonly string[])[] = [
  ['list', '--format', 'json'],
  ['list', '--not-required', '--format', 'json'],
  ['freeze'],
  ['freeze', '--all'],
  ['check'],
];
const mountedCase = sharedMount(({ sandbox }) => {
  keepBytecodeAside(sandbox);
  return {};
});

for (const { pip, minor } of generations) {
  mountedCase(
    `${pip} of Python ${minor} says the same in a mounted environment as in a venv on disk`,
    async (t, shared) => {
      const probe = await requireInterpreter(t, minor);
      if (!probe) return;
      const wanted = [pip, ...requirements];
      const wheels = await fetchWheels(shared.sandbox, probe, wanted);
      const twins = await Twins.make(shared, { name: `py${minor}`, probe, requirements: wanted, wheels });
      const ask = (args: readonly string[]) => twins.ask('{}/bin/python', '-m', 'pip', ...args);

      const listed = await ask(['list', '--format', 'json']);
      const names = (JSON.parse(listed.plain.stdout) as { name: string }[]).map(({ name }) => name);
      t.true(names.includes('pip') && names.length > requirements.length);
      for (const question of [...questions, ['show', '-f', ...names]]) {
        const { mounted, plain } = await ask(question);
        t.is(plain.status, 0, plain.stderr);
        t.is(mounted.status, 0, mounted.stderr);
        t.is(withSortedSets(mounted.stdout), withSortedSets(plain.stdout), question.join(' '));
      }
      const inspected = await ask(['inspect']);
      t.is(inspected.mounted.status, inspected.plain.status);
      if (inspected.plain.status !== 0) t.regex(inspected.plain.stderr, /unknown command/);
      else t.deepEqual(sorted(inspected.mounted.stdout), sorted(inspected.plain.stdout));
    },
  );
}

/** pip 20.3 prints what a distribution requires in the order of a set. */
function withSortedSets(text: string): string {
  return text.replace(/^(Requires: )(.*)$/gm, (_, key: string, names: string) => {
    return key + names.trim().split(', ').sort().join(', ');
  });
}

/** pip inspects in the order of the directory, which a file system on disk does not define. */
function sorted(text: string): unknown {
  const report = JSON.parse(text) as { installed: { metadata: { name: string } }[] };
  report.installed.sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
  return report;
}

for (const { pip, minor } of generations) {
  mountedCase(
    `${pip} of Python ${minor} ends with an error that names the read-only environment, and installs elsewhere`,
    async (t, { sandbox, mountpoint }) => {
      if (!(await requireInterpreter(t, minor))) return;
      const python = `${mountpoint}/py${minor}/bin/python`;
      const wheels = ['--no-index', '--find-links', sandbox.path(`wheels-${minor}`)];
      const install = ['-m', 'pip', 'install', '--no-deps', '--ignore-installed', ...wheels, 'attrs'];
      const refused = await sandbox.run(python, install);
      t.is(refused.status, 1);
      t.regex(refused.stderr, /Read-only file system: '.*site-packages/);
      t.true(refused.stderr.includes(mountpoint));
      const elsewhere = await sandbox.run(python, [...install, '--target', sandbox.path(`target-${minor}`)]);
      t.is(elsewhere.status, 0, elsewhere.stderr);
    },
  );
}
