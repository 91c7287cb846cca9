import {
  type DescribedArgument,
  type DescribedCommand,
  type DescribedOption,
  type DescribedValue,
  listCommands,
  spellingsOf,
} from '../describe.js';

/** A script for fish 3 or later. */
export function fishCompletion(program: DescribedCommand): string {
  const commands = listCommands(program);
  const valued = commands.flatMap((command) =>
    command.options
      .filter(({ value }) => value)
      .flatMap(({ short, long }) => [short, long].filter((name) => name !== undefined))
      .map((name) => quoted([command.path.join(' '), name].join(' '))),
  );
  const spelled = commands
    .filter(({ path }) => path.length > 0)
    .map(
      (command) =>
        `            case ${spellingsOf(command).map(spellingPattern).join(' ')}\n` +
        `                set path ${quoted(command.path.join(' '))}`,
    );
  return `# fish completion for shenv-fs, printed by \`shenv-fs completion fish\`.

function __shenv_fs_environments
    set -l folder $HOME/.local/share/shenv-fs
    test -n "$XDG_DATA_HOME"; and set folder $XDG_DATA_HOME/shenv-fs
    test -n "$SHENV_HOME"; and set folder $SHENV_HOME
    set -l paths $folder/environments/*/
    string replace -r '^.*/([^/]+)/$' '$1' -- $paths
end

# The command that is typed already, then the arguments that it has, a line each.
function __shenv_fs_state
    set -l words (commandline -opc)
    set -e words[1]
    set -l path ''
    set -l arguments
    set -l skip 0
    set -l literal 0
    for word in $words
        if test $skip = 1
            set skip 0
            continue
        end
        if test $literal = 0; and string match -q -- '-*' $word
            test "$word" = --; and set literal 1
            contains -- "$path $word" ${valued.join(' ')}; and set skip 1
            continue
        end
        switch "$path $word"
${spelled.join('\n')}
            case '*'
                set -a arguments $word
                contains -- "$path" ${programRunners(commands).map(quoted).join(' ')}; and set literal 1
        end
    end
    string join \\n -- "$path" $arguments
end

# Whether the command $argv[1] is typed, with $argv[2] to $argv[3] arguments.
function __shenv_fs_in
    set -l state (__shenv_fs_state)
    set -l arguments (math (count $state) - 1)
    test "$state[1]" = "$argv[1]"; or return 1
    test (count $argv) -lt 2; or test $arguments -ge $argv[2]; or return 1
    test (count $argv) -lt 3; or test $arguments -le $argv[3]
end

# Completes what follows the first argument as a command line of its own.
function __shenv_fs_command_line
    set -l words (__shenv_fs_state)[3..-1]
    test "$words[1]" = --; and set -e words[1]
    set -l line (string escape -- $words) (commandline -ct)
    complete -C "$line"
end

complete -c shenv-fs -e
complete -c shenv-fs -f
${commands.flatMap(linesOf).join('\n')}
`;
}

/** Commands that take another program's words after their first argument. */
function programRunners(commands: readonly DescribedCommand[]): string[] {
  return commands
    .filter((command) => command.arguments.some(({ kind }) => kind === 'command'))
    .map(({ path }) => path.join(' '));
}

function linesOf(command: DescribedCommand): string[] {
  const own = quoted(command.path.join(' '));
  const limits = programRunners([command]).length > 0 ? ' 0 0' : '';
  const subcommands = command.commands.map(({ path, description }) =>
    completion(`${own} 0 0`, ['-a', path.at(-1)!, '-d', quoted(description)]),
  );
  const options = command.options.map((option) => completion(`${own}${limits}`, optionWords(option)));
  const taken = command.arguments.flatMap((argument, index) => {
    const words = argumentWords(argument);
    return words.length === 0
      ? []
      : [completion(`${own} ${index}${argument.variadic ? '' : ` ${index}`}`, words)];
  });
  return [...subcommands, ...options, ...taken];
}

function completion(condition: string, words: string[]): string {
  return ['complete', '-c', 'shenv-fs', '-n', `"__shenv_fs_in ${condition}"`, ...words].join(' ');
}

function optionWords({ short, long, description, value }: DescribedOption): string[] {
  return [
    ...(short === undefined ? [] : ['-s', short.slice(1)]),
    ...(long === undefined ? [] : ['-l', long.slice(2)]),
    ...(value === undefined ? [] : ['-r', ...valueWords(value)]),
    '-d',
    quoted(description),
  ];
}

function argumentWords(argument: DescribedArgument): string[] {
  const words = valueWords(argument);
  return words.includes('-a') ? [...words, '-d', quoted(argument.description)] : words;
}

function valueWords({ kind, choices }: DescribedValue): string[] {
  if (choices.length > 0) return ['-f', '-a', quoted(choices.join(' '))];
  if (kind === 'environment') return ['-f', '-a', quoted('(__shenv_fs_environments)')];
  if (kind === 'folder') return ['-f', '-a', quoted('(__fish_complete_directories)')];
  if (kind === 'command') return ['-f', '-a', quoted('(__shenv_fs_command_line)')];
  return kind === 'file' ? ['-F'] : [];
}

/** `switch` sees the command so far, a space, and the word; nothing stands before the first word. */
function spellingPattern(spelling: string): string {
  return quoted(spelling.includes(' ') ? spelling : ` ${spelling}`);
}

function quoted(text: string): string {
  return `'${text.replace(/[\\']/g, '\\$&')}'`;
}
