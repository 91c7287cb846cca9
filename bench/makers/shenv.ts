import { program } from '../../test/support/sandbox.js';
import { sourceOf } from '../run/wheel-set.js';
import { type Maker, type Order, timeCommands } from './maker.js';

/** Ours, from the lock or from pinned requirements; `place` is the environment's name. */
function shenv(name: string, about: string, requirements: string, { bench, sandbox, extra }: Order): Maker {
  const { baseExecutable } = bench.settings.python;
  const time = (...args: string[]) => timeCommands([[process.execPath, program, ...args]], sandbox.variables);
  return {
    name,
    about,
    isSlow: false,
    isQuick: true,
    create: (place) => time('create', place, '--python', baseExecutable, '-r', requirements),
    clone: (from, place) => time('clone', from, place),
    rename: (place, to) => time('rename', place, to),
    install: (place) => time('install', place, ...extra.requirements, ...sourceOf(extra)),
    rollBack: (place) => time('rollback', place),
    remove: (place) => time('delete', place),
  };
}

export function shenvMakers(order: Order): Maker[] {
  return [
    shenv('shenv-fs', '`shenv-fs create -r pylock.toml`', order.lock, order),
    shenv('shenv-fs pins', '`shenv-fs create -r requirements.txt`, every version pinned', order.pins, order),
  ];
}
