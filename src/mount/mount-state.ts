import type { Agreed } from './native-addon.js';

/** What a supervisor holds beside the descriptors of a mount, for the next serving process. */
export interface MountState {
  via: string;
  threads: number;
  agreed: Agreed;
  /** Serial of the environment whose root is the mount's. */
  sole: number | undefined;
  /** Mounted for writing, with `default_permissions`. */
  writable: boolean;
}

/** 1: the first. A program that does not know the version of what it is given lets the one before go on. */
const version = 1;

export function encodeMountState(state: MountState): Buffer {
  const agreed = { ...state.agreed, features: state.agreed.features.toString(16) };
  return Buffer.from(JSON.stringify({ version, ...state, agreed }));
}

/** Throws for what another version of the program noted. */
export function decodeMountState(bytes: Buffer): MountState {
  const given = JSON.parse(bytes.toString()) as MountState & { version: number };
  if (given.version !== version) throw new Error(`the mount is held in a form of version ${given.version}`);
  const features = BigInt(`0x${String(given.agreed.features)}`);
  return {
    via: given.via,
    threads: given.threads,
    sole: given.sole,
    // A program from before there was another kind noted nothing.
    writable: given.writable ?? false,
    agreed: { ...given.agreed, features },
  };
}
