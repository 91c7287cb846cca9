import type { Command } from 'commander';
import { type Act, addIndexOptions, example, json } from './shared.js';

export function addStoreCommands(program: Command, act: Act): void {
  const store = program.command('store').description('look after the store of images');
  store
    .command('add')
    .argument('<wheels...>', 'wheel files')
    .description('add wheel files to the store')
    .addOption(json())
    .addHelpText('after', example('shenv-fs store add dist/*.whl'))
    .action(act(async () => (await import('../commands/store.js')).addWheels));
  store
    .command('list')
    .argument('[distribution]', 'one distribution')
    .description('list images')
    .addOption(json())
    .addHelpText('after', example('shenv-fs store list numpy'))
    .action(act(async () => (await import('../commands/store.js')).listImages));
  store
    .command('dump')
    .argument('<image>', 'path of an image file')
    .description('print an image in its text form')
    .addHelpText(
      'after',
      example('shenv-fs store dump $(shenv-fs store list numpy --json | jq -r .[0].path)'),
    )
    .action(act(async () => (await import('../commands/store.js')).dump));
  store
    .command('verify')
    .argument('[distributions...]', 'distributions (default: all)')
    .description(
      'compare every byte of the images with their digests, and tell which environments damage affects',
    )
    .addOption(json())
    .addHelpText('after', example('shenv-fs store verify', 'shenv-fs store verify numpy scipy --json'))
    .action(act(async () => (await import('../commands/store-health.js')).verifyImages));
  const repair = store
    .command('repair')
    .argument('[distributions...]', 'distributions (default: all)')
    .description('verify, put damaged images aside, and rebuild them from their wheels')
    .option('--dry-run', 'tell what would be done, and do nothing');
  addIndexOptions(repair)
    .addOption(json())
    .addHelpText(
      'after',
      example('shenv-fs store repair --dry-run', 'shenv-fs store repair --find-links wheels/'),
    )
    .action(act(async () => (await import('../commands/store-health.js')).repairImages));
}
