import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, isAbsolute, join } from 'node:path';
import { ShenvError } from './errors.js';
import { packageFile } from './package-files.js';

const require = createRequire(import.meta.url);

/** Where the addon may lie: another build of it (one with sanitizers), built here, or carried by the npm package. */
const places = [
  ...(process.env.SHENV_NATIVE_ADDON ? [process.env.SHENV_NATIVE_ADDON] : []),
  'native/build/shenv_fs.node',
  `prebuilds/${process.platform}-${process.arch}/shenv_fs.node`,
];

/** A program that is built beside the addon; undefined where it was not built. */
export function findBesideNativeModule(name: string): string | undefined {
  return places
    .map((place) => join(dirname(isAbsolute(place) ? place : packageFile(place)), name))
    .find((path) => existsSync(path));
}

/** What native/src/addon.cpp exports. Throws ENGINE_UNAVAILABLE naming each place that was tried and why it did not do. */
export function loadNativeModule(): unknown {
  const tried: string[] = [];
  for (const place of places) {
    const path = isAbsolute(place) ? place : packageFile(place);
    try {
      return require(path);
    } catch (error) {
      tried.push(`${place}: ${(error as Error).message.split('\n')[0]}`);
    }
  }
  throw new ShenvError('ENGINE_UNAVAILABLE', `The native engine cannot be loaded (${tried.join('; ')})`, {
    hint: 'Build it with `make -C native` (needs the system packages make and g++), or use --engine fuse-native.',
  });
}
