import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { ShenvError, systemErrorCode } from '../../base/errors.js';
import { run } from '../../base/run.js';
import { findPip } from '../../env/pip.js';
import { listInterpreters } from '../../python/discover.js';
import type { CheckContext, Findings } from '../finding.js';

const runTimeoutMs = 20_000;

/** What names certificates for pip, uv, OpenSSL and what they are built on. */
const certificateVariables = [
  'SSL_CERT_FILE',
  'SSL_CERT_DIR',
  'REQUESTS_CA_BUNDLE',
  'CURL_CA_BUNDLE',
  'PIP_CERT',
];

/** What chooses versions and fetches wheels. */
export async function checkResolvers({ findings, signal }: CheckContext): Promise<void> {
  const uv = await versionOf('uv', ['--version'], signal);
  const pip = await findPipVersion(signal);
  if (uv !== undefined) findings.ok(`${uv} is there for --resolver uv`);
  else findings.ok('There is no uv on PATH; only --resolver uv needs it');
  if (pip.version !== undefined) findings.ok(`${pip.version} resolves`);
  else if (uv !== undefined) findings.advice(`${pip.reason}; --resolver uv works`, pip.remedy);
  else findings.problem(`${pip.reason}, and no uv: nothing can be resolved or fetched`, pip.remedy);
  await checkCertificates(findings);
}

/** The first line of what it says; undefined where it is not there or does not run. */
async function versionOf(program: string, args: string[], signal: AbortSignal): Promise<string | undefined> {
  try {
    const { status, stdout } = await run(program, args, { timeoutMs: runTimeoutMs, signal });
    return status === 0 ? stdout.trim().split('\n')[0] : undefined;
  } catch (error) {
    if (['ENOENT', 'EACCES'].includes(systemErrorCode(error) ?? '')) return undefined;
    throw error;
  }
}

type FoundPip = { version: string } | { version: undefined; reason: string; remedy: string };

/** The pip for the interpreter that environments are made of by default. */
async function findPipVersion(signal: AbortSignal): Promise<FoundPip> {
  const remedy =
    "Install your system's python3-pip and python3-venv, or run `python3 -m ensurepip --upgrade`.";
  const [newest] = await listInterpreters();
  if (!newest) return { version: undefined, reason: 'There is no interpreter to run pip', remedy };
  try {
    const { program, args } = await findPip(newest);
    const version = await versionOf(program, [...args, '--version'], signal);
    return version === undefined
      ? { version, reason: `pip of ${program} does not run`, remedy }
      : { version: version.replace(/ from .*/, ` of ${program}`) };
  } catch (error) {
    if (!(error instanceof ShenvError)) throw error;
    return { version: undefined, reason: error.message, remedy: error.hint ?? remedy };
  }
}

async function checkCertificates(findings: Findings): Promise<void> {
  for (const name of certificateVariables) {
    const path = process.env[name];
    if (!path) continue;
    try {
      const isRight = (await stat(path)).isDirectory() || name !== 'SSL_CERT_DIR';
      await access(path, constants.R_OK);
      if (isRight) findings.ok(`${name} names ${path}, which can be read`);
      else
        findings.problem(
          `${name} names ${path}, which is no folder`,
          `Set ${name} to a folder of certificates.`,
        );
    } catch (error) {
      const code = systemErrorCode(error);
      if (code === undefined) throw error;
      findings.problem(
        `${name} names ${path}, which cannot be read (${code}): no index can be reached`,
        `Set ${name} to a file of certificates that is there, or unset it.`,
      );
    }
  }
}
