import { type Layer, type Manifest, noInterpreter } from './types.js';

/** A text form of a manifest, one fact a line; equal manifests give equal text. */
export function dumpManifest(manifest: Manifest): string {
  const lines = [
    `shenv-fs manifest ${manifest.version}`,
    `name ${manifest.name}`,
    `serial ${manifest.serial}`,
    `generation ${manifest.generation}`,
    `change ${new Date(manifest.change.atMs).toISOString()} ${manifest.change.what}`,
    `created ${new Date(manifest.createdMs).toISOString()}`,
    `interpreter ${manifest.interpreter === noInterpreter ? 'none' : manifest.interpreter}`,
    `options ${JSON.stringify(manifest.options)}`,
    `next-slot ${manifest.nextSlot}`,
    ...manifest.requested.map((requirement) => `requested ${requirement}`),
    ...manifest.parents.map((parent) => `parent ${JSON.stringify(parent)}`),
    ...manifest.layers.map(dumpLayer),
  ];
  return `${lines.join('\n')}\n`;
}

function dumpLayer({
  image,
  slot,
  reason,
  installer,
  bytecode,
  directUrl,
  from,
  writer,
  scriptPython,
}: Layer): string {
  const url = directUrl === undefined ? '' : ` ${JSON.stringify(directUrl)}`;
  return `layer ${slot} ${image.name} ${image.version} ${image.wheelDigest} ${reason} ${installer} ${bytecode ?? '-'}${from === undefined ? '' : ` from ${from}`}${writer === undefined ? '' : ` as ${writer}`}${scriptPython === undefined ? '' : ` starts ${scriptPython}`}${url}`;
}
