import type { Command } from 'commander';
import { type Act, addWantedOptions, collect, example, holding, json } from './shared.js';

export function addEnvironmentCommands(program: Command, act: Act): void {
  const create = program
    .command('create')
    .argument('<new-name>', 'name of the environment: a folder of the mount')
    .argument('[requirements...]', 'what to install, as pip takes it: numpy, "django>=5", ./my.whl')
    .description('make an environment')
    .option('-p, --python <python>', 'interpreter: a version (3.11), a path or a program name');
  addWantedOptions(create)
    .option(
      '--inherit <environment>',
      'show what this one shows, and follow it; NAME@3 for a generation that stays (repeatable)',
      collect,
      [],
    )
    .option('--without-pip', 'leave pip out')
    .option('--seal', 'seal it: all its metadata in one file, for nodes of a cluster (see `seal`)')
    .option('--writable', 'let pip and others write into it where it is mounted (see `unseal`)')
    .option('--no-bytecode', 'show no __pycache__ (imports compile anew each time)')
    .option('--system-site-packages', "show the interpreter's own packages too")
    .addOption(json())
    .addHelpText(
      'after',
      example(
        'shenv-fs create web --python 3.12 -r requirements.txt',
        'shenv-fs create web --writable django      # and then: ~/.venvs/web/bin/pip install ...',
        'shenv-fs create web2 -r pylock.toml        # from a lock: no resolver, and no network if the store has all',
      ),
    )
    .action(act(holding(async () => (await import('../commands/create.js')).create)));
  program
    .command('delete')
    .alias('remove-environment')
    .argument('<names...>', 'environments')
    .description('remove environments; the images stay in the store')
    .option('--detach', 'also such as others inherit: they keep what they show, as their own')
    .addOption(json())
    .addHelpText('after', example('shenv-fs delete web'))
    .action(act(holding(async () => (await import('../commands/environments.js')).deleteEnvironments)));
  program
    .command('list')
    .description('list environments')
    .addOption(json())
    .addHelpText('after', example('shenv-fs list --json'))
    .action(act(async () => (await import('../commands/environments.js')).listEnvironments));
  program
    .command('show')
    .argument('<name>', 'environment')
    .description('show what an environment consists of')
    .option('--dump', 'print the manifest in its text form')
    .addOption(json())
    .addHelpText('after', example('shenv-fs show web'))
    .action(act(async () => (await import('../commands/environments.js')).showEnvironment));
  program
    .command('python')
    .description('list the interpreters that environments can be made of')
    .addOption(json())
    .addHelpText('after', example('shenv-fs python'))
    .action(act(async () => (await import('../commands/python.js')).listPythons));
}
