import type { Image, NodeIndex } from '../image/read.js';
import { fillTemplate } from '../python/skeleton.js';
import type { GeneratedContent } from './generated.js';
import { environmentRecord } from './record.js';
import { entryPointScript, shebang } from './scripts.js';
import type { View } from './tree.js';

/** Where an environment is shown, and how contents of images are read. */
export interface RenderContext {
  /** Absolute path of the environment as its users see it. */
  path: string;
  name: string;
  systemSitePackages: boolean;
  readContents(image: Image, node: NodeIndex): Promise<Buffer>;
}

/** The bytes of a generated file. Rejects with a system error when an image cannot be read. */
export async function render(view: View, content: GeneratedContent, context: RenderContext): Promise<Buffer> {
  switch (content.type) {
    case 'template':
      return Buffer.from(fillTemplate(content.segments, context));
    case 'text':
      return Buffer.from(content.text);
    case 'entryPoint': {
      const { writer } = view.layers[content.layer]!;
      const python = startedBy(view, content.layer, context);
      return Buffer.from(entryPointScript(content.script, python, view.interpreter?.minor ?? '', writer));
    }
    case 'pythonScript': {
      const body = await context.readContents(view.layers[content.layer]!.image, content.node);
      return Buffer.concat([Buffer.from(shebang(startedBy(view, content.layer, context))), body]);
    }
    case 'record':
      return Buffer.from(await renderRecord(view, content.layer, context));
    case 'volatile':
      return Buffer.from(content.make());
  }
}

/** What scripts of a layer start. */
function startedBy({ layers }: View, layer: number, { path }: RenderContext): string {
  return `${path}/bin/${layers[layer]!.scriptPython ?? 'python'}`;
}

async function renderRecord(view: View, layer: number, context: RenderContext): Promise<string> {
  const { image } = view.layers[layer]!;
  const node = image.resolve(`site/${image.meta.distInfo}/RECORD`);
  if (node === undefined) throw new Error(`${image.path} has no RECORD`);
  const wheelRecord = (await context.readContents(image, node)).toString('utf8');
  return environmentRecord(view, layer, wheelRecord, (content) => render(view, content, context));
}
