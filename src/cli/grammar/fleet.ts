import type { Command } from 'commander';
import { type Act, example, holding, json } from './shared.js';

/** Commands that look at all environments, and what says which of them `upgrade --everywhere` changes. */
export function addFleetCommands(program: Command, act: Act): void {
  program
    .command('who-uses')
    .argument('<distribution>', 'name, or a name and the versions that are meant')
    .description('show which environments have a distribution, and why')
    .option('--all-generations', 'earlier generations too')
    .option('--here', 'not the environments of other homes that use the store')
    .addOption(json())
    .addHelpText('after', example('shenv-fs who-uses urllib3', 'shenv-fs who-uses "urllib3<2.5"'))
    .action(act(async () => (await import('../commands/fleet.js')).showUses));
  program
    .command('hold')
    .argument('<env>', 'environment')
    .argument('<distributions...>', 'names')
    .description('make `upgrade --everywhere` leave distributions of an environment alone')
    .addOption(json())
    .addHelpText('after', example('shenv-fs hold web urllib3'))
    .action(act(holding(async () => (await import('../commands/fleet.js')).hold)));
  program
    .command('unhold')
    .argument('<env>', 'environment')
    .argument('<distributions...>', 'names')
    .description('take back what hold did')
    .addOption(json())
    .addHelpText('after', example('shenv-fs unhold web urllib3'))
    .action(act(holding(async () => (await import('../commands/fleet.js')).unhold)));
}

/** Options that make `upgrade` change every environment. */
export function addFleetOptions(upgrade: Command): Command {
  return upgrade
    .option('--everywhere', 'in every environment that has them; all arguments are names of distributions')
    .option('--within <specifier>', 'with --everywhere: versions to choose from: 2.5.*, or ">=2.5,<3"')
    .option('--dry-run', 'with --everywhere: show what would move and what would break')
    .option('--skip-blocked', 'with --everywhere: leave out environments whose requirements do not allow it');
}
