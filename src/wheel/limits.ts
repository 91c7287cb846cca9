import { ShenvError } from '../base/errors.js';

/** What a wheel may unpack to, and what of it is read into memory. Whole numbers from 0 on. */
export interface WheelLimits {
  /** Members, folders too. */
  entries: number;
  /** All members, unpacked. */
  totalBytes: number;
  /** One member, unpacked. */
  memberBytes: number;
  /** Largest ratio of unpacked to packed bytes of a member, or of a whole wheel, over `denseFromBytes`. */
  density: number;
  denseFromBytes: number;
  /** The zip directory. */
  directoryBytes: number;
  /** A member's name. */
  pathBytes: number;
  /** Folders that a member's name leads through, and the file. */
  pathParts: number;
  /** METADATA, WHEEL and entry_points.txt, each. */
  metadataBytes: number;
  /** Header fields of METADATA and WHEEL, each. */
  headers: number;
  recordBytes: number;
  /** Console and gui scripts. */
  scripts: number;
  /** Pairs of names, of files or folders, that differ in case or composition only. */
  caseClashes: number;
}

/** The largest wheels of the index (CUDA builds of PyTorch) stay under half of these. */
export const defaultLimits: WheelLimits = {
  entries: 500_000,
  totalBytes: 32 * 2 ** 30,
  memberBytes: 8 * 2 ** 30,
  density: 200,
  denseFromBytes: 64 * 2 ** 20,
  directoryBytes: 128 * 2 ** 20,
  pathBytes: 4000,
  pathParts: 128,
  metadataBytes: 16 * 2 ** 20,
  headers: 50_000,
  recordBytes: 128 * 2 ** 20,
  scripts: 10_000,
  caseClashes: 0,
};

/** Settings of limits: `entries=1000000,totalBytes=64G`. */
export const limitsVariable = 'SHENV_WHEEL_LIMITS';
const units: Readonly<Record<string, number>> = { '': 1, K: 2 ** 10, M: 2 ** 20, G: 2 ** 30, T: 2 ** 40 };

/** The limits that hold in this process. Throws USAGE for a variable that cannot be read. */
export function currentLimits(variables: NodeJS.ProcessEnv = process.env): WheelLimits {
  return parseLimits(variables[limitsVariable] ?? '');
}

/** The defaults with what `text` changes of them. Throws USAGE, naming the part that is wrong. */
export function parseLimits(text: string): WheelLimits {
  const limits = { ...defaultLimits };
  for (const part of text.split(',').map((written) => written.trim())) {
    if (part === '') continue;
    const [, name = '', digits = '', unit = ''] = /^(\w+)\s*=\s*([0-9]+)([KMGT]?)$/.exec(part) ?? [];
    const value = Number(digits) * units[unit]!;
    if (!Object.hasOwn(limits, name) || !Number.isSafeInteger(value)) {
      throw new ShenvError('USAGE', `${limitsVariable}: '${part}' sets no limit`, {
        hint: `It reads like entries=1000000,totalBytes=64G; there are ${Object.keys(limits).join(', ')}.`,
        found: part,
      });
    }
    limits[name as keyof WheelLimits] = value;
  }
  return limits;
}
