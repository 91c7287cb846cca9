import type { Command } from 'commander';
import { type Act, example, holding, json } from './shared.js';

/** Commands that let environments leave and arrive. */
export function addTransferCommands(program: Command, act: Act): void {
  program
    .command('export')
    .argument('<env>', 'environment, or one of its generations: web@3')
    .argument('<folder>', 'where to write it: a new or an empty folder')
    .description('write an environment as an ordinary venv on disk, which needs neither mount nor store')
    .option(
      '--link <how>',
      'auto or copy: files lie inside images, so that none can be a hard link or a symbolic one',
      'auto',
    )
    .option('--ignore-edits', 'without what was written into a writable environment and is not in the store')
    .addOption(json())
    .addHelpText('after', example('shenv-fs export web ./venv', 'shenv-fs export web@3 /srv/web'))
    .action(act(holding(async () => (await import('../commands/transfer.js')).exportTo)));
  program
    .command('import')
    .argument('<folder>', 'an existing venv; it stays as it is')
    .argument('<new-name>', 'name of the environment')
    .description('make an environment of an existing venv, sharing what the store has')
    .option('-p, --python <python>', "interpreter (default: the venv's own)")
    .option('--no-bytecode', 'show no __pycache__ (imports compile anew each time)')
    .addOption(json())
    .addHelpText('after', example('shenv-fs import ./.venv web'))
    .action(act(holding(async () => (await import('../commands/transfer.js')).importFrom)));
  program
    .command('pack')
    .argument('<env>', 'environment, or one of its generations: web@3')
    .argument('<file>', 'file to write')
    .description('write an environment and its images into one file, for another machine')
    .option('--ignore-edits', 'without what was written into a writable environment and is not in the store')
    .addOption(json())
    .addHelpText('after', example('shenv-fs pack web web.shenv'))
    .action(act(holding(async () => (await import('../commands/transfer.js')).packTo)));
  program
    .command('unpack')
    .argument('<file>', 'a packed environment, from someone whom you would trust with a wheel')
    .argument('[new-name]', 'name of the environment (default: as it was packed)')
    .description('make an environment of a packed one; every file of it is verified')
    .option('-p, --python <python>', 'interpreter of the same version (default: one that is found)')
    .addOption(json())
    .addHelpText('after', example('shenv-fs unpack web.shenv', 'shenv-fs unpack web.shenv web-of-monday'))
    .action(act(holding(async () => (await import('../commands/transfer.js')).unpackFrom)));
}
