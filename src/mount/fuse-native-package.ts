import { constants } from 'node:os';
import { ShenvError } from '../base/errors.js';

/** How fuse-native calls an operation back: 0 or a negative errno, then the values. */
export type Callback = (status: number, ...values: unknown[]) => void;
export type Operations = Record<string, (...args: unknown[]) => void>;

/** The part of fuse-native's interface that is used; the package has no types of its own. */
export interface FuseNative {
  mount(callback: (error: Error | null) => void): void;
}
export type FuseConstructor = new (mountpoint: string, operations: Operations, options: object) => FuseNative;

/** What the package's own class has besides, and what is overridden of it. */
interface FuseInternals extends FuseNative {
  ops: Operations;
}
type InternalConstructor = new (mountpoint: string, operations: Operations, options: object) => FuseInternals;
type Signal = (status: number, buffer: ArrayBufferLike) => void;

/** Throws ENGINE_UNAVAILABLE when the package or libfuse 2 is missing. */
export async function loadFuseNative(): Promise<FuseConstructor> {
  try {
    const name: string = 'fuse-native';
    return withExactAttributeSizes(((await import(name)) as { default: InternalConstructor }).default);
  } catch (cause) {
    throw new ShenvError(
      'ENGINE_UNAVAILABLE',
      `The engine fuse-native cannot start: ${(cause as Error).message}`,
      {
        hint: 'It needs libfuse 2: install libfuse2 (libfuse2t64 on Ubuntu 24.04 and later) and fuse3.',
        cause,
      },
    );
  }
}

/**
 * fuse-native 2.2.6 cuts a value that does not fit and adds 128 to the size of a list; xattr(7) wants
 * ERANGE and the true size. Can go when the package does so itself.
 */
function withExactAttributeSizes(Fuse: InternalConstructor): FuseConstructor {
  return class extends Fuse {
    _op_getxattr(signal: Signal, path: string, name: string, buffer: Buffer): void {
      this.ops.getxattr!(path, name, answerInto(signal, buffer));
    }

    _op_listxattr(signal: Signal, path: string, buffer: Buffer): void {
      this.ops.listxattr!(path, answerInto(signal, buffer));
    }
  };
}

function answerInto(signal: Signal, buffer: Buffer): Callback {
  return (status, value) => {
    const data = value as Buffer;
    if (status !== 0) return signal(status, buffer.buffer);
    if (buffer.length > 0 && data.length > buffer.length)
      return signal(-constants.errno.ERANGE, buffer.buffer);
    data.copy(buffer);
    signal(data.length, buffer.buffer);
  };
}
