/**
 * guest/main.js OPTIONS: what the guest runs. OPTIONS is a file with SceneOptions; for each rule the results get what
 * does not hold, a line of JSON each, and at the beginning what kept the scene from being set.
 */
import { appendFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { rules } from './rules.js';
import { type SceneOptions, setScene } from './scene.js';

const options = JSON.parse(await readFile(process.argv[2]!, 'utf8')) as SceneOptions;
const tell = (result: object) => appendFile(join(options.results, 'rules'), `${JSON.stringify(result)}\n`);
const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error));

try {
  const scene = await setScene(options);
  for (const { title, violations } of rules) {
    const startMs = Date.now();
    const found = await violations(scene).catch((error: unknown) => [messageOf(error)]);
    await tell({ title, violations: found, ms: Date.now() - startMs });
  }
} catch (error) {
  await tell({ title: 'scene', violations: [messageOf(error)] });
}
process.exit();
