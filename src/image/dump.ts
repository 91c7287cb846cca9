import { digestOf } from './digests.js';
import { formatVersion, imageKinds } from './format.js';
import type { Image, NodeIndex } from './read.js';

/**
 * A text form of everything an image holds but the bytes of its files (their digests stand for them):
 * header, meta, then one line a node: index, mode, size, offset, flags, mtime in ns, digest, path.
 */
export function dumpImage(image: Image, digests: Buffer): string {
  const { header, meta } = image;
  const lines = [`shenv-fs image ${formatVersion}`];
  lines.push(`kind ${header.kind === imageKinds.wheel ? 'wheel' : 'bytecode'}`, `serial ${header.serial}`);
  lines.push(`file-bytes ${header.fileBytes}`, `nodes ${header.nodeCount}`);
  for (const [name, { offset, length }] of Object.entries(header.sections))
    lines.push(`section ${name} ${offset} ${length}`);
  for (const [key, value] of Object.entries(meta)) lines.push(`meta ${key} ${JSON.stringify(value)}`);
  for (const { path, node } of walkImage(image)) lines.push(dumpNode(image, digests, path, node));
  return `${lines.join('\n')}\n`;
}

function dumpNode(image: Image, digests: Buffer, path: string, node: NodeIndex): string {
  const mode = image.modeOf(node).toString(8);
  const name = JSON.stringify(path);
  if (image.isDirectory(node)) return `${node} ${mode} - - - ${image.mtimeNsOf(node)} - ${name}`;
  const file = image.fileOf(node);
  const digest = digestOf(digests, file.digestIndex).toString('hex');
  const place = `${file.sizeBytes} ${file.contentOffset} ${file.flags.toString(16)}`;
  return `${node} ${mode} ${place} ${image.mtimeNsOf(node)} ${digest} ${name}`;
}

/** Every node in index order with its path; the root's is ''. */
export function* walkImage(image: Image): Generator<{ path: string; node: NodeIndex }> {
  const paths: string[] = [''];
  for (let node = 0; node < image.nodeCount; node += 1) {
    const parent = paths[image.parentOf(node)]!;
    const path = node === 0 ? '' : parent === '' ? image.nameOf(node) : `${parent}/${image.nameOf(node)}`;
    if (image.isDirectory(node)) paths[node] = path;
    yield { path, node };
  }
}
