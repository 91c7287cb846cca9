import { fileURLToPath } from 'node:url';
import { type Command, CommanderError } from 'commander';
import { ShenvError, systemErrorCode } from '../base/errors.js';
import { makeProgram } from './program.js';
import { writeError } from './render.js';

// The bundle is one file, so that its threads begin here too; a process begins with start.ts.
if (process.argv[1] === fileURLToPath(import.meta.url)) void import('../store/verify/digest-worker.js');

/** Runs the command of this process's arguments. Not awaited: start.ts has nothing to do afterwards. */
export function runCommand(): void {
  const abort = new AbortController();
  const program = makeProgram(abort.signal, process.argv[2]);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => abort.abort());
  // A reader that has seen enough (`| head`) is no failure.
  process.stdout.on('error', (error) => {
    if (systemErrorCode(error) !== 'EPIPE') throw error;
    process.exit();
  });
  program.parseAsync().catch((error: unknown) => {
    process.exitCode = error instanceof CommanderError ? endOfParsing(program, error) : writeError(error);
  });
}

/** Help and version that were asked for are written already; anything else is a wrong use. */
function endOfParsing(program: Command, error: CommanderError): number {
  if (error.exitCode === 0) return 0;
  if (error.code === 'commander.help') return 2;
  const [message = '', suggestion] = error.message.replace(/^error: /, '').split('\n');
  const help = `\`${commandNamed(program, process.argv.slice(2))} --help\` tells its use.`;
  const hint = suggestion === undefined ? help : `${suggestion.replace(/^\((.*)\)$/, '$1')} ${help}`;
  return writeError(new ShenvError('USAGE', message, { hint }), process.argv.includes('--json'));
}

/** The program's name and those of the commands that `words` begin with. */
function commandNamed(program: Command, words: readonly string[]): string {
  let command: Command = program;
  let name = command.name();
  for (const word of words) {
    const next = command.commands.find((item) => item.name() === word || item.aliases().includes(word));
    if (!next) break;
    command = next;
    name += ` ${next.name()}`;
  }
  return name;
}
