import {
  type DescribedArgument,
  type DescribedCommand,
  type DescribedOption,
  type DescribedValue,
  listCommands,
} from '../describe.js';

/** A script for zsh: to be sourced after compinit, or a file `_shenv-fs` of a folder in fpath. */
export function zshCompletion(program: DescribedCommand): string {
  return `#compdef shenv-fs
# zsh completion for shenv-fs, printed by \`shenv-fs completion zsh\`.

_shenv-fs_environments() {
  local folder=\${SHENV_HOME:-\${XDG_DATA_HOME:-$HOME/.local/share}/shenv-fs}/environments
  local -a names=($folder/*(N/:t))
  local expl
  _wanted environments expl environment compadd -a names
}

_shenv-fs_command_line() {
  if [[ $words[1] == -- ]]; then
    shift words
    (( CURRENT-- ))
  fi
  _normal
}

${listCommands(program).map(functionOf).join('\n\n')}

if [[ $funcstack[1] == _shenv-fs ]]; then
  _shenv-fs "$@"
else
  compdef _shenv-fs shenv-fs
fi
`;
}

function functionName(path: readonly string[]): string {
  return ['_shenv-fs', ...path].join('_');
}

function functionOf(command: DescribedCommand): string {
  const options = command.options.map(optionSpec);
  if (command.commands.length > 0) return groupFunction(command, options);
  const specs = [...options, ...command.arguments.map(argumentSpec)];
  return `${functionName(command.path)}() {\n  ${argumentsCall(['-s', '-S'], specs)}\n}`;
}

/** A command of commands: completes their names, then leaves the rest to the function of the one named. */
function groupFunction(command: DescribedCommand, options: string[]): string {
  const names = command.commands.map(({ path, description }) =>
    quoted(`${path.at(-1)}:${description.replaceAll(':', '\\:')}`),
  );
  const branches = command.commands.map(
    ({ path, aliases }) => `        ${[path.at(-1)!, ...aliases].join('|')}) ${functionName(path)} ;;`,
  );
  return `${functionName(command.path)}() {
  local curcontext=$curcontext state line
  typeset -A opt_args
  ${argumentsCall(['-C', '-S'], [...options, quoted('1:command:->command'), quoted('*::argument:->argument')])}
  case $state in
    command)
      local -a commands=(
        ${names.join('\n        ')}
      )
      _describe -t commands command commands
      ;;
    argument)
      case $words[1] in
${branches.join('\n')}
      esac
      ;;
  esac
}`;
}

function argumentsCall(flags: string[], specs: string[]): string {
  return ['_arguments', ...flags].join(' ') + specs.map((spec) => ` \\\n    ${spec}`).join('');
}

function optionSpec({ short, long, description, value, repeatable }: DescribedOption): string {
  const names = [short, long].filter((name) => name !== undefined);
  const excluded = repeatable ? '*' : names.length > 1 ? `(${names.join(' ')})` : '';
  const told = `[${escapeSpec(description).replace(/[[\]]/g, '\\$&')}]`;
  const message = value ? `:${escapeSpec(value.name)}:${actionOf(value)}` : '';
  const spelled = names.map((name) => (value ? `${name}${name.startsWith('--') ? '=' : '+'}` : name));
  if (spelled.length === 1) return quoted(`${excluded}${spelled[0]}${told}${message}`);
  return `${quoted(excluded)}{${spelled.join(',')}}${quoted(`${told}${message}`)}`;
}

function argumentSpec(argument: DescribedArgument, index: number): string {
  const { name, required, variadic, kind } = argument;
  // What follows belongs to another program, so none of our options is offered any more.
  if (kind === 'command') return quoted(`(-)*:::${name}:${actionOf(argument)}`);
  const position = variadic ? '*:' : `${index + 1}:${required ? '' : ':'}`;
  return quoted(`${position}${escapeSpec(name)}:${actionOf(argument)}`);
}

function actionOf({ kind, choices }: DescribedValue): string {
  if (choices.length > 0) return `(${choices.join(' ')})`;
  if (kind === 'environment') return '_shenv-fs_environments';
  if (kind === 'file') return '_files';
  if (kind === 'folder') return '_files -/';
  return kind === 'command' ? '_shenv-fs_command_line' : ' ';
}

function escapeSpec(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll(':', '\\:');
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
