import { type Command, Option } from 'commander';
import { type Act, example, json } from './shared.js';

/** Commands that tell who uses what of the store, and how much; `store` is the group that they belong to. */
export function addStoreUsageCommands(store: Command, act: Act): void {
  store
    .command('roots')
    .description('list the homes whose environments show images of the first store')
    .addOption(json())
    .addHelpText('after', example('shenv-fs store roots'))
    .action(act(async () => (await import('../commands/store-usage.js')).listRoots));
  store
    .command('forget')
    .argument('<home>', 'id or path of a home, as `store roots` tells it')
    .description('forget a home that is gone, with all that its environments refer to')
    .option('--force', 'also one that can be reached and has environments; gc may then take their images')
    .addOption(json())
    .addHelpText('after', example('shenv-fs store forget /home/ann/.local/share/shenv-fs'))
    .action(act(async () => (await import('../commands/store-usage.js')).forgetHome));
  store
    .command('du')
    .argument('[environments...]', 'environments of this home (default: all, of all homes)')
    .description('show how much the first store holds, and what each environment has of it')
    .addOption(
      new Option('--by <what>', 'what the table lists')
        .choices(['environment', 'distribution'])
        .default('environment'),
    )
    .addOption(json())
    .addHelpText('after', example('shenv-fs store du', 'shenv-fs store du --by distribution'))
    .action(act(async () => (await import('../commands/store-du.js')).diskUsage));
  store
    .command('report')
    .requiredOption('--html <file>', 'where to write the page')
    .description('write a page that shows what fills the first store and who shares it')
    .addOption(json())
    .addHelpText('after', example('shenv-fs store report --html store.html'))
    .action(act(async () => (await import('../commands/store-report.js')).writeStoreReport));
}
