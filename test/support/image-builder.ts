import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { toSerial } from '../../src/base/brands.js';
import { sha256 } from '../../src/base/digest.js';
import { imageKinds, nodeFlags } from '../../src/image/format.js';
import type { ImageMeta, ImageScript } from '../../src/image/meta.js';
import { Image } from '../../src/image/read.js';
import type { ImageFile } from '../../src/image/tree.js';
import { writeImage } from '../../src/image/write.js';

export interface ImageSpec {
  name?: string;
  version?: string;
  serial?: number;
  /** Path with its scheme to contents. */
  files: Readonly<Record<string, string | Buffer>>;
  executable?: readonly string[];
  /** Paths whose first line is the environment's to write. */
  pythonScripts?: readonly string[];
  scripts?: readonly ImageScript[];
  mtimeNs?: bigint;
}

export const imageMtimeNs = 1_700_000_000_000_000_000n;

export function imageMeta(spec: ImageSpec): ImageMeta {
  const { name = 'sample', version = '1.0' } = spec;
  return {
    name,
    version,
    summary: 'A sample',
    wheelFilename: `${name}-${version}-py3-none-any.whl`,
    wheelDigest: sha256(Buffer.from(`${name} ${version} ${spec.serial ?? 1}`)),
    tags: ['py3-none-any'],
    requiresDist: [],
    providesExtra: [],
    rootIsPurelib: true,
    distInfo: `${name}-${version}.dist-info`,
    scripts: [...(spec.scripts ?? [])],
    fileCount: Object.keys(spec.files).length,
    contentBytes: Object.values(spec.files).reduce(
      (sum, data) => sum + Buffer.from(data as string).length,
      0,
    ),
  };
}

/** Writes an image as the store does and gives its path. */
export async function writeSampleImage(folder: string, spec: ImageSpec): Promise<string> {
  const executable = new Set(spec.executable);
  const pythonScripts = new Set(spec.pythonScripts);
  const contents = new Map(
    Object.entries(spec.files).map(([path, data]) => [path, Buffer.from(data as string)]),
  );
  const files = [...contents].map(
    ([path, data]): ImageFile => ({
      path,
      sizeBytes: data.length,
      executable: executable.has(path),
      mtimeNs: spec.mtimeNs ?? imageMtimeNs,
      flags: pythonScripts.has(path) ? nodeFlags.pythonScript : 0,
    }),
  );
  const serial = toSerial(spec.serial ?? 1);
  const path = join(folder, `${spec.name ?? 'sample'}-${serial}.img`);
  const file = await open(path, 'wx');
  try {
    await writeImage(file, {
      kind: imageKinds.wheel,
      claimSerial: async () => serial,
      meta: imageMeta(spec),
      files,
      async *content(entry) {
        yield contents.get(entry.path)!;
      },
    });
  } finally {
    await file.close();
  }
  return path;
}

export async function sampleImage(folder: string, spec: ImageSpec): Promise<Image> {
  return Image.open(await writeSampleImage(folder, spec));
}
