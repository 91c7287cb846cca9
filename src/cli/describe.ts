import type { Argument, Command, Option } from 'commander';

/** What a value names, which is what a shell completes it to. */
export type ValueKind = 'environment' | 'file' | 'folder' | 'command' | 'other';

export interface DescribedValue {
  name: string;
  description: string;
  kind: ValueKind;
  choices: readonly string[];
}

export interface DescribedArgument extends DescribedValue {
  required: boolean;
  variadic: boolean;
}

export interface DescribedOption {
  /** `-p`. */
  short: string | undefined;
  /** `--python`. */
  long: string | undefined;
  /** Both, with the value: `-p, --python <python>`. */
  flags: string;
  description: string;
  value: DescribedValue | undefined;
  repeatable: boolean;
}

/** A command of the grammar as data, for what is generated from it: completion scripts, the manual page. */
export interface DescribedCommand {
  /** Names from the program's down, the program's own left out: `['store', 'add']`. */
  path: readonly string[];
  aliases: readonly string[];
  description: string;
  /** Without the program's name. */
  usage: string;
  arguments: readonly DescribedArgument[];
  options: readonly DescribedOption[];
  /** Lines of the help's `Example`, without `$ `. */
  examples: readonly string[];
  commands: readonly DescribedCommand[];
}

/** The kind that a name in the grammar means; names that are not here are `other`. */
const kinds: Readonly<Record<string, ValueKind>> = {
  env: 'environment',
  envs: 'environment',
  'other-env': 'environment',
  name: 'environment',
  names: 'environment',
  environment: 'environment',
  environments: 'environment',
  file: 'file',
  files: 'file',
  wheel: 'file',
  wheels: 'file',
  image: 'file',
  path: 'file',
  place: 'file',
  python: 'file',
  requirements: 'file',
  folder: 'folder',
  mountpoint: 'folder',
  command: 'command',
};

/** Hidden commands and options are left out; the help option is among the options. */
export function describeCommand(command: Command, path: readonly string[] = []): DescribedCommand {
  const help = command.createHelp();
  const commands = help
    .visibleCommands(command)
    .filter((item) => command.commands.includes(item))
    .map((item) => describeCommand(item, [...path, item.name()]));
  return {
    path,
    aliases: command.aliases(),
    description: command.description(),
    usage: `${path.join(' ')} ${command.usage()}`.trim(),
    arguments: command.registeredArguments.map(describeArgument),
    options: help.visibleOptions(command).map(describeOption),
    examples: examplesOf(command),
    commands,
  };
}

/** Every command that does something, depth first; the groups themselves are left out. */
export function listLeaves(command: DescribedCommand): DescribedCommand[] {
  return command.commands.length === 0 ? [command] : command.commands.flatMap(listLeaves);
}

/** The command and all below it, depth first. */
export function listCommands(command: DescribedCommand): DescribedCommand[] {
  return [command, ...command.commands.flatMap(listCommands)];
}

function describeArgument(argument: Argument): DescribedArgument {
  return {
    ...describeValue(argument.name(), argument.description, argument.argChoices),
    required: argument.required,
    variadic: argument.variadic,
  };
}

function describeOption(option: Option): DescribedOption {
  const { short, long, flags, description } = option;
  const name = /[<[]([^\]>]+)[\]>]/.exec(flags)?.[1]?.replace(/\.\.\.$/, '');
  return {
    short,
    long,
    flags,
    description,
    value: name === undefined ? undefined : describeValue(name, name, option.argChoices),
    repeatable: option.variadic || Array.isArray(option.defaultValue),
  };
}

function describeValue(name: string, description: string, choices: readonly string[] = []): DescribedValue {
  return { name, description, kind: choices.length > 0 ? 'other' : (kinds[name] ?? 'other'), choices };
}

/** What `example` of grammar/shared.ts put at the end of the command's help. */
function examplesOf(command: Command): string[] {
  const configuration = command.configureOutput();
  let text = '';
  command.configureOutput({
    writeOut: (part) => {
      text += part;
    },
  });
  command.outputHelp();
  command.configureOutput(configuration);
  const [, after = ''] = text.split(/^Examples?:\n/m);
  return [...after.split('\n\n')[0]!.matchAll(/^ {2}\$ (.*)$/gm)].map(([, line]) => line!);
}

/** All that can be typed for the command below the program: its path, and its path with each alias. */
export function spellingsOf({ path, aliases }: DescribedCommand): string[] {
  return [path.at(-1)!, ...aliases].map((name) => [...path.slice(0, -1), name].join(' '));
}
