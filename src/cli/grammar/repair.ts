import type { Command } from 'commander';
import { type Act, addIndexOptions, example, holding, json } from './shared.js';

export function addRepairCommands(program: Command, act: Act): void {
  const repair = program
    .command('repair')
    .argument('[envs...]', 'environments (default: all)')
    .description('give environments their interpreter again after it was upgraded or moved, or another one')
    .option(
      '-p, --python <python>',
      'another interpreter for all of them: a version (3.12), a path or a name',
    )
    .option(
      '--allow-other-versions',
      'resolve the requirements anew where wheels of the same versions are missing',
    )
    .option('--dry-run', 'tell what would be done, and do nothing');
  addIndexOptions(repair)
    .addOption(json())
    .addHelpText(
      'after',
      example(
        'shenv-fs repair --dry-run',
        'shenv-fs repair web --python 3.12   # wheels that support it stay, others are fetched in the same version',
      ),
    )
    .action(act(holding(async () => (await import('../commands/repair.js')).repairEnvironments)));
}
