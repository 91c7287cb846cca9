import { join } from 'node:path';
import { pipCommand } from '../contenders/venv.js';
import { ask, plainVariables } from '../run/commands.js';
import { sourceOf } from '../run/wheel-set.js';
import { type Maker, type Order, timeCommands } from './maker.js';

interface FolderMaker {
  name: string;
  about: string;
  isSlow?: boolean;
  create(path: string): string[][];
  clone?: (from: string, path: string) => string[][];
  install?: (path: string) => string[][];
}

/** An environment that is a folder on the disk: removed with rm(1). */
function folderMaker({ bench }: Order, commands: FolderMaker): Maker {
  const env = plainVariables();
  const folder = join(bench.folder, 'made', commands.name);
  const at = (place: string) => join(folder, place);
  const { clone, install } = commands;
  return {
    name: commands.name,
    about: commands.about,
    isSlow: commands.isSlow ?? false,
    isQuick: false,
    create: (place) => timeCommands(commands.create(at(place)), env),
    ...(clone ? { clone: (from, place) => timeCommands(clone(at(from), at(place)), env) } : {}),
    ...(install ? { install: (place) => timeCommands(install(at(place)), env) } : {}),
    remove: (place) => timeCommands([['rm', '-r', at(place)]], env),
  };
}

export async function pipMakers(order: Order): Promise<Maker[]> {
  const { bench, set, pins, extra } = order;
  const { python } = bench.settings;
  const pip = await pipCommand(set, python, 'PREFIX');
  const pipFor = (path: string) => pip.map((word) => (word === 'PREFIX' ? path : word));
  const bare = (path: string) => [python.baseExecutable, '-I', '-m', 'venv', '--without-pip', path];
  return [
    folderMaker(order, {
      name: 'venv',
      about: '`python -m venv`, then `pip install` from wheels',
      isSlow: true,
      create: (path) => [bare(path), [...pipFor(path), 'install', '--no-deps', ...sourceOf(set), '-r', pins]],
      clone: (from, path) => [['cp', '-a', from, path]],
      install: (path) => [[...pipFor(path), 'install', ...sourceOf(extra), ...extra.requirements]],
    }),
    folderMaker(order, {
      name: 'empty venv',
      about: '`python -m venv --without-pip`, with nothing installed: a floor',
      create: (path) => [bare(path)],
    }),
  ];
}

/** uv with each way to bring files into place that this disk can; none without uv. */
export async function uvMakers(order: Order): Promise<Maker[]> {
  const { bench, set, pins, extra } = order;
  const { uv, python } = bench.settings;
  if ((await ask(uv, ['--version'])) === undefined) {
    bench.skip('uv', `there is no program ${uv} (pip install uv, or give one with --uv)`);
    return [];
  }
  const cache = ['--cache-dir', join(bench.folder, 'uv-cache')];
  const sync = (path: string, mode: string, ...more: string[]) => [
    ...[uv, 'pip', 'sync', '-q', ...cache, ...sourceOf(set), '--link-mode', mode],
    ...['--python', `${path}/bin/python`, ...more, pins],
  ];
  const install = (path: string, mode: string) => [
    ...[uv, 'pip', 'install', '-q', ...cache, ...sourceOf(extra), '--link-mode', mode],
    ...['--python', `${path}/bin/python`, ...extra.requirements],
  ];
  const maker = (name: string, about: string, mode: string, ...more: string[]) =>
    folderMaker(order, {
      name,
      about,
      isSlow: more.length > 0,
      create: (path) => [
        [uv, 'venv', '-q', ...cache, '--python', python.baseExecutable, path],
        sync(path, mode, ...more),
      ],
      install: (path) => [install(path, mode)],
    });
  const makers = [
    maker('uv hard links', '`uv venv`, `uv pip sync` with hard links, without bytecode', 'hardlink'),
    maker('uv hard links, bytecode', 'the same with --compile-bytecode', 'hardlink', '--compile-bytecode'),
    maker('uv symlinks', 'uv with symbolic links, without bytecode', 'symlink'),
    maker('uv copies', 'uv with copies, without bytecode', 'copy'),
  ];
  if (await canClone(order))
    makers.push(maker('uv clones', 'uv with clones of files, without bytecode', 'clone'));
  else bench.skip('uv clones', 'this disk cannot clone files (btrfs and XFS can; TMPDIR chooses the disk)');
  return makers;
}

async function canClone({ pins }: Order): Promise<boolean> {
  return (await ask('cp', ['--reflink=always', pins, `${pins}.clone`])) !== undefined;
}
