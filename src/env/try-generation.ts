import type { Manifest } from '../manifest/types.js';
import type { InterpreterRecord } from '../python/interpreter-record.js';
import type { Clash, View } from '../view/tree.js';
import { compileImages } from './bytecode.js';
import { composeManifest } from './load-view.js';
import type { Workspace } from './workspace.js';

/**
 * Prepares a generation: compiles what has no bytecode yet and composes it, which finds conflicts
 * before anything is published. Throws PATH_CONFLICT, IMAGE_MISSING.
 */
export async function tryGeneration(
  workspace: Workspace,
  interpreter: InterpreterRecord,
  manifest: Manifest,
): Promise<{ view: View; clashes: readonly Clash[] }> {
  await compileImages(workspace, interpreter, manifest.layers);
  const view = composeManifest(manifest, interpreter, workspace.outlines);
  workspace.signal?.throwIfAborted();
  return { view, clashes: view.clashes };
}
