/**
 * Loaded into `shenv-fs` with `node --import`: counts the calls that change the file system and sends
 * a signal just before the one that FAULT_POINT asks for. Without one it only counts.
 */
import { writeFileSync } from 'node:fs';
import promises, { type FileHandle } from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';

/** What FAULT_POINT holds, as JSON. */
export interface FaultPoint {
  /** Before which call, counted from 1; 0 for none. */
  call: number;
  signal: 'SIGKILL' | 'SIGINT';
  target: 'group' | 'program';
  /** File that the number of calls is written to when the program ends by itself. */
  countFile: string;
}

type Callable = (this: unknown, ...args: unknown[]) => unknown;

const functionNames = ['link', 'rename', 'unlink', 'rm', 'mkdir', 'mkdtemp', 'symlink', 'writeFile'];
const methodNames = ['sync', 'write', 'writeFile', 'truncate'];

const point = JSON.parse(process.env.FAULT_POINT!) as FaultPoint;
delete process.env.FAULT_POINT;
let calls = 0;

function count(): void {
  calls += 1;
  if (calls === point.call) process.kill(point.target === 'group' ? -process.pid : process.pid, point.signal);
}

function wrap(owner: object, name: string, counts: (args: unknown[]) => boolean = () => true): void {
  const table = owner as Record<string, Callable>;
  const original = table[name]!;
  table[name] = function counted(...args) {
    if (counts(args)) count();
    return original.apply(this, args);
  };
}

async function handlePrototype(): Promise<object> {
  const handle: FileHandle = await promises.open(process.execPath);
  await handle.close();
  return Object.getPrototypeOf(handle) as object;
}

for (const name of methodNames) wrap(await handlePrototype(), name);
for (const name of functionNames) wrap(promises, name);
wrap(promises, 'open', ([, flags]) => flags !== undefined && flags !== 'r');
syncBuiltinESMExports();
process.on('exit', () => writeFileSync(point.countFile, String(calls)));
