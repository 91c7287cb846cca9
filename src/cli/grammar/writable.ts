import type { Command } from 'commander';
import { type Act, example, holding, json } from './shared.js';

/** Commands for what tools have written into environments. */
export function addWritableCommands(program: Command, act: Act): void {
  program
    .command('adopt')
    .argument('[env...]', 'writable environments (default: all)')
    .description('take what pip or uv have installed into writable environments over into the store')
    .addOption(json())
    .addHelpText('after', example('shenv-fs adopt web', 'shenv-fs adopt'))
    .action(act(holding(async () => (await import('../commands/local-edits.js')).adoptEnvironments)));
  program
    .command('revert')
    .argument('<env>', 'writable environment')
    .argument('[path...]', 'what to take back, relative to the environment (default: all)')
    .description('take local edits of a writable environment back')
    .option('-y, --yes', 'do not ask')
    .addOption(json())
    .addHelpText(
      'after',
      example('shenv-fs revert web lib/python3.12/site-packages/requests', 'shenv-fs revert web --yes'),
    )
    .action(act(async () => (await import('../commands/local-edits.js')).revertEdits));
}
