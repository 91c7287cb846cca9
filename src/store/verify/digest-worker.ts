import { close as closeWithCallback, open as openWithCallback } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { isMainThread, type MessagePort, parentPort, Worker, workerData } from 'node:worker_threads';
import { type ContentRun, checkRun, pieceBytes, type RunFault } from './content-run.js';
import { type Inspection, inspectImage } from './inspect.js';

const openFile = promisify(openWithCallback);
const closeFile = promisify(closeWithCallback);

/** One piece of work for a thread. */
export type Task =
  | { kind: 'inspect'; path: string; images: string; basePath: string | undefined }
  | { kind: 'run'; run: ContentRun };

export type Answer =
  | { id: number; inspection: Inspection }
  | { id: number; faults: RunFault[] }
  | { id: number; failure: string };

/** Tasks that a thread works on at once: one reads while the other hashes. */
export const tasksAtOnce = 2;

interface WorkerData {
  role: 'digest';
  /** Bytes hashed so far by this thread, for the bar. */
  done: SharedArrayBuffer;
}

/** Starts a thread that answers tasks; `done` is 8 bytes. */
export function startDigestWorker(done: SharedArrayBuffer): Worker {
  const data: WorkerData = { role: 'digest', done };
  return new Worker(fileURLToPath(import.meta.url), { workerData: data, stdin: false });
}

function serve(port: MessagePort, { done }: WorkerData): void {
  const counter = new BigInt64Array(done);
  const free = Array.from({ length: tasksAtOnce }, (): [Buffer, Buffer] => [
    Buffer.allocUnsafeSlow(pieceBytes),
    Buffer.allocUnsafeSlow(pieceBytes),
  ]);
  const work = async (task: Task): Promise<object> => {
    if (task.kind === 'inspect') return { inspection: inspectImage(task.path, task.images, task.basePath) };
    const buffers = free.pop()!;
    try {
      return {
        faults: await checkFile(task.run, buffers, (bytes) => void Atomics.add(counter, 0, BigInt(bytes))),
      };
    } finally {
      free.push(buffers);
    }
  };
  port.on('message', ({ id, task }: { id: number; task: Task }) => {
    work(task)
      .catch((error: unknown) => ({ failure: error instanceof Error ? String(error.stack) : String(error) }))
      .then((answer) => port.postMessage({ id, ...answer }));
  });
}

async function checkFile(
  run: ContentRun,
  buffers: readonly [Buffer, Buffer],
  onBytes: (bytes: number) => void,
): Promise<RunFault[]> {
  let fd: number;
  try {
    fd = await openFile(run.path, 'r');
  } catch (error) {
    const errorCode = (error as NodeJS.ErrnoException).code;
    return [{ kind: 'unreadable', node: undefined, offset: run.start, errorCode }];
  }
  try {
    return await checkRun(fd, run, buffers, onBytes);
  } finally {
    await closeFile(fd);
  }
}

// A thread's file is this module, or the bundle, which loads this module in its threads.
if (!isMainThread && (workerData as Partial<WorkerData> | null)?.role === 'digest')
  serve(parentPort!, workerData as WorkerData);
