import { ShenvError, systemErrorCode } from '../../base/errors.js';
import { run } from '../../base/run.js';
import type { Workspace } from '../../env/workspace.js';
import { reloadImages } from '../../mount/runtime.js';
import { renumberClashing } from '../../store/renumber.js';
import { shareStore } from '../../store/share.js';
import { plural, type Report } from '../render.js';

export async function share({ store }: Workspace, options: { group?: string }): Promise<Report> {
  const gid = options.group === undefined ? undefined : await findGroup(options.group);
  const shared = await shareStore(store.layout, gid);
  const who = options.group === undefined ? 'Everybody' : `The group ${options.group}`;
  const changed = `${plural(shared.folders, 'folder')} and ${plural(shared.files, 'file')} changed`;
  const left =
    shared.left === 0
      ? ''
      : `\n${shared.left} of other users left as they are: only they use what they put there.`;
  return {
    data: { store: store.layout.root, ...(gid === undefined ? {} : { gid }), ...shared },
    text: `${who} may put images into ${store.layout.root}: ${changed}.${left}`,
  };
}

export async function renumber({ store, places }: Workspace): Promise<Report> {
  const renumbered = await renumberClashing(store);
  if (renumbered.length > 0) {
    const paths = renumbered.map(({ path }) => path);
    await reloadImages(places.runtime, places.store, paths);
  }
  const lines = renumbered.map(({ path, before, after }) => `${path}: ${before} is now ${after}`);
  return {
    data: renumbered,
    text: renumbered.length === 0 ? 'No two images have the same number.' : lines.join('\n'),
  };
}

/** The id of a group by its name or number, as getent(1) tells it. */
async function findGroup(name: string): Promise<number> {
  if (/^[0-9]+$/.test(name)) return Number(name);
  const { stdout } = await run('getent', ['group', name]).catch((cause: unknown) => {
    if (systemErrorCode(cause) !== 'ENOENT') throw cause;
    throw new ShenvError('PROGRAM_MISSING', 'There is no program getent to look the group up with', {
      hint: "Give the group's number.",
      cause,
    });
  });
  const [, , gid] = stdout.split(':');
  if (gid !== undefined) return Number(gid);
  throw new ShenvError('USAGE', `There is no group ${name}`, { hint: '`getent group` lists them.' });
}
