import type { Command } from 'commander';
import { type Act, example, holding, json } from './shared.js';
import { addStoreUpkeep } from './store-upkeep.js';
import { addStoreUsageCommands } from './store-usage.js';

export function addStoreCommands(program: Command, act: Act): void {
  const store = program.command('store').description('look after the store of images');
  store
    .command('add')
    .argument('<wheels...>', 'wheel files')
    .description('add wheel files to the store')
    .addOption(json())
    .addHelpText('after', example('shenv-fs store add dist/*.whl'))
    .action(act(holding(async () => (await import('../commands/store.js')).addWheels)));
  store
    .command('list')
    .argument('[distribution]', 'one distribution')
    .description('list images')
    .option('--used-by', 'those of the first store, with the environments of every home that show them')
    .addOption(json())
    .addHelpText('after', example('shenv-fs store list numpy', 'shenv-fs store list --used-by'))
    .action(act(async () => (await import('../commands/store.js')).listImages));
  store
    .command('share')
    .option('-g, --group <group>', 'name or number of a group (default: everybody)')
    .description('let a group, or everybody, put images into the store')
    .addOption(json())
    .addHelpText('after', example('shenv-fs store share --group science'))
    .action(act(async () => (await import('../commands/store-sharing.js')).share));
  store
    .command('renumber')
    .description('give images new numbers that those of another store have, too')
    .addOption(json())
    .addHelpText('after', example('SHENV_STORE=~/store:/shared/store shenv-fs store renumber'))
    .action(act(holding(async () => (await import('../commands/store-sharing.js')).renumber)));
  store
    .command('dump')
    .argument('<image>', 'path of an image file')
    .description('print an image in its text form')
    .addHelpText(
      'after',
      example('shenv-fs store dump $(shenv-fs store list numpy --json | jq -r .[0].path)'),
    )
    .action(act(async () => (await import('../commands/store.js')).dump));
  addStoreUpkeep(store, act);
  addStoreUsageCommands(store, act);
}
