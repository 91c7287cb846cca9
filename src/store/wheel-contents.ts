import { createHash } from 'node:crypto';
import { ShenvError } from '../base/errors.js';
import { nodeFlags } from '../image/format.js';
import type { ImageFile } from '../image/tree.js';
import type { WheelArchive } from '../wheel/archive.js';
import type { PlannedFile, WheelPlan } from '../wheel/plan.js';

const pythonShebang = Buffer.from('#!python');

/**
 * The files of a wheel as its image holds them: every RECORD digest verified on the way, scripts
 * that start with `#!python` without their first line, which the view writes for each environment.
 */
export class WheelContents {
  readonly files: readonly ImageFile[];
  readonly #archive: WheelArchive;
  readonly #planned: ReadonlyMap<ImageFile, PlannedFile>;
  /** Scripts are read beforehand, because the size of an image's file must be known. */
  readonly #scripts: ReadonlyMap<ImageFile, Buffer>;

  private constructor(
    archive: WheelArchive,
    planned: Map<ImageFile, PlannedFile>,
    scripts: Map<ImageFile, Buffer>,
  ) {
    this.#archive = archive;
    this.#planned = planned;
    this.#scripts = scripts;
    this.files = [...planned.keys()];
  }

  static async prepare(archive: WheelArchive, plan: WheelPlan): Promise<WheelContents> {
    const planned = new Map<ImageFile, PlannedFile>();
    const scripts = new Map<ImageFile, Buffer>();
    for (const file of plan.files) {
      const entry: ImageFile = {
        path: `${file.scheme}/${file.path}`,
        sizeBytes: file.sizeBytes,
        executable: file.executable,
        mtimeNs: file.mtimeNs,
        flags: 0,
      };
      planned.set(entry, file);
      if (!file.script) continue;
      const data = await collect(verified(archive, file));
      const body = data.subarray(0, pythonShebang.length).equals(pythonShebang)
        ? withoutFirstLine(data)
        : data;
      if (body !== data) entry.flags |= nodeFlags.pythonScript;
      entry.sizeBytes = body.length;
      scripts.set(entry, body);
    }
    return new WheelContents(archive, planned, scripts);
  }

  async *read(entry: ImageFile): AsyncGenerator<Buffer> {
    const script = this.#scripts.get(entry);
    if (script) yield script;
    else yield* verified(this.#archive, this.#planned.get(entry)!);
  }
}

async function* verified(archive: WheelArchive, file: PlannedFile): AsyncGenerator<Buffer> {
  const hash = file.expected && createHash(file.expected.algorithm);
  for await (const chunk of archive.stream(file.source)) {
    hash?.update(chunk);
    yield chunk;
  }
  if (!hash || !file.expected) return;
  const found = hash.digest('base64url');
  if (found === file.expected.value) return;
  throw new ShenvError('WHEEL_RECORD', `${archive.path}: '${file.source}' is not what RECORD says`, {
    hint: 'The wheel is damaged or was tampered with; fetch it again.',
    path: file.source,
    expected: `${file.expected.algorithm}=${file.expected.value}`,
    found: `${file.expected.algorithm}=${found}`,
  });
}

async function collect(chunks: AsyncIterable<Buffer>): Promise<Buffer> {
  const all: Buffer[] = [];
  for await (const chunk of chunks) all.push(chunk);
  return Buffer.concat(all);
}

function withoutFirstLine(data: Buffer): Buffer {
  const newline = data.indexOf(0x0a);
  return newline < 0 ? Buffer.alloc(0) : data.subarray(newline + 1);
}
