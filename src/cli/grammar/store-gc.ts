import type { Command } from 'commander';
import { type Act, example, json } from './shared.js';

export function addStoreGc(store: Command, act: Act): void {
  store
    .command('gc')
    .description('remove images that no environment, no mount and no running command refers to')
    .option('--keep <count>', 'first remove all but the newest generations of each of your environments')
    .option('--older-than <age>', 'leave what was put in or used within this time: 12h, 7d, 0', '1d')
    .option('--max-size <size>', 'remove only what brings the store down to this, least recently used first')
    .option('--wait <age>', 'how long to wait for commands that are running', '30s')
    .option(
      '--settle <age>',
      'how long other hosts may see old names (default: 0, on network file systems 60s)',
    )
    .option('--dry-run', 'only say what would be removed')
    .addOption(json())
    .addHelpText(
      'after',
      example(
        'shenv-fs store gc --dry-run',
        'shenv-fs store gc --keep 3 --older-than 7d',
        'shenv-fs store gc --max-size 20G',
      ),
    )
    .action(act(async () => (await import('../commands/store-gc.js')).collectStore));
}
