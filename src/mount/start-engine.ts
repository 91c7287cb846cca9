import { ShenvError } from '../base/errors.js';
import { type Engine, type EngineName, type EngineOptions, engineNames } from './engine.js';
import { FuseNativeEngine } from './fuse-native-engine.js';
import { KernelEngine } from './kernel-engine.js';

/**
 * Starts the engine asked for, or with `auto` the first that can start. An engine asked for by name
 * that cannot start is an error: another one in its place would falsify every measurement.
 */
export async function startEngine(
  wanted: EngineName | 'auto',
  options: EngineOptions,
): Promise<{ engine: Engine; reason: string }> {
  if (wanted !== 'auto') {
    const engine = makeEngine(wanted, options);
    await engine.mount();
    return { engine, reason: 'asked for by name' };
  }
  const refusals: string[] = [];
  for (const name of engineNames) {
    try {
      const engine = makeEngine(name, options);
      await engine.mount();
      return { engine, reason: refusals.length === 0 ? 'first choice' : refusals.join('; ') };
    } catch (error) {
      if (!(error instanceof ShenvError) || error.code !== 'ENGINE_UNAVAILABLE') throw error;
      refusals.push(`${name}: ${error.message}`);
    }
  }
  throw new ShenvError('ENGINE_UNAVAILABLE', `No engine can start: ${refusals.join('; ')}`, {
    hint: 'Run mount-scripts/prerequisites.sh to see what is missing.',
  });
}

function makeEngine(name: EngineName, options: EngineOptions): Engine {
  return name === 'kernel' ? new KernelEngine(options) : new FuseNativeEngine(options);
}
