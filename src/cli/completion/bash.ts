import {
  type DescribedCommand,
  type DescribedOption,
  type DescribedValue,
  listCommands,
  spellingsOf,
} from '../describe.js';

/**
 * A script for bash 4 or later, with or without the bash-completion package. What the program takes is
 * in three `case` statements; the rest is the same for every grammar.
 */
export function bashCompletion(program: DescribedCommand): string {
  const commands = listCommands(program);
  const described = commands.map(
    (command) => `    ${quoted(command.path.join(' '))}) ${describe(command)} ;;`,
  );
  const spelled = commands
    .filter(({ path }) => path.length > 0)
    .map(
      (command) =>
        `    ${spellingsOf(command).map(quoted).join(' | ')}) path=${quoted(command.path.join(' '))} ;;`,
    );
  const values = commands.flatMap((command) =>
    command.options.flatMap((option) => describeValue(command, option)),
  );
  return `# bash completion for shenv-fs, printed by \`shenv-fs completion bash\`.

# What may follow the command $1: commands, options, options with a value, kinds of arguments.
_shenv_fs_describe() {
  commands='' options='' valued='' arguments=''
  case $1 in
${described.join('\n')}
  esac
}

# Sets path to the command that $1 spells; fails where there is none.
_shenv_fs_command() {
  case $1 in
${spelled.join('\n')}
    *) return 1 ;;
  esac
}

# Sets kind to what the option $1, after its command, takes.
_shenv_fs_value() {
  case $1 in
${values.join('\n')}
  esac
}
${fixedPart}`;
}

function describe({ commands, options, arguments: taken }: DescribedCommand): string {
  const names = commands.map(({ path }) => path.at(-1)!);
  const valued = options.filter(({ value }) => value).flatMap(namesOf);
  const kinds = taken.map((argument) => `${kindOf(argument)}${argument.variadic ? '...' : ''}`);
  const settings = [
    ['commands', names],
    ['options', options.flatMap(namesOf)],
    ['valued', valued],
    ['arguments', kinds],
  ] as const;
  return settings
    .filter(([, words]) => words.length > 0)
    .map(([name, words]) => `${name}=${quoted(words.join(' '))}`)
    .join(' ');
}

function describeValue({ path }: DescribedCommand, option: DescribedOption): string[] {
  if (option.value === undefined) return [];
  const spellings = namesOf(option).map((name) => quoted([...path, name].join(' ')));
  return [`    ${spellings.join(' | ')}) kind=${quoted(kindOf(option.value))} ;;`];
}

function namesOf({ short, long }: DescribedOption): string[] {
  return [short, long].filter((name) => name !== undefined);
}

/** The kind's word, or `=` and the choices. */
function kindOf({ kind, choices }: DescribedValue): string {
  return choices.length > 0 ? `=${choices.join(',')}` : kind;
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

const fixedPart = `
_shenv_fs_environments() {
  local folder=\${SHENV_HOME:-\${XDG_DATA_HOME:-$HOME/.local/share}/shenv-fs}/environments path
  for path in "$folder"/*/; do
    path=\${path%/}
    [[ -d $path ]] && printf '%s\\n' "\${path##*/}"
  done
}

# Replies with the environments that begin as $1 does, quoted as $1 is.
_shenv_fs_reply_environments() {
  local name escaped
  while IFS= read -r name; do
    printf -v escaped %q "$name"
    case $1 in
      [\\"\\']*) [[ $name == "\${1:1}"* ]] && COMPREPLY+=("$name") ;;
      *) [[ $escaped == "$1"* ]] && COMPREPLY+=("$escaped") ;;
    esac
  done < <(_shenv_fs_environments)
}

# Replies for the command that starts at word $1 and for its arguments.
_shenv_fs_reply_command() {
  if declare -F _command_offset > /dev/null; then
    _command_offset "$1"
  elif ((COMP_CWORD == $1)); then
    mapfile -t COMPREPLY < <(compgen -c -- "\${COMP_WORDS[COMP_CWORD]}")
  else
    compopt -o default
  fi
}

_shenv_fs() {
  local current=\${COMP_WORDS[COMP_CWORD]} path='' kind='' option='' literal='' word index
  local commands options valued arguments kinds position=0 command_at=0
  COMPREPLY=()
  _shenv_fs_describe ''
  for ((index = 1; index < COMP_CWORD; index++)); do
    word=\${COMP_WORDS[index]}
    if [[ $word == = ]]; then
      continue # bash takes --option=value apart
    elif [[ -n $option ]]; then
      option=''
    elif [[ -z $literal && $word == -- ]]; then
      literal=1
    elif [[ -z $literal && $word == -* ]]; then
      [[ " $valued " == *" $word "* ]] && option=$word
    elif [[ -n $commands ]]; then
      _shenv_fs_command "\${path:+$path }$word" || return 0
      _shenv_fs_describe "$path"
    else
      read -ra kinds <<< "$arguments"
      [[ \${kinds[position]} == command* ]] && command_at=$index && break
      position=$((position + 1))
    fi
  done
  [[ $current == = ]] && current=''
  read -ra kinds <<< "$arguments"
  if [[ -n $option ]]; then
    _shenv_fs_value "\${path:+$path }$option"
  elif ((command_at > 0)); then
    _shenv_fs_reply_command "$command_at"
    return
  elif [[ -z $literal && $current == -* ]]; then
    kind="=$options"
  elif [[ -n $commands ]]; then
    kind="=$commands"
  elif ((position < \${#kinds[@]})); then
    kind=\${kinds[position]}
  elif [[ $arguments == *... ]]; then
    kind=\${kinds[-1]}
  fi
  case \${kind%...} in
    =*) kind=\${kind#=}; mapfile -t COMPREPLY < <(compgen -W "\${kind//,/ }" -- "$current") ;;
    environment) _shenv_fs_reply_environments "$current" ;;
    command) _shenv_fs_reply_command "$COMP_CWORD" ;;
    file) compopt -o default ;;
    folder) compopt -o dirnames ;;
  esac
}
complete -F _shenv_fs shenv-fs
`;
