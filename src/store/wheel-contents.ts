import { createHash } from 'node:crypto';
import { nodeFlags } from '../image/format.js';
import type { ImageFile } from '../image/tree.js';
import type { WheelArchive } from '../wheel/archive.js';
import type { PlannedFile, WheelPlan } from '../wheel/plan.js';
import { refuseWheel } from '../wheel/refusal.js';

const pythonShebang = Buffer.from('#!python');

/**
 * The files of a wheel as its image holds them: every RECORD digest verified on the way, scripts
 * that start with `#!python` without their first line, which the view writes for each environment.
 */
export class WheelContents {
  readonly files: readonly ImageFile[];
  readonly #archive: WheelArchive;
  readonly #planned: ReadonlyMap<ImageFile, PlannedFile>;
  /** The bytes that are left out of scripts, looked at beforehand: an image's file needs its size. */
  readonly #firstLines: ReadonlyMap<ImageFile, number>;

  private constructor(
    archive: WheelArchive,
    planned: Map<ImageFile, PlannedFile>,
    firstLines: ReadonlyMap<ImageFile, number>,
  ) {
    this.#archive = archive;
    this.#planned = planned;
    this.#firstLines = firstLines;
    this.files = [...planned.keys()];
  }

  static async prepare(archive: WheelArchive, plan: WheelPlan): Promise<WheelContents> {
    const planned = new Map<ImageFile, PlannedFile>();
    const firstLines = new Map<ImageFile, number>();
    for (const file of plan.files) {
      const entry: ImageFile = {
        path: `${file.scheme}/${file.path}`,
        sizeBytes: file.sizeBytes,
        executable: file.executable,
        mtimeNs: file.mtimeNs,
        flags: 0,
      };
      planned.set(entry, file);
      const skipped = file.script ? await firstLineBytes(archive, file) : 0;
      if (skipped === 0) continue;
      entry.flags |= nodeFlags.pythonScript;
      entry.sizeBytes -= skipped;
      firstLines.set(entry, skipped);
    }
    for (const file of plan.leftOut) for await (const _ of verified(archive, file));
    return new WheelContents(archive, planned, firstLines);
  }

  async *read(entry: ImageFile): AsyncGenerator<Buffer> {
    let skipped = this.#firstLines.get(entry) ?? 0;
    for await (const chunk of verified(this.#archive, this.#planned.get(entry)!)) {
      if (chunk.length > skipped) yield chunk.subarray(skipped);
      skipped = Math.max(0, skipped - chunk.length);
    }
  }
}

/** The length of a first line that starts with `#!python`, with its end; 0 for any other. */
async function firstLineBytes(archive: WheelArchive, file: PlannedFile): Promise<number> {
  let head = Buffer.alloc(0);
  let length = 0;
  for await (const chunk of archive.stream(file.source)) {
    if (head.length < pythonShebang.length) {
      head = Buffer.concat([head, chunk.subarray(0, pythonShebang.length)]);
      const compared = Math.min(head.length, pythonShebang.length);
      if (!head.subarray(0, compared).equals(pythonShebang.subarray(0, compared))) return 0;
    }
    const newline = chunk.indexOf(0x0a);
    if (newline >= 0) return head.length < pythonShebang.length ? 0 : length + newline + 1;
    length += chunk.length;
  }
  return head.length < pythonShebang.length ? 0 : length;
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
  const rule = `${archive.path}: '${file.source}' is not what RECORD says`;
  throw refuseWheel('WHEEL_RECORD', rule, file.source, {
    hint: 'The wheel is damaged or was tampered with; fetch it again.',
    expected: `${file.expected.algorithm}=${file.expected.value}`,
    found: `${file.expected.algorithm}=${found}`,
  });
}
