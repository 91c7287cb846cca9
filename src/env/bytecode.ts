import { availableParallelism } from 'node:os';
import type { Image } from '../image/read.js';
import type { Layer } from '../manifest/types.js';
import type { InterpreterRecord } from '../python/interpreter-record.js';
import type { Probe } from '../python/probe.js';
import type { CompileSources } from '../store/bytecode.js';
import type { Rebuild } from '../store/put.js';
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
        const compileSources: CompileSources = (path, output, sources) =>
          compile({
            image: path,
            output,
            files: sources.map(({ path: name, contentOffset, sizeBytes }) => [
              name,
              contentOffset,
              sizeBytes,
            ]),
          });
        await putBytecode(store, image, interpreter.cacheTag, compileSources, rebuilds.get(image));
        progress.advance(1);
      },
    );
  } finally {
    progress.finish();
  }
}
