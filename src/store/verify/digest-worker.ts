import { fileURLToPath } from 'node:url';
import { isMainThread, type MessagePort, parentPort, Worker, workerData } from 'node:worker_threads';
import { systemErrorCode } from '../../base/errors.js';
import { type ContentRun, checkRun, type RunFault } from './content-run.js';
import { type Inspection, inspectImage } from './inspect.js';
import { RunBuffers } from './run-file.js';

/** One piece of work for a thread. */
export type Task =
  | { kind: 'inspect'; path: string; images: string; basePaths: readonly string[] | undefined }
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
  const free = Array.from({ length: tasksAtOnce }, () => new RunBuffers());
  const onBytes = (bytes: number) => void Atomics.add(counter, 0, BigInt(bytes));
  const work = async (task: Task): Promise<object> => {
    if (task.kind === 'inspect') return { inspection: inspectImage(task.path, task.images, task.basePaths) };
    const buffers = free.pop()!;
    try {
      return { faults: await checkFile(task.run, buffers, onBytes) };
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
  buffers: RunBuffers,
  onBytes: (bytes: number) => void,
): Promise<RunFault[]> {
  const unreadable = (errorCode: string): RunFault[] => [
    { kind: 'unreadable', node: undefined, offset: run.start, errorCode },
  ];
  try {
    return (await buffers.with(run.path, (file) => checkRun(file, run, onBytes))) ?? unreadable('EINVAL');
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === undefined) throw error;
    return unreadable(code);
  }
}

// A thread's file is this module, or the bundle, which loads this module in its threads.
if (!isMainThread && (workerData as Partial<WorkerData> | null)?.role === 'digest')
  serve(parentPort!, workerData as WorkerData);
