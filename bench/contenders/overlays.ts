import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { has, must } from '../run/commands.js';
import type { Contender, Ingredients, Place } from '../run/contender.js';
import { isRoot, knowsFileSystem } from '../run/machine.js';
import { deferUnmount } from '../run/shelf.js';
import { partsOf } from './parts.js';
import { bareVenv, venvPlace } from './venv.js';

/** mount(2) copies one page of options. */
const mostOptionBytes = 4095;

/** Mounts layers, uppermost first; `cwd` is where relative ones start. */
type Mount = (layers: string, mountpoint: string, cwd: string) => Promise<unknown>;

/** Mounts a bare venv over one lower layer a distribution. */
async function layeredVenv(
  name: string,
  ingredients: Ingredients,
  mount: Mount,
  label = 'env',
): Promise<Place> {
  const { bench, set, python } = ingredients;
  const parts = await partsOf(ingredients);
  const folder = await bench.newFolder(name, set.name, python.minor);
  const [bare, mountpoint] = [join(folder, `bare-${label}`), join(folder, label)];
  await bareVenv(bare, python);
  await mkdir(mountpoint);
  const layers = [bare, ...Array.from({ length: parts.count }, (_, index) => String(index)).reverse()];
  deferUnmount(bench, mountpoint);
  await mount(layers.join(':'), mountpoint, parts.folder);
  return { ...venvPlace(name, mountpoint, python), own: [bare], shared: [parts.folder] };
}

function layered(contender: Pick<Contender, 'name' | 'about' | 'missing'>, mount: Mount): Contender {
  return {
    ...contender,
    setUp: (ingredients) => layeredVenv(contender.name, ingredients, mount),
    further: (_, index, ingredients) => layeredVenv(contender.name, ingredients, mount, `env-${index}`),
  };
}

/** The kernel's overlayfs keeps no pages of its own: a mapping of its file is one of the lower file. */
function withLowerPages(contender: Contender): Contender {
  const change = (place: Place): Place => ({ ...place, pagesIn: [...place.own, ...place.shared] });
  const { setUp, further } = contender;
  return {
    ...contender,
    setUp: async (ingredients) => change(await setUp(ingredients)),
    ...(further ? { further: async (...args) => change(await further(...args)) } : {}),
  };
}

export const overlay = withLowerPages(
  layered(
    {
      name: 'overlayfs',
      about: "the kernel's overlayfs with one lower layer a distribution",
      async missing() {
        if (!isRoot) return 'only root may mount it';
        return (await knowsFileSystem('overlay')) ? undefined : 'this kernel has no overlayfs';
      },
    },
    async (layers, mountpoint, cwd) => {
      const options = `ro,lowerdir=${layers}`;
      if (options.length > mostOptionBytes)
        throw new Error('so many layers do not fit into the options of mount(2)');
      await must('mount', ['-t', 'overlay', '-o', options, 'overlay', mountpoint], { cwd });
    },
  ),
);

export const fuseOverlay = layered(
  {
    name: 'fuse-overlayfs',
    about: 'fuse-overlayfs with one lower layer a distribution',
    missing: async () =>
      (await has('fuse-overlayfs'))
        ? undefined
        : 'there is no program fuse-overlayfs (Debian: apt-get install fuse-overlayfs)',
  },
  (layers, mountpoint, cwd) => must('fuse-overlayfs', ['-o', `ro,lowerdir=${layers}`, mountpoint], { cwd }),
);
