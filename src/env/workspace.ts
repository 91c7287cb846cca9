import type { Places } from '../base/paths.js';
import { type Progress, silentProgress } from '../base/progress.js';
import { presentStores } from '../store/chain.js';
import { Outlines } from '../store/outlines.js';
import { Store } from '../store/store.js';
import { Environments } from './environments.js';
import { Registration } from './registration.js';

/** What a command that reads or changes environments works with. */
export interface Workspace {
  places: Places;
  store: Store;
  outlines: Outlines;
  environments: Environments;
  progress: Progress;
  signal?: AbortSignal;
}

export function openWorkspace(
  places: Places,
  progress: Progress = silentProgress,
  signal?: AbortSignal,
): Workspace {
  const store = new Store(places.store, presentStores(places.upstreams, progress));
  const registration = new Registration(places.home, store);
  const environments: Environments = new Environments(places.home, registration, async (manifest) => {
    const { makeSealed } = await import('./sealed/make.js');
    return makeSealed(store, environments.interpreters, manifest);
  });
  return {
    places,
    store,
    outlines: new Outlines(store),
    environments,
    progress,
    ...(signal ? { signal } : {}),
  };
}
