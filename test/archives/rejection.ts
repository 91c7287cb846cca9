import type { ErrorCode } from '../../src/base/errors.js';
import type { WheelLimits } from '../../src/wheel/limits.js';
import { buildWheel, type WheelSpec, wheelMembers } from '../support/wheel-builder.js';
import { type ForgedEnd, type ForgedMember, forgeZip } from './zip-forge.js';

/** A wheel that must be refused; `reject-<reason>.whl` holds its bytes. */
export interface Rejection {
  /** Why, in a file's name. */
  reason: string;
  code: ErrorCode;
  /** What the message must hold: the file at fault, then the rule. */
  says: readonly [file: string, rule: string];
  /** The name under which the wheel is given to the reader. */
  fileName: string;
  data: Buffer;
  limits?: Partial<WheelLimits>;
  /** Refused for its contents, when they have been staged. */
  isStaged?: boolean;
}

export const fileName = 'sample-1.0-py3-none-any.whl';
export const distInfo = 'sample-1.0.dist-info';
/** The member that the forged wheels lie about. */
export const victim = 'pkg/data.txt';
export const victimData = Buffer.from('the data of the member\n');
export const sound: Readonly<Record<string, string | Buffer>> = {
  'pkg/__init__.py': 'x = 1\n',
  [victim]: victimData,
};

type Options = Partial<Pick<Rejection, 'fileName' | 'limits' | 'isStaged'>>;

/** A wheel that is wrong in what it holds. */
export function fromSpec(
  reason: string,
  [code, file, rule]: readonly [ErrorCode, string, string],
  spec: WheelSpec,
  options: Options = {},
): Rejection {
  const { data, fileName: builtName } = buildWheel({ ...spec, files: { ...sound, ...spec.files } });
  return { reason, code, says: [file, rule], fileName: builtName, data, ...options };
}

/** A wheel that is wrong as an archive. */
export function fromMembers(
  reason: string,
  [code, file, rule]: readonly [ErrorCode, string, string],
  change: (members: ForgedMember[]) => readonly ForgedMember[],
  { end, spec, ...options }: Options & { end?: ForgedEnd; spec?: WheelSpec } = {},
): Rejection {
  const members = wheelMembers({ ...spec, files: { ...sound, ...spec?.files } });
  const data = forgeZip(change(members), end);
  return { reason, code, says: [file, rule], fileName, data, ...options };
}

/** Changes the member that the forged wheels lie about. */
export function lie(change: Partial<ForgedMember>): (members: ForgedMember[]) => ForgedMember[] {
  return (members) => members.map((member) => (member.name === victim ? { ...member, ...change } : member));
}

export const unchanged = (members: ForgedMember[]): ForgedMember[] => members;
