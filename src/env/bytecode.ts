import { availableParallelism } from 'node:os';
import type { Progress } from '../base/progress.js';
import type { Image } from '../image/read.js';
import { withCompileWorkers } from '../python/compile-workers.js';
import type { InterpreterRecord } from '../python/interpreter-record.js';
import { findBytecode, putBytecode } from '../store/bytecode.js';
import type { Store } from '../store/store.js';

/** Makes sure that the store has bytecode of each image for this interpreter; compiled once for all environments. */
export async function compileImages(
  store: Store,
  interpreter: InterpreterRecord,
  images: readonly Image[],
  progress: Progress,
): Promise<void> {
  const { cacheTag } = interpreter;
  const missing: Image[] = [];
  for (const image of images) if (!(await findBytecode(image, cacheTag))) missing.push(image);
  if (missing.length === 0) return;
  // The largest first, so that no worker ends long after the others.
  missing.sort((a, b) => b.nodeCount - a.nodeCount);
  progress.start('Compiling', missing.length);
  try {
    await withCompileWorkers(
      interpreter.baseExecutable,
      availableParallelism(),
      missing,
      async (image, compile) => {
        progress.advance(0, image.meta.name);
        await putBytecode(store, image, cacheTag, (path, output, sources) =>
          compile({
            image: path,
            output,
            files: sources.map(({ path: name, contentOffset, sizeBytes }) => [
              name,
              contentOffset,
              sizeBytes,
            ]),
          }),
        );
        progress.advance(1);
      },
    );
  } finally {
    progress.finish();
  }
}
