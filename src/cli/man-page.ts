import { errorCodes } from '../base/errors.js';
import { type DescribedArgument, type DescribedCommand, describeCommand, listLeaves } from './describe.js';
import { makeProgram, placeVariables, settingVariables } from './program.js';

const lineCharacters = 78;

/** The manual page in the macros of man(7), as the grammar of the command line gives it now. */
export function currentManPage(): string {
  const program = makeProgram(new AbortController().signal);
  return makeManPage(describeCommand(program), program.version() ?? '');
}

function makeManPage(program: DescribedCommand, version: string): string {
  const parts = [
    '.\\" Written by `npm run man` from the grammar of the command line; do not edit.',
    `.TH SHENV\\-FS 1 "" "shenv\\-fs ${roff(version)}" "User Commands"`,
    ...section('NAME', [`shenv\\-fs \\- ${roff(program.description)}`]),
    ...section('SYNOPSIS', ['.B shenv\\-fs', roff(program.usage)]),
    ...section('DESCRIPTION', description),
    ...program.options.flatMap((option) => term(`.B ${roff(option.flags)}`, roff(option.description))),
    ...section('COMMANDS', listLeaves(program).flatMap(describeLeaf)),
    ...section(
      'ENVIRONMENT',
      [...placeVariables, ...settingVariables, ...otherVariables].flatMap(([name, meaning]) =>
        term(`.B ${name}`, roff(sentence(meaning))),
      ),
    ),
    ...section(
      'FILES',
      files.flatMap(([path, meaning]) => term(`.I ${roff(path)}`, roff(meaning))),
    ),
    ...section('EXIT STATUS', exitStatus()),
    ...section('EXAMPLES', program.examples.flatMap(describeExampleWithRemark)),
    ...section('SEE ALSO', ['.BR python3 (1),', '.BR fusermount3 (1),', '.BR mount.fuse3 (8)']),
  ];
  return `${parts.flatMap(wrap).join('\n')}\n`;
}

const description = [
  'Each environment is shown as an ordinary virtual environment of Python in a mount, and is composed on the fly ' +
    'from a store that all environments share.',
  'Environments are read-only: writing to one fails with \\(lqRead\\-only file system\\(rq.',
  '.PP',
  'An error is one line of cause, with its code in brackets, and one of remedy on standard error.',
  'With \\fB\\-\\-json\\fR it is an object \\fBerror\\fR with \\fBcode\\fR, \\fBmessage\\fR and \\fBhint\\fR on ' +
    'standard output too.',
];

const otherVariables: typeof placeVariables = [
  ['SHENV_DEBUG', 'where it is set, errors come with their stack'],
  ['NODE_DISABLE_COMPILE_CACHE', 'where it is set, nothing is kept to make the next start quicker'],
  ['SHELL', 'what the command shell starts'],
];

const files: readonly (readonly [path: string, meaning: string])[] = [
  ['~/.venvs', 'Where environments are shown by default.'],
  [
    '$XDG_DATA_HOME/shenv-fs',
    'Environments, interpreters, and the store; ~/.local/share/shenv-fs by default.',
  ],
  ['$XDG_RUNTIME_DIR/shenv-fs', 'Control sockets, records and logs of mounts.'],
  [
    '$XDG_CACHE_HOME/shenv-fs',
    'What makes the next start quicker, and may be removed; ~/.cache/shenv-fs by default.',
  ],
];

function section(title: string, lines: readonly string[]): string[] {
  return [`.SH ${title.includes(' ') ? `"${title}"` : title}`, ...lines];
}

/** A paragraph with a hanging tag. */
function term(tag: string, text: string): string[] {
  return ['.TP', tag, text];
}

function describeLeaf(command: DescribedCommand): string[] {
  const { path, usage, aliases, description: purpose, options, examples } = command;
  const also = aliases.length === 0 ? '' : ` Also called ${aliases.join(', ')}.`;
  return [
    `.SS "shenv\\-fs ${roff(path.join(' '))}"`,
    `.B shenv\\-fs ${roff(usage)}`,
    '.PP',
    roff(`${sentence(purpose)}${also}`),
    ...command.arguments.flatMap((item) => term(`.I ${roff(item.name)}`, roff(sentence(meaningOf(item))))),
    ...options
      .filter(({ long }) => long !== '--help')
      .flatMap((item) =>
        term(
          `.B ${roff(item.flags)}`,
          roff(sentence(withChoices(item.description, item.value?.choices ?? []))),
        ),
      ),
    ...examples.flatMap(describeExample),
  ];
}

function meaningOf({ description: text, choices, required }: DescribedArgument): string {
  return withChoices(required ? text : `${text} (may be left out)`, choices);
}

function withChoices(text: string, choices: readonly string[]): string {
  return choices.length === 0 ? text : `${text}: one of ${choices.join(', ')}`;
}

/** A line of shell, and the remark that two spaces separate from it. */
function splitExample(line: string): { command: string; remark: string | undefined } {
  const [command = '', remark] = line.split(/ {2,}/);
  return { command: roff(command), remark: remark && roff(sentence(remark.replace(/^# /, ''))) };
}

function describeExample(line: string): string[] {
  const { command, remark } = splitExample(line);
  const shown = ['.RS 4', '.nf', `\\fB${command}\\fR`, '.fi', '.RE'];
  return ['.PP', ...(remark === undefined ? [] : [remark]), ...shown];
}

function describeExampleWithRemark(line: string): string[] {
  const { command, remark } = splitExample(line);
  return term(`.B ${command}`, remark ?? '');
}

function exitStatus(): string[] {
  return [
    ...term('.B 0', 'Success.'),
    ...term('.B 1', 'A failure that has no code of its own.'),
    ...term('.B 130', 'Interrupted.'),
    '.PP',
    'The commands run and shell end as the program that they start: with its exit status, or with 128 and the ' +
      'number of the signal that ended it.',
    'Each code of an error has its exit status:',
    ...Object.entries(errorCodes).flatMap(([code, status]) => term(`.B ${status}`, code)),
  ];
}

/** Lines of text as short as mandoc(1) likes them; requests and what \fB begins stay as they are. */
function wrap(line: string): string[] {
  if (/^\.[A-Z\\]|^\.[a-z]{2}\b|^\\fB/.test(line)) return [line];
  const lines = [''];
  for (const word of line.split(' ')) {
    const current = lines.at(-1)!;
    const longer = current === '' ? word : `${current} ${word}`;
    if (current !== '' && longer.length > lineCharacters) lines.push(word.replace(/^(?=\.)/, '\\&'));
    else lines[lines.length - 1] = longer;
  }
  return lines;
}

function sentence(text: string): string {
  const words = text.replace(/ {2,}/g, ' ');
  const first = /^[a-z]+\b(?![-.=/])/.test(words) ? words.charAt(0).toUpperCase() + words.slice(1) : words;
  return /[.:!]$/.test(first) ? first : `${first}.`;
}

/** Text as roff shows it: no character of it is a request, an escape or a typographer's dash. */
function roff(text: string): string {
  return text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replaceAll('’', '\\(cq')
    .replaceAll("'", '\\(aq')
    .replaceAll('`', '\\(ga')
    .replaceAll('"', '\\(dq')
    .replaceAll('~', '\\(ti')
    .replaceAll('^', '\\(ha')
    .replaceAll('…', '...')
    .replace(/^\./, '\\&.');
}
