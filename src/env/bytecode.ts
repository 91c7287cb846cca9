import { access } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { unless } from '../base/errors.js';
import type { Image } from '../image/read.js';
import type { Layer } from '../manifest/types.js';
import type { InterpreterRecord } from '../python/interpreter-record.js';
import type { Probe } from '../python/probe.js';
import type { CompileSources } from '../store/bytecode.js';
import type { Rebuild } from '../store/put.js';
import type { Store } from '../store/store.js';
import type { Workspace } from './workspace.js';

/** Makes sure that the store has the bytecode that `layers` show; compiled once for all environments. */
export async function compileImages(
  workspace: Workspace,
  interpreter: InterpreterRecord,
  layers: readonly Layer[],
): Promise<void> {
  const { outlines, store } = workspace;
  const missing: Image[] = [];
  for (const { image, bytecode } of layers) {
    if (bytecode !== undefined && !outlines.find(image, bytecode))
      missing.push(await store.open(image.name, image.version, image.wheelDigest));
  }
  if (missing.length > 0) await compileMissing(workspace, interpreter, missing);
}

/** Compiles the bytecode of wheels' images; `rebuilds` tells of those that take the place of damaged ones. */
export async function compileMissing(
  { store, progress, signal }: Workspace,
  interpreter: Probe,
  missing: Image[],
  rebuilds: ReadonlyMap<Image, Rebuild> = new Map(),
): Promise<void> {
  const { withCompileWorkers } = await import('../python/compile-workers.js');
  const { putBytecode } = await import('../store/bytecode.js');
  // The largest first, so that no worker ends long after the others.
  missing.sort((a, b) => b.nodeCount - a.nodeCount);
  progress.start('Compiling', missing.length);
  try {
    await withCompileWorkers(
      interpreter.baseExecutable,
      availableParallelism(),
      missing,
      async (image, compile) => {
        signal?.throwIfAborted();
        progress.advance(0, image.meta.name);
        const compileSources: CompileSources = (path, output, sources, trust) =>
          compile({
            image: path,
            ...(trust === undefined ? {} : { storeOwner: trust.owner }),
            output,
            files: sources.map(({ path: name, contentOffset, sizeBytes }) => [
              name,
              contentOffset,
              sizeBytes,
            ]),
          });
        await withImage(store, image, (there) =>
          putBytecode(store, there, interpreter.cacheTag, compileSources, rebuilds.get(image)),
        );
        progress.advance(1);
      },
    );
  } finally {
    progress.finish();
  }
}

/** A gc may condemn an image that was found and has no generation yet; whoever looks it up again gets it back. */
async function withImage<T>(store: Store, image: Image, work: (image: Image) => Promise<T>): Promise<T> {
  try {
    return await work(image);
  } catch (error) {
    if (
      (await unless(
        'ENOENT',
        access(image.path).then(() => true),
      )) === true
    )
      throw error;
    const { name, version } = image.meta;
    return work(await store.open(name, version, image.wheelDigest));
  }
}
