import { chmod, rename, unlink } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { ShenvError, unless } from '../base/errors.js';
import { type ControlRequest, stagedSocket } from './runtime.js';

const closeTimeoutMs = 5000;
/** So often a client is told, by a space before the answer, that its request is being worked on. */
const signOfLifeMs = 5000;

/**
 * Serves the control socket (mode 0600): a line of JSON in, a line of JSON out, then the end. It takes the place of one
 * that is there, and stays when the server is closed: by then it may be another daemon's.
 */
export async function serveControl(
  path: string,
  handle: (request: ControlRequest) => Promise<unknown>,
  signsEveryMs = signOfLifeMs,
): Promise<Server> {
  // A server removes, when it is closed, the name that it was made with.
  const staged = stagedSocket(path);
  await unless('ENOENT', unlink(staged));
  const answerWithSigns = async (socket: Socket, line: string) => {
    const signs = setInterval(() => socket.write(' '), signsEveryMs);
    await answer(socket, line, handle).finally(() => clearInterval(signs));
  };
  const server = createServer((socket) => {
    socket.on('error', () => socket.destroy());
    const lines = createInterface({ input: socket });
    // It repeats the socket's errors, as of a client that was killed, and nobody may leave them unheard.
    lines.on('error', () => undefined);
    lines.once('line', (line) => void answerWithSigns(socket, line));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(staged, resolve);
  });
  await chmod(staged, 0o600);
  await rename(staged, path);
  return server;
}

async function answer(
  socket: Socket,
  line: string,
  handle: (request: ControlRequest) => Promise<unknown>,
): Promise<void> {
  let reply: object;
  try {
    reply = { ok: (await handle(JSON.parse(line) as ControlRequest)) ?? null };
  } catch (error) {
    const { message } = error as Error;
    const code = error instanceof ShenvError ? error.code : 'DAEMON_UNREACHABLE';
    reply = { error: { code, message, hint: error instanceof ShenvError ? error.hint : undefined } };
  }
  socket.end(`${JSON.stringify(reply)}\n`);
}

/** Resolves when every request that was being answered is, or after a deadline. */
export function closeControl(server: Server): Promise<void> {
  return new Promise((resolve) => {
    const deadline = setTimeout(resolve, closeTimeoutMs);
    server.close(() => {
      clearTimeout(deadline);
      resolve();
    });
  });
}
