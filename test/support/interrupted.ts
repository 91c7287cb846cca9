/** For a campaign, which is to end in order: aborted by Ctrl-C or SIGTERM. */
export function interrupted(): AbortSignal {
  const abort = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => abort.abort());
  return abort.signal;
}
