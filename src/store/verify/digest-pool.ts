import type { Worker } from 'node:worker_threads';
import type { RunFault } from './content-run.js';
import { type Answer, startDigestWorker, type Task, tasksAtOnce } from './digest-worker.js';
import type { Inspection } from './inspect.js';

interface Pending {
  task: Task;
  resolve(answer: Answer): void;
  reject(error: unknown): void;
}

interface Member {
  worker: Worker;
  counter: BigInt64Array;
  busy: Map<number, Pending>;
}

/** Threads that inspect and hash; `end` takes them down at any time. */
export class DigestPool {
  readonly #members: Member[];
  #waiting: Pending[] = [];
  #nextId = 0;

  constructor(threads: number) {
    this.#members = Array.from({ length: threads }, () => this.#start());
  }

  /** Bytes of contents hashed so far. */
  get bytesDone(): number {
    return this.#members.reduce((sum, { counter }) => sum + Number(Atomics.load(counter, 0)), 0);
  }

  async inspect(path: string, images: string, basePaths: readonly string[] | undefined): Promise<Inspection> {
    const answer = await this.#ask({ kind: 'inspect', path, images, basePaths });
    return (answer as { inspection: Inspection }).inspection;
  }

  async checkRun(run: Extract<Task, { kind: 'run' }>['run']): Promise<RunFault[]> {
    return ((await this.#ask({ kind: 'run', run })) as { faults: RunFault[] }).faults;
  }

  /** Ends every thread, whatever it works on; what was asked for and is not answered rejects with `reason`. */
  async end(reason: unknown): Promise<void> {
    this.#failAll(reason);
    await Promise.all(this.#members.map(({ worker }) => worker.terminate()));
  }

  #start(): Member {
    const done = new SharedArrayBuffer(BigInt64Array.BYTES_PER_ELEMENT);
    const member = { worker: startDigestWorker(done), counter: new BigInt64Array(done), busy: new Map() };
    member.worker.on('message', (answer: Answer) => this.#settle(member, answer));
    member.worker.on('error', (error) => this.#failAll(error));
    return member;
  }

  #ask(task: Task): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ task, resolve, reject });
      this.#feed();
    });
  }

  #feed(): void {
    for (let count = 0; count < tasksAtOnce; count += 1) {
      for (const member of this.#members) {
        if (member.busy.size > count) continue;
        const next = this.#waiting.shift();
        if (!next) return;
        this.#nextId += 1;
        member.busy.set(this.#nextId, next);
        member.worker.postMessage({ id: this.#nextId, task: next.task });
      }
    }
  }

  #settle(member: Member, answer: Answer): void {
    const pending = member.busy.get(answer.id);
    member.busy.delete(answer.id);
    if ('failure' in answer) pending?.reject(new Error(answer.failure));
    else pending?.resolve(answer);
    this.#feed();
  }

  #failAll(reason: unknown): void {
    for (const { reject } of this.#waiting) reject(reason);
    this.#waiting = [];
    for (const { busy } of this.#members) {
      for (const { reject } of busy.values()) reject(reason);
      busy.clear();
    }
  }
}
