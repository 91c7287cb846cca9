import type { SkeletonEntry } from '../python/skeleton.js';

const noticeFile = 'pip-notice.txt';

/**
 * Files that let `pip install` inside a sealed environment say what to do instead, before it downloads
 * and fails with EROFS. pip ignores EXTERNALLY-MANAGED in a venv, but reads pip.conf at its top: a
 * requirements file named there may add a place with links, which pip prints. The user's own places,
 * `--dry-run`, `--target` and builds go on as before. `user = false`: with system packages visible pip
 * would otherwise install into the user's own site-packages and report success.
 */
export const sealedNotice: readonly SkeletonEntry[] = [
  {
    kind: 'file',
    path: 'pip.conf',
    executable: false,
    segments: ['[install]\nuser = false\nrequirement = file://', ['path', 'url'], `/${noticeFile}\n`],
  },
  {
    kind: 'file',
    path: noticeFile,
    executable: false,
    segments: [
      '--find-links "this environment is read-only; to add to it: shenv-fs install ',
      ['name', 'word'],
      ' PACKAGE"\n',
    ],
  },
];
