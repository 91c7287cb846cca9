import { type Command, Option } from 'commander';
import { logLevels } from '../../base/log.js';
import { example, json, type Look } from './shared.js';

const mountpointMeaning = 'default: the one that there is, else ~/.venvs';

/** Commands that tell how things are; they work where little else does. */
export function addObservingCommands(program: Command, look: Look): void {
  program
    .command('doctor')
    .description('check what mounts need here, and say what to do')
    .option(
      '--only <checks>',
      'these alone, with commas in between: fuse, engines, limits, home, runtime, store, interpreters, resolvers, mounts',
    )
    .addOption(new Option('--here', 'check in this process').hideHelp())
    .addOption(json())
    .addHelpText('after', example('shenv-fs doctor', 'shenv-fs doctor --only fuse,store --json'))
    .action(look(async () => (await import('../commands/doctor.js')).doctor));
  program
    .command('log')
    .argument('[mountpoint]', mountpointMeaning)
    .description('print what a mount has logged')
    .option('-f, --follow', 'go on with what comes, until interrupted')
    .addOption(new Option('--level <level>', 'this and what is graver').choices(logLevels).default('debug'))
    .addOption(new Option('--json', 'print the JSON lines'))
    .addHelpText('after', example('shenv-fs log --level warn', 'shenv-fs log ~/.venvs --follow'))
    .action(look(async () => (await import('../commands/log.js')).log));
  program
    .command('metrics')
    .argument('[mountpoint]', mountpointMeaning)
    .description('print counters of mounts in the text format of Prometheus')
    .option('--all', 'of all mounts of this user')
    .option(
      '-o, --output <file>',
      "replace this file in one step, as node_exporter's textfile collector needs it",
    )
    .addHelpText(
      'after',
      example(
        'shenv-fs metrics',
        'shenv-fs metrics --all -o /var/lib/prometheus/node-exporter/shenv-fs.prom',
      ),
    )
    .action(look(async () => (await import('../commands/metrics.js')).metrics));
}
