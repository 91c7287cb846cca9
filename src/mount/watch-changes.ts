import { type FSWatcher, watch } from 'node:fs';

const settleMs = 50;

/** Calls `onChange` a little after the last of several changes of names in `folder` that are meant. */
export function watchChanges(
  folder: string,
  isMeant: (name: string | null) => boolean,
  onChange: () => void,
): FSWatcher {
  let timer: NodeJS.Timeout | undefined;
  return watch(folder, (_, name) => {
    if (!isMeant(name)) return;
    clearTimeout(timer);
    timer = setTimeout(onChange, settleMs);
  });
}
