import type { Command } from 'commander';
import { bashCompletion } from '../completion/bash.js';
import { fishCompletion } from '../completion/fish.js';
import { zshCompletion } from '../completion/zsh.js';
import { describeCommand } from '../describe.js';
import type { Report } from '../render.js';

const scripts = { bash: bashCompletion, zsh: zshCompletion, fish: fishCompletion };

/** The script that makes a shell complete what `program` takes. */
export async function completion(program: Command, shell: keyof typeof scripts): Promise<Report> {
  const text = scripts[shell](describeCommand(program));
  return { data: text, text };
}
