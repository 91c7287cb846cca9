import { join } from 'node:path';
import { has, must } from '../run/commands.js';
import type { Contender, Ingredients, Place } from '../run/contender.js';
import { isRoot, knowsFileSystem } from '../run/machine.js';
import { deferUnmount } from '../run/shelf.js';
import { venvPlace } from './venv.js';

interface Archive {
  name: string;
  about: string;
  /** Packs a folder into a file; shared by the contenders that mount the same kind. */
  pack: { program: string; package: string; args(folder: string, file: string): string[] };
  mount: { program: string; package: string; kind?: string; args: string[] };
}

const packSquashfs: Archive['pack'] = {
  program: 'mksquashfs',
  package: 'squashfs-tools',
  // zstd at this level packs in a tenth of the time of the default, zlib, and is read faster.
  args: (folder, file) => [
    folder,
    file,
    '-noappend',
    '-quiet',
    '-no-progress',
    '-comp',
    'zstd',
    '-Xcompression-level',
    '6',
  ],
};

/** The pip venv in one file of a read-only file system. */
function archive({ name, about, pack, mount }: Archive): Contender {
  const packed = ({ bench, shelf, set, python }: Ingredients) =>
    shelf.once(`${pack.program} ${set.name} ${python.minor}`, async () => {
      const { prefix } = await shelf.place('venv', set, python);
      const file = join(await bench.newFolder('archives', set.name, python.minor), `env.${pack.program}`);
      await must(pack.program, pack.args(prefix, file));
      return file;
    });
  const mounted = async (
    { bench, set, python }: Ingredients,
    file: string,
    label: string,
  ): Promise<Place> => {
    const mountpoint = await bench.newFolder(name, set.name, python.minor, label);
    deferUnmount(bench, mountpoint);
    await must(mount.program, [...mount.args, file, mountpoint]);
    return { ...venvPlace(name, mountpoint, python), own: [file] };
  };
  return {
    name,
    about,
    async missing() {
      for (const { program, package: from } of [pack, mount])
        if (!(await has(program))) return `there is no program ${program} (Debian: apt-get install ${from})`;
      if (mount.kind === undefined) return undefined;
      if (!isRoot) return 'only root may mount it';
      return (await knowsFileSystem(mount.kind)) ? undefined : `this kernel has no ${mount.kind}`;
    },
    setUp: async (ingredients) => mounted(ingredients, await packed(ingredients), 'env'),
    // Nothing is shared: a further environment is a further file.
    async further({ own }, index, ingredients) {
      const file = `${own[0]}-${index}`;
      await must('cp', [own[0]!, file]);
      return mounted(ingredients, file, `env-${index}`);
    },
  };
}

export const squashfuse = archive({
  name: 'squashfuse',
  about: 'the venv in one squashfs file (zstd), mounted by squashfuse',
  pack: packSquashfs,
  mount: { program: 'squashfuse', package: 'squashfuse', args: [] },
});

export const squashfs = archive({
  name: 'squashfs',
  about: 'the venv in one squashfs file (zstd), mounted by the kernel',
  pack: packSquashfs,
  mount: { program: 'mount', package: 'mount', kind: 'squashfs', args: ['-t', 'squashfs', '-o', 'loop,ro'] },
});

export const erofs = archive({
  name: 'erofs',
  about: 'the venv in one erofs file (not compressed), mounted by the kernel',
  pack: { program: 'mkfs.erofs', package: 'erofs-utils', args: (folder, file) => [file, folder] },
  mount: { program: 'mount', package: 'mount', kind: 'erofs', args: ['-t', 'erofs', '-o', 'loop,ro'] },
});
