import type { Command } from 'commander';
import { addFleetOptions } from './fleet.js';
import { type Act, addIndexOptions, addWantedOptions, example, holding, json } from './shared.js';

/** Commands that change what an environment holds, and that tell what it holds. */
export function addPackageCommands(program: Command, act: Act): void {
  addChanges(program, act);
  addQuestions(program, act);
}

function addChanges(program: Command, act: Act): void {
  const install = program
    .command('install')
    .argument('<env>', 'environment')
    .argument('[requirements...]', 'what to install, as pip takes it')
    .description('add distributions to an environment; what satisfies the requirements stays')
    .option('-U, --upgrade', 'take the newest versions of what is named');
  addWantedOptions(install)
    .addOption(json())
    .addHelpText(
      'after',
      example('shenv-fs install web "django>=5" -c constraints.txt', 'shenv-fs install web -e .'),
    )
    .action(act(holding(async () => (await import('../commands/update.js')).installInto)));
  program
    .command('remove')
    .alias('uninstall')
    .argument('<env>', 'environment')
    .argument('<distributions...>', 'names')
    .description('take distributions out of an environment')
    .option('--prune', 'also dependencies that nothing needs any more')
    .addOption(json())
    .addHelpText('after', example('shenv-fs remove web django --prune'))
    .action(act(holding(async () => (await import('../commands/update.js')).removeFrom)));
  const sync = program
    .command('sync')
    .argument('<env>', 'environment')
    .argument('[files...]', 'requirements files, or one pylock.toml')
    .description('make an environment hold exactly what files say (and its pip)');
  addWantedOptions(sync)
    .addOption(json())
    .addHelpText(
      'after',
      example('shenv-fs sync web pylock.toml', 'shenv-fs sync web requirements.txt dev.txt'),
    )
    .action(act(holding(async () => (await import('../commands/update.js')).syncTo)));
  const upgrade = program
    .command('upgrade')
    .argument('<env>', 'environment')
    .argument('[distributions...]', 'names (default: all that were asked for, with what they depend on)')
    .description('take newer versions, as far as the requirements allow that an environment was made with');
  addWantedOptions(addFleetOptions(upgrade))
    .addOption(json())
    .addHelpText(
      'after',
      example(
        'shenv-fs upgrade web',
        'shenv-fs upgrade web urllib3',
        'shenv-fs upgrade urllib3 --everywhere --within 2.* --dry-run',
      ),
    )
    .action(act(holding(async () => (await import('../commands/update.js')).upgradeIn)));
}

function addQuestions(program: Command, act: Act): void {
  addIndexOptions(
    program
      .command('lock')
      .argument('<env>', 'environment')
      .description('write a lock (pylock.toml, PEP 751) that leads to what an environment holds')
      .option('-o, --output <file>', 'file to write (default: standard output)'),
  )
    .addOption(json())
    .addHelpText('after', example('shenv-fs lock web -o pylock.toml'))
    .action(act(holding(async () => (await import('../commands/questions.js')).lock)));
  program
    .command('freeze')
    .argument('<env>', 'environment')
    .description('print what an environment holds as pinned requirements, as `pip freeze` does')
    .option('--all', 'pip, setuptools and wheel too')
    .addOption(json())
    .addHelpText('after', example('shenv-fs freeze web > requirements.txt'))
    .action(act(async () => (await import('../commands/questions.js')).freezeEnvironment));
  program
    .command('check')
    .argument('[envs...]', 'environments (default: all)')
    .description('find requirements that are not met; exit status 1 when there are any')
    .addOption(json())
    .addHelpText('after', example('shenv-fs check web'))
    .action(act(async () => (await import('../commands/questions.js')).checkEnvironments));
  program
    .command('tree')
    .argument('<env>', 'environment')
    .argument('[distributions...]', 'names to begin with')
    .description('show what depends on what')
    .option('--inverse', 'show who needs them')
    .addOption(json())
    .addHelpText('after', example('shenv-fs tree web', 'shenv-fs tree web urllib3 --inverse'))
    .action(act(async () => (await import('../commands/questions.js')).tree));
  addIndexOptions(
    program
      .command('outdated')
      .argument('<env>', 'environment')
      .description('show distributions of which the index has a later version'),
  )
    .addOption(json())
    .addHelpText('after', example('shenv-fs outdated web'))
    .action(act(async () => (await import('../commands/questions.js')).listOutdated));
}
