import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import type { Subject } from '../../support/subjects.js';
import { agree, answerTo, type Case } from '../case.js';
import { deepest, depth, moduleCount, moduleName } from '../wheels.js';

/** Runs Python of the environment and gives what it prints. */
async function python(t: ExecutionContext, subject: Subject, lines: readonly string[]): Promise<string> {
  const program = join(subject.path, 'bin/python');
  const { status, stdout, stderr } = await subject.run(program, '-I', '-c', lines.join('\n'));
  t.is(status, 0, stderr);
  return stdout.trim();
}

export const programCases: readonly Case[] = [
  {
    title: 'a script and an ELF program run from the environment, by path and by descriptor',
    async run(t, subject) {
      const programs = ['bin/shell-script', 'bin/elf-program', `${subject.site}/programs/elf-program`];
      const answers = await agree(t, subject, (root) =>
        subject.client.ask('execute', ...programs.map((path) => join(root, path))),
      );
      t.is(answers.filter(([question]) => question.startsWith('exec')).length, 6);
      t.deepEqual(answers.slice(0, 4), [
        ['shell-script', 'by-path'],
        ['execve', 'status 3'],
        ['shell-script', 'by-descriptor'],
        ['execveat', 'status 3'],
      ]);
      t.is(answerTo(answers, 'elf-program'), 'by-path');
      t.is(answers.at(-1)?.[1], 'status 7');
    },
  },
  {
    title: 'the interpreter takes the environment for a venv of its own',
    async run(t, subject) {
      const found = await python(t, subject, [
        'import sys, sysconfig',
        'print(sys.prefix, sys.prefix != sys.base_prefix, sysconfig.get_path("purelib"))',
      ]);
      t.is(found, `${subject.path} True ${subject.at()}`);
    },
  },
  {
    title: 'modules of a large folder, of a deep tree and of both parts of a namespace are imported',
    async run(t, subject) {
      const found = await python(t, subject, [
        'import importlib, pkgutil, many_modules, shared_space.one, shared_space.two',
        `names = ["mod_%05d" % index for index in range(0, ${moduleCount}, 250)]`,
        'print(sum(importlib.import_module("many_modules." + name).VALUE for name in names))',
        'print(len(list(pkgutil.iter_modules(many_modules.__path__))))',
        `print(importlib.import_module("${deepest.replaceAll('/', '.')}").LEVEL)`,
        'print(shared_space.one.NAME, shared_space.two.NAME, len(list(shared_space.__path__)))',
      ]);
      const values = Array.from({ length: moduleCount / 250 }, (_, index) => index * 250);
      const sum = values.reduce((total, value) => total + value, 0);
      t.is(found, `${sum}\n${moduleCount}\n${depth}\none two 1`);
    },
  },
  {
    title: 'a module that is not there is not found, and found modules know their files',
    async run(t, subject) {
      const found = await python(t, subject, [
        'import importlib.util as util, many_modules',
        'print(util.find_spec("many_modules.missing"), util.find_spec("missing"))',
        `print(util.find_spec("many_modules.${moduleName(17)}").origin)`,
      ]);
      t.is(found, `None None\n${subject.at('many_modules', `${moduleName(17)}.py`)}`);
    },
  },
  {
    title: 'a shared library of the environment is loaded and called',
    async run(t, subject) {
      const path = JSON.stringify(subject.at('programs/libanswer.so'));
      t.is(await python(t, subject, ['import ctypes', `print(ctypes.CDLL(${path}).answer(2))`]), '42');
    },
  },
  {
    title: 'importlib.metadata and importlib.resources see what was installed',
    async run(t, subject) {
      const found = await python(t, subject, [
        'import importlib.metadata as metadata, importlib.resources as resources, odd_names',
        'print(sorted(item.metadata["Name"] for item in metadata.distributions()))',
        'print(len(metadata.files("many_modules")), all(p.locate().exists() for p in metadata.files("odd_names")))',
        'print((resources.files(odd_names) / "漢字.txt").read_text(encoding="utf-8").strip())',
      ]);
      const [names, files, text] = found.split('\n');
      t.is(
        names,
        `[${[...subject.wheels.requirements]
          .sort()
          .map((name) => `'${name}'`)
          .join(', ')}]`,
      );
      t.regex(files ?? '', /^\d+ True$/);
      t.is(text, "the file '漢字.txt'");
    },
  },
  {
    title: 'console scripts and scripts of the wheel start with the interpreter of the environment',
    async run(t, subject) {
      t.is((await subject.run(join(subject.path, 'bin/greet'))).stdout, 'greetings\n');
      t.is((await subject.run(join(subject.path, 'bin/show-prefix'))).stdout, `${subject.path}\n`);
      const script = '. "$1/bin/activate" && greet && command -v python';
      const { stdout, stderr } = await subject.run('sh', '-c', script, 'sh', subject.path);
      t.is(stdout, `greetings\n${subject.path}/bin/python\n`, stderr);
    },
  },
];
