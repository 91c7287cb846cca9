import { type Command, Option } from 'commander';
import { logLevels } from '../../base/log.js';
import { type Act, collect, example, json } from './shared.js';

export function addMountCommands(program: Command, act: Act): void {
  program
    .command('mount')
    .argument('[mountpoint]', 'an empty folder (default: ~/.venvs; with --env: ./.venv)')
    .description('show all environments, or one, at a mount point')
    .option('--env <name>', 'mount this environment alone: the mount point is the environment')
    .addOption(
      new Option('--engine <engine>', 'what answers the kernel')
        .choices(['auto', 'kernel', 'fuse-native'])
        .default('auto'),
    )
    .option('--read-only', 'let nothing be written, not in writable environments either')
    .option('--foreground', 'stay in the foreground until unmounted')
    .option('--no-supervise', 'start no other process when the one that serves dies')
    .option('--allow-other', 'let other users in (needs user_allow_other in /etc/fuse.conf)')
    .option('--threads <count>', 'threads of the kernel engine')
    .option(
      '--poll <seconds>',
      'look for changes made on other hosts; 0: never (default: 30 where SHENV_HOME is on a network file system, else none is needed)',
    )
    .option('--cache <folder>', 'keep copies of images that are read in this folder of the local disk')
    .option('--cache-size <size>', 'most that the copies may take', '20G')
    .addOption(
      new Option('--du <how>', 'what du counts for shared files')
        .choices(['shared', 'full'])
        .default('shared'),
    )
    .addOption(
      new Option('--log-level <level>', 'what is logged: this and what is graver')
        .choices(logLevels)
        .env('SHENV_LOG_LEVEL')
        .default('info'),
    )
    .addOption(json())
    .addHelpText(
      'after',
      example(
        'shenv-fs mount',
        'shenv-fs mount --env web ./.venv',
        'shenv-fs mount --read-only /srv/venvs',
        'shenv-fs mount --cache /local/shenv-cache --cache-size 50G',
      ),
    )
    .action(act(async () => (await import('../commands/mount.js')).mount));
  program
    .command('unmount')
    .alias('umount')
    .argument('[mountpoint]', 'default: ~/.venvs')
    .description('take a mount away')
    .option('--lazy', 'detach now, end when its last user has left')
    .option('--wait <seconds>', 'how long to wait for processes that use it', '2')
    .addOption(json())
    .addHelpText(
      'after',
      example('shenv-fs unmount', 'shenv-fs unmount ./.venv --wait 30', 'shenv-fs unmount --lazy'),
    )
    .action(act(async () => (await import('../commands/unmount.js')).unmount));
  program
    .command('restart')
    .argument('[mountpoint]', 'default: ~/.venvs')
    .description('let this program serve a mount in place of the running one, as after an upgrade')
    .addOption(json())
    .addHelpText('after', example('shenv-fs restart'))
    .action(act(async () => (await import('../commands/restart.js')).restart));
  program
    .command('reload')
    .description('make mounts show what other hosts have changed')
    .addOption(json())
    .addHelpText('after', example('shenv-fs reload'))
    .action(act(async () => (await import('../commands/reload.js')).reload));
  program
    .command('status')
    .argument('[mountpoint]', 'one mount (default: all of this user)')
    .description('show running mounts, their engines and counters')
    .addOption(json())
    .addHelpText('after', example('shenv-fs status --json'))
    .action(act(async () => (await import('../commands/mount.js')).status));
  program
    .command('export-nfs')
    .argument('[mountpoint]', 'a running mount (default: ~/.venvs)')
    .description('print what an NFS server and its clients need to export a mount')
    .option(
      '--clients <pattern>',
      'host, network or pattern of exports(5) (repeatable; default: any)',
      collect,
      [],
    )
    .addOption(
      new Option('--sec <flavour>', 'how clients prove who they are')
        .choices(['sys', 'krb5', 'krb5i', 'krb5p'])
        .default('sys'),
    )
    .option('--actimeo <seconds>', 'for so long clients believe what they know', '600')
    .addOption(new Option('--only <part>', 'print one part alone').choices(['exports', 'ganesha', 'mount']))
    .addOption(json())
    .addHelpText('after', example('shenv-fs export-nfs --clients 10.0.0.0/8 --only exports'))
    .action(act(async () => (await import('../commands/export-nfs.js')).exportNfs));
}
