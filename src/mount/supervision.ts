import { systemErrorCode } from '../base/errors.js';
import { isRunning, type ProcessIdentity, processIdentity } from '../base/process-identity.js';
import { loadNativeAddon, type NativeAddon } from './native-addon.js';

/** How the process that served before this one ended. */
export interface LastEnd {
  how: 'status' | 'signal' | 'hand-over';
  /** Exit status or number of the signal. */
  number: number;
  /** Milliseconds since 1970. */
  timeMs: number;
}

/** What the supervisor holds of a mount whose serving process died: the descriptors, and what that process noted. */
export interface HeldMount {
  fds: number[];
  state: Buffer;
}

const socketVariable = 'SHENV_SUPERVISOR';
const answerTimeoutMs = 10_000;
const protocolVersion = '1';

/** The tie to the supervisor that started this process (docs/supervision.md). */
export class Supervision {
  readonly supervisor: ProcessIdentity;
  /** Undefined where nothing was mounted before. */
  readonly held: HeldMount | undefined;
  /** Deaths of serving processes so far. */
  readonly deaths: number;
  readonly lastEnd: LastEnd | undefined;
  readonly #addon: NativeAddon;
  readonly #socket: number;

  private constructor(addon: NativeAddon, socket: number) {
    this.#addon = addon;
    this.#socket = socket;
    this.supervisor = processIdentity(process.ppid);
    const { words, fds, state } = this.#receive();
    const [verb, , deaths, how, number, timeMs] = words;
    this.held = verb === 'take' ? { fds, state } : undefined;
    this.deaths = Number(deaths ?? 0);
    this.lastEnd =
      how === undefined || how === 'none'
        ? undefined
        : { how: how as LastEnd['how'], number: Number(number), timeMs: Number(timeMs) };
  }

  /** Undefined where no supervisor started this process. What it starts itself does not see the tie. */
  static join(): Supervision | undefined {
    const socket = process.env[socketVariable];
    delete process.env[socketVariable];
    return socket === undefined ? undefined : new Supervision(loadNativeAddon(), Number(socket));
  }

  get isWatched(): boolean {
    return process.ppid === this.supervisor.pid && isRunning(this.supervisor) !== false;
  }

  /** Calls `onLoss` once when the supervisor has died: it left SIGURG for that moment. */
  watch(onLoss: () => void): void {
    const look = () => {
      if (this.isWatched) return;
      process.off('SIGURG', look);
      onLoss();
    };
    process.on('SIGURG', look);
    look();
  }

  /** Returns when the supervisor has copies of the descriptors, which stay the caller's, and `state`. */
  hold(fds: readonly number[], state: Buffer): void {
    this.#send('hold', state, fds);
    const { words } = this.#receive();
    if (words[0] !== 'held') throw new Error(`the supervisor said ${words[0]}`);
  }

  /** From now on the mount answers. */
  ready(): void {
    this.#tell('ready');
  }

  /** This process ends the mount: no other is to be started. */
  ending(): void {
    this.#tell('ending');
  }

  /** When this process ends with status 0, `command` takes over. */
  next(command: readonly string[]): void {
    this.#send('next', Buffer.from(command.map((word) => `${word}\0`).join('')), []);
  }

  /** A supervisor that has died needs not be told. */
  #tell(word: string): void {
    try {
      if (this.isWatched) this.#send(word, Buffer.alloc(0), []);
    } catch (error) {
      if (!['EPIPE', 'ECONNRESET'].includes(systemErrorCode(error) ?? '')) throw error;
    }
  }

  #send(word: string, rest: Buffer, fds: readonly number[]): void {
    this.#addon.sendToSupervisor(this.#socket, Buffer.concat([Buffer.from(`${word}\n`), rest]), fds);
  }

  #receive(): { words: string[]; fds: number[]; state: Buffer } {
    const received = this.#addon.receiveFromSupervisor(this.#socket, answerTimeoutMs);
    if (!received) throw new Error('the supervisor has ended');
    const { message, fds } = received;
    const end = message.indexOf('\n');
    const words = message.subarray(0, end).toString().split(' ');
    const isKnown = words[0] === 'held' || words[1] === protocolVersion;
    if (!isKnown) throw new Error(`the supervisor is of another version: ${words.join(' ')}`);
    return { words, fds, state: message.subarray(end + 1) };
  }
}
