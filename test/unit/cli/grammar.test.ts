import test from 'ava';
import { describeCommand, listLeaves } from '../../../src/cli/describe.js';
import { makeProgram } from '../../../src/cli/program.js';

const leaves = listLeaves(describeCommand(makeProgram(new AbortController().signal)));

/** Commands that cannot give JSON, with the reason. */
const withoutJson: Readonly<Record<string, string>> = {
  run: 'its output is that of the program that it runs',
  shell: 'it is interactive',
  completion: 'it prints a script',
  metrics: 'it prints the text form of Prometheus',
  'store dump': 'it prints a text form that is made to be compared',
};

for (const { path, description, examples, options, arguments: taken } of leaves) {
  const name = path.join(' ');

  test(`${name} is described, and so are its arguments and options`, (t) => {
    t.regex(description, /\S/);
    for (const argument of taken) t.regex(argument.description, /\S/, argument.name);
    for (const option of options) t.regex(option.description, /\S/, option.flags);
  });

  test(`the help of ${name} ends with an example that calls it`, (t) => {
    t.true(examples.length > 0);
    t.true(examples.join('\n').includes(`shenv-fs ${name}`), examples.join('\n'));
  });

  const reason = withoutJson[name];
  test(`${name} ${reason === undefined ? 'has --json' : `has no --json, because ${reason}`}`, (t) => {
    t.is(
      options.some(({ long }) => long === '--json'),
      reason === undefined,
    );
  });
}

test('every exception from --json is a command that there is', (t) => {
  const names = leaves.map(({ path }) => path.join(' '));
  for (const name of Object.keys(withoutJson)) t.true(names.includes(name), name);
});

test('a described command has the kinds of its arguments by their names', (t) => {
  const kindsOf = (name: string) =>
    leaves.find(({ path }) => path.join(' ') === name)!.arguments.map(({ kind }) => kind);
  t.deepEqual(kindsOf('run'), ['environment', 'command']);
  t.deepEqual(kindsOf('delete'), ['environment']);
  t.deepEqual(kindsOf('store add'), ['file']);
  t.deepEqual(kindsOf('mount'), ['folder']);
  t.deepEqual(kindsOf('create'), ['other', 'file']);
});

test('with its first word alone a command is understood as with all', (t) => {
  const { signal } = new AbortController();
  const whole = makeProgram(signal);
  for (const command of whole.commands) {
    for (const word of [command.name(), ...command.aliases()]) {
      const found = makeProgram(signal, word).commands.find((item) => item.name() === command.name());
      t.deepEqual(found && describeCommand(found), describeCommand(command), word);
    }
  }
  t.is(makeProgram(signal, 'completion').commands.length, whole.commands.length);
  t.is(makeProgram(signal, 'nonsense').commands.length, whole.commands.length);
});
