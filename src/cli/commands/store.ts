import type { Workspace } from '../../env/workspace.js';
import { readDigests } from '../../image/digests.js';
import { dumpImage } from '../../image/dump.js';
import { Image } from '../../image/read.js';
import { putWheel } from '../../store/put.js';
import { formatBytes, plural, type Report } from '../render.js';
import { formatTable } from '../table.js';

export async function addWheels({ store, progress, signal }: Workspace, wheels: string[]): Promise<Report> {
  const data: { wheel: string; name: string; version: string; added: boolean; path: string }[] = [];
  progress.start('Adding to the store', wheels.length);
  try {
    for (const wheel of wheels) {
      signal?.throwIfAborted();
      progress.advance(0, wheel);
      const { image, added } = await putWheel(store, wheel, signal ? { signal } : {});
      data.push({ wheel, name: image.meta.name, version: image.meta.version, added, path: image.path });
      progress.advance(1);
    }
  } finally {
    progress.finish();
  }
  const added = data.filter((item) => item.added).length;
  return { data, text: `${plural(added, 'image')} added, ${data.length - added} there already` };
}

export async function listImages(
  workspace: Workspace,
  name: string | undefined,
  options: { usedBy?: boolean },
): Promise<Report> {
  if (options.usedBy) return (await import('./store-usage.js')).listUses(workspace, name);
  const { store } = workspace;
  const data = [];
  for await (const stored of name === undefined ? store.list() : store.listOf(name)) {
    const image = await store.read(stored);
    if (!image) continue;
    const { meta, serial, header } = image;
    data.push({
      name: meta.name,
      version: meta.version,
      serial,
      wheel: meta.wheelFilename,
      bytes: header.fileBytes,
      files: meta.fileCount,
      path: stored.path,
      store: stored.part.layout.root,
    });
  }
  const rows = data.map((image) => [
    image.name,
    image.version,
    String(image.files),
    formatBytes(image.bytes),
    image.wheel,
    ...(store.parts.length === 1 ? [] : [image.store]),
  ]);
  const total = formatBytes(data.reduce((sum, { bytes }) => sum + bytes, 0));
  const titles = ['DISTRIBUTION', 'VERSION', 'FILES', 'SIZE', 'WHEEL'];
  const table = formatTable(store.parts.length === 1 ? titles : [...titles, 'STORE'], rows);
  return {
    data,
    text: data.length === 0 ? 'No images.' : `${table}\n${plural(data.length, 'image')}, ${total}`,
  };
}

export async function dump(_: Workspace, path: string): Promise<Report> {
  const image = await Image.open(path);
  const text = dumpImage(image, await readDigests(image));
  return { data: text, text };
}
