import type { Command } from 'commander';
import { type Act, example, holding, json } from './shared.js';

/** Commands that take environments as values: copies, names, and what they were before. */
export function addGenerationCommands(program: Command, act: Act): void {
  program
    .command('clone')
    .argument('<env>', 'environment; or a generation of it, without what was written into it: web@3')
    .argument('<new-name>', 'name of the copy')
    .description('make a copy of an environment, with what was written into it; both go their own ways then')
    .addOption(json())
    .addHelpText('after', example('shenv-fs clone web web-next', 'shenv-fs clone web@3 web-then'))
    .action(act(holding(async () => (await import('../commands/generations.js')).cloneEnvironment)));
  program
    .command('rename')
    .argument('<env>', 'environment')
    .argument('<new-name>', 'its new name')
    .description('give an environment another name; its history goes with it')
    .addOption(json())
    .addHelpText('after', example('shenv-fs rename web shop'))
    .action(act(holding(async () => (await import('../commands/generations.js')).renameEnvironment)));
  program
    .command('history')
    .argument('[env]', 'environment (default: changes of several environments at once)')
    .description('show the generations of an environment and what each changed')
    .addOption(json())
    .addHelpText('after', example('shenv-fs history web', 'shenv-fs history'))
    .action(act(async () => (await import('../commands/generations.js')).showHistory));
  program
    .command('diff')
    .argument('<env>', 'environment, or a generation of it: web@3')
    .argument('[other-env]', 'another one (default: the generation before, or what is current)')
    .description(
      'show what two generations or environments differ in; of a writable one alone, its local edits',
    )
    .option('--exit-code', 'end with status 1 where there are local edits')
    .addOption(json())
    .addHelpText(
      'after',
      example('shenv-fs diff web', 'shenv-fs diff web@1 web@3', 'shenv-fs diff web web-next'),
    )
    .action(act(async () => (await import('../commands/generations.js')).diffEnvironments));
  program
    .command('seal')
    .argument('<env>', 'environment')
    .description('let nothing be written into an environment, and keep all its metadata in one file')
    .addOption(json())
    .addHelpText('after', example('shenv-fs seal web', 'shenv-fs create web -r requirements.txt --seal'))
    .action(act(holding(async () => (await import('../commands/seal.js')).sealEnvironment)));
  program
    .command('unseal')
    .argument('<env>', 'environment')
    .description('make an environment writable where it is mounted: for pip, uv, editors')
    .addOption(json())
    .addHelpText('after', example('shenv-fs unseal web'))
    .action(act(async () => (await import('../commands/seal.js')).unsealEnvironment));
  program
    .command('rollback')
    .argument('[env]', 'environment')
    .option('--change <id>', 'take back a change of several environments, as one (ids: `shenv-fs history`)')
    .option('--to <generation>', 'a generation of `history` (default: the one before)')
    .description('show again what an earlier generation showed; this makes a new generation')
    .addOption(json())
    .addHelpText(
      'after',
      example('shenv-fs rollback web', 'shenv-fs rollback web --to 3', 'shenv-fs rollback --change 3f2a'),
    )
    .action(act(holding(async () => (await import('../commands/generations.js')).rollbackEnvironment)));
}
