import { writeFile } from 'node:fs/promises';
import { packageFile } from '../base/package-files.js';
import { currentManPage } from './man-page.js';

// `npm run man`; the file is where package.json says that the manual page is.
await writeFile(packageFile('docs/shenv-fs.1'), currentManPage());
