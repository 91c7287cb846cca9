import type { Command } from 'commander';
import { type Act, addIndexOptions, example, holding, json } from './shared.js';

/** Commands that keep a store small and sound. */
export function addStoreUpkeep(store: Command, act: Act): void {
  addGc(store, act);
  addVerify(store, act);
  addRepair(store, act);
}

function addGc(store: Command, act: Act): void {
  store
    .command('gc')
    .description(
      'remove images of the first store that no environment, no mount and no running command refers to',
    )
    .option('--keep <count>', 'first remove all but the newest generations of each of your environments')
    .option('--older-than <age>', 'leave what was put in or used within this time: 12h, 7d, 0', '1d')
    .option('--max-size <size>', 'remove only what brings the store down to this, least recently used first')
    .option('--wait <age>', 'how long to wait for commands that are running', '30s')
    .option(
      '--settle <age>',
      'how long other hosts may see old names (default: 0, on network file systems 150s)',
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

function addVerify(store: Command, act: Act): void {
  store
    .command('verify')
    .argument('[distributions...]', 'distributions (default: all)')
    .description(
      "compare every byte of the first store's images with their digests, and tell which environments damage affects",
    )
    .addOption(json())
    .addHelpText('after', example('shenv-fs store verify', 'shenv-fs store verify numpy scipy --json'))
    .action(act(async () => (await import('../commands/store-health.js')).verifyImages));
}

function addRepair(store: Command, act: Act): void {
  const repair = store
    .command('repair')
    .argument('[distributions...]', 'distributions (default: all)')
    .description('verify the first store, put damaged images aside, and rebuild them from their wheels')
    .option('--dry-run', 'tell what would be done, and do nothing');
  addIndexOptions(repair)
    .addOption(json())
    .addHelpText(
      'after',
      example('shenv-fs store repair --dry-run', 'shenv-fs store repair --find-links wheels/'),
    )
    .action(act(holding(async () => (await import('../commands/store-health.js')).repairImages)));
}
