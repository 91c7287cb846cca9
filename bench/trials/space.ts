import { diskUsage, occupied } from '../run/disk-usage.js';
import type { Trial } from './trial.js';

export const space: Trial = {
  name: 'space',
  title: 'Space on the disk',
  about:
    'What one environment adds to what it shares with others (du(1), shared files counted once), what is shared, and what `du -s` of the environment tells its user. Bytes are blocks, not lengths. Memory is what the daemon occupies (VmRSS) after the walks.',
  charts: [
    { name: 'bytes', title: 'Bytes that an environment itself occupies', kind: 'value', cases: /^own bytes/ },
    {
      name: 'inodes',
      title: 'Inodes that an environment itself occupies',
      kind: 'value',
      cases: /^own inodes/,
    },
    { name: 'seen', title: 'What du -s tells', kind: 'value', cases: /^du -s$/ },
  ],
  cost: { once: 20, rounds: 0 },
  async run(session) {
    const { bench, shelf } = session;
    for (const place of await shelf.places(await session.mainSet())) {
      bench.checkRunning();
      const shared = await occupied(place.shared);
      const all = await occupied([...place.shared, ...place.own]);
      const record = (name: string, unit: 'bytes' | 'count', value: number) =>
        bench.record('space', name, place.contender, unit, [value]);
      record('own bytes', 'bytes', all.bytes - shared.bytes);
      record('own inodes', 'count', all.inodes - shared.inodes);
      record('shared bytes', 'bytes', shared.bytes);
      record('shared inodes', 'count', shared.inodes);
      record('du -s', 'bytes', (await occupied([place.prefix])).bytes);
      record('du -s --apparent-size', 'bytes', await diskUsage(['--apparent-size', '-B1', place.prefix]));
      if (place.memoryBytes) record('memory of the daemon, walked', 'bytes', await place.memoryBytes());
    }
  },
};
