import { join } from 'node:path';
import { venvPlace } from '../contenders/venv.js';
import { must } from '../run/commands.js';
import type { Place } from '../run/contender.js';
import type { DelayedFolder } from '../run/delayed-folder.js';
import type { WheelSet } from '../run/wheel-set.js';
import type { Session } from './trial.js';

/** What lies on the shared file system for one way to use it, and how an environment is had from it. */
export interface Side {
  name: string;
  /** The folder that is shown with a delay. */
  folder: string;
  /** `label` tells each opening from the others: the node that sees the folder, or the round. */
  open(
    shared: Pick<DelayedFolder, 'mountpoint'>,
    label: string,
  ): Promise<{ place: Place; close(): Promise<unknown> }>;
}

/** A copy of the venv itself, for the trial of that name alone. */
export async function venvSide({ bench, shelf }: Session, trial: string, set: WheelSet): Promise<Side> {
  const folder = await bench.newFolder(trial, 'venv');
  const { prefix } = await shelf.place('venv', set);
  await must('cp', ['-a', prefix, join(folder, 'env')]);
  return {
    name: 'venv',
    folder,
    open: async ({ mountpoint }) => ({
      place: venvPlace('venv', join(mountpoint, 'env'), bench.settings.python),
      close: async () => undefined,
    }),
  };
}
