import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Sandbox } from './sandbox.js';

/** A build backend within the project itself, so that building needs no index. */
const backend = `import base64, hashlib, os, tarfile, zipfile
HERE = os.path.dirname(os.path.abspath(__file__))
METADATA = "Metadata-Version: 2.1\\nName: proj\\nVersion: 0.1\\n"

def pack(folder, files):
    info = "proj-0.1.dist-info/"
    files[info + "METADATA"] = METADATA
    files[info + "WHEEL"] = "Wheel-Version: 1.0\\nGenerator: test\\nRoot-Is-Purelib: true\\nTag: py2-none-any\\nTag: py3-none-any\\n"
    files[info + "entry_points.txt"] = "[console_scripts]\\nproj-run = proj:main\\n"
    files["proj-0.1.data/scripts/proj-tool"] = "#!python\\nimport proj, sys\\nprint(proj.VALUE, sys.prefix)\\n"
    rows = []
    for name, text in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
        rows.append("%s,sha256=%s,%d\\n" % (name, digest, len(text.encode())))
    files[info + "RECORD"] = "".join(rows) + info + "RECORD,,\\n"
    with zipfile.ZipFile(os.path.join(folder, "proj-0.1-py2.py3-none-any.whl"), "w") as archive:
        for name, text in files.items():
            archive.writestr(zipfile.ZipInfo(name), text)
    return "proj-0.1-py2.py3-none-any.whl"

def build_wheel(folder, config_settings=None, metadata_directory=None):
    with open(os.path.join(HERE, "src", "proj.py")) as source:
        return pack(folder, {"proj.py": source.read()})

def build_editable(folder, config_settings=None, metadata_directory=None):
    return pack(folder, {"__editable__.proj.pth": os.path.join(HERE, "src") + "\\n"})
`;
const configuration = '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n';

/** Writes the project `proj` 0.1 and gives its folder. */
export async function writeProject(sandbox: Sandbox, name = 'project'): Promise<string> {
  const folder = sandbox.path(name);
  await mkdir(join(folder, 'src'), { recursive: true });
  await writeFile(join(folder, 'pyproject.toml'), configuration);
  await writeFile(join(folder, 'PKG-INFO'), 'Metadata-Version: 2.1\nName: proj\nVersion: 0.1\n');
  await writeFile(join(folder, 'backend.py'), backend);
  await writeValue(folder, 'one');
  return folder;
}

/** Edits the source of the project. */
export function writeValue(folder: string, value: string): Promise<void> {
  const source = `VALUE = "${value}"\n\n\ndef main():\n    print(VALUE)\n`;
  return writeFile(join(folder, 'src', 'proj.py'), source);
}

/** Packs the project as a source distribution into `target`. */
export async function writeSdist(sandbox: Sandbox, target: string): Promise<string> {
  await writeProject(sandbox, 'proj-0.1');
  await mkdir(target, { recursive: true });
  const archive = join(target, 'proj-0.1.tar.gz');
  await must(sandbox, 'tar', '-C', sandbox.folder, '-czf', archive, 'proj-0.1');
  return archive;
}

/** Makes a repository of the project with one commit; gives its URL as pip takes it. */
export async function writeRepository(sandbox: Sandbox): Promise<string> {
  const folder = await writeProject(sandbox, 'repository');
  const author = ['-c', 'user.name=test', '-c', 'user.email=test@localhost'];
  await must(sandbox, 'git', '-C', folder, 'init', '--quiet', '--initial-branch', 'main');
  await must(sandbox, 'git', '-C', folder, 'add', '.');
  await must(sandbox, 'git', '-C', folder, ...author, 'commit', '--quiet', '-m', 'first');
  return `git+file://${folder}`;
}

export async function must(sandbox: Sandbox, command: string, ...args: string[]): Promise<string> {
  const { status, stdout, stderr } = await sandbox.run(command, args);
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${status}: ${stderr}${stdout}`);
  return stdout;
}
