import { chmod, chown, mkdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { hostname } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { skip } from '../support/interpreters.js';
import { sandboxOf } from '../support/mounts.js';
import { installScripts, runInPrivate } from '../support/private-system.js';
import { createSample } from '../support/sample-wheels.js';
import { projectRoot, type Sandbox } from '../support/sandbox.js';

const nobody = 65_534;
const programs = ['munged', 'slurmctld', 'slurmd', 'sbatch', 'scancel', 'scontrol'];

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** A cluster of one node, this one, with the scripts that `install.sh` installed. */
async function configure(sandbox: Sandbox, scripts: string): Promise<void> {
  const folder = sandbox.path('slurm');
  for (const path of [folder, join(folder, 'state'), join(folder, 'spool')])
    await mkdir(path, { recursive: true });
  const [control, node] = [await freePort(), await freePort()];
  // Slurm starts them without the variables of slurmd.
  const configured = async (name: string) => {
    const path = join(folder, name);
    const variables = `SHENV_SLURM_CONFIGURATION=${sandbox.path('job.conf')} SHENV_JOBS=${sandbox.path('jobs')}`;
    await writeFile(path, `#!/bin/sh\nexec env ${variables} ${scripts}/${name}.sh\n`, { mode: 0o755 });
    return path;
  };
  const lines = [
    'ClusterName=tests',
    `SlurmctldHost=${hostname()}(127.0.0.1)`,
    `SlurmctldPort=${control}`,
    'AuthType=auth/munge',
    `AuthInfo=socket=${folder}/munge.sock`,
    'CredType=cred/munge',
    'SlurmUser=root',
    `StateSaveLocation=${folder}/state`,
    `SlurmdSpoolDir=${folder}/spool`,
    `SlurmctldPidFile=${folder}/slurmctld.pid`,
    `SlurmdPidFile=${folder}/slurmd.pid`,
    `SlurmctldLogFile=${folder}/slurmctld.log`,
    `SlurmdLogFile=${folder}/slurmd.log`,
    'ProctrackType=proctrack/linuxproc',
    'TaskPlugin=task/none',
    'JobAcctGatherType=jobacct_gather/none',
    'MpiDefault=none',
    'MailProg=/bin/true',
    'ReturnToService=2',
    'KillWait=1',
    'SchedulerParameters=batch_sched_delay=0,sched_interval=1,sched_min_interval=10000',
    `Prolog=${await configured('prolog')}`,
    `Epilog=${await configured('epilog')}`,
    `TaskProlog=${await configured('task-prolog')}`,
    'PrologFlags=Alloc',
    `NodeName=node1 NodeHostname=${hostname()} NodeAddr=127.0.0.1 Port=${node} CPUs=1 State=UNKNOWN`,
    'PartitionName=all Nodes=node1 Default=YES State=UP',
  ];
  await writeFile(join(folder, 'slurm.conf'), `${lines.join('\n')}\n`);
}

test.serial(
  'a Slurm job finds its mount, and the node is clean after its end, scancel and SIGKILL',
  async (t) => {
    if (process.getuid?.() !== 0) return skip(t, 'only root runs slurmd');
    const sandbox = await sandboxOf(t);
    const missing = await sandbox.run('sh', [
      '-c',
      `for p in ${programs.join(' ')}; do command -v $p >/dev/null || echo $p; done`,
    ]);
    if (missing.stdout) return skip(t, `Slurm is missing (prerequisites.sh --scripts): ${missing.stdout}`);
    await chmod(sandbox.folder, 0o755);
    await createSample(sandbox, 'web', '--python', '/usr/bin/python3');
    await chmod(sandbox.path('home', 'environments'), 0o755);
    const installed = await installScripts(sandbox);
    await configure(sandbox, join(installed.prefix, 'libexec/shenv-fs/slurm'));
    await writeFile(sandbox.path('job.conf'), `SHENV_HOME=${sandbox.path('home')}\n`);
    await mkdir(sandbox.path('out'));
    await chown(sandbox.path('out'), nobody, nobody);
    const example = join(projectRoot, 'mount-scripts/slurm/job.sbatch');
    const script = `
    cd ${sandbox.path('out')}
    slurm=${sandbox.path('slurm')} jobs=${sandbox.path('jobs')}
    export SLURM_CONF=$slurm/slurm.conf
    until_() { for try in $(seq 200); do "$@" && return; sleep 0.1; done; echo "not in time: $*"; tail -n 5 $slurm/*.log; }
    trap 'kill $node $control $munge; wait' EXIT
    head -c 1024 /dev/urandom > $slurm/key; chmod 400 $slurm/key; chmod 755 $slurm
    munged -F --force --socket=$slurm/munge.sock --key-file=$slurm/key --pid-file=$slurm/munge.pid \\
      --log-file=$slurm/munge.log --seed-file=$slurm/munge.seed >&2 & munge=$!
    until_ test -S $slurm/munge.sock
    slurmctld -D -c >&2 & control=$!
    slurmd -D -c -N node1 >&2 & node=$!
    until_ sh -c 'sinfo -h -o %t | grep -q idle'
    submit() { setpriv --reuid=${nobody} --regid=${nobody} --clear-groups sbatch --parsable "$@"; }
    mounted() { grep -q " $jobs/$1/venvs " /proc/self/mountinfo; }
    unmounted() { ! grep -q " $jobs/" /proc/self/mountinfo && [ -z "$(ls $jobs 2>/dev/null)" ] && [ -z "$(squeue -h)" ]; }
    writes() { grep -q "$2" $1.out 2>/dev/null; }

    job=$(submit --output=ends.out ${example})
    until_ writes ends 'in /.*/venvs/web$'; until_ unmounted; echo ends

    waits='. "$SHENV_JOB/web/bin/activate"; stat -c %U "$SHENV_JOB/web"; alpha x; sleep 300'
    job=$(submit --output=cancelled.out --wrap "$waits"); until_ writes cancelled 'alpha runs x'
    mounted $job && echo mounted; scancel $job; until_ unmounted; echo cancelled

    job=$(submit --output=killed.out --wrap "echo \\$\\$ > pid; $waits"); until_ writes killed 'alpha runs x'
    kill -9 $(cat pid); until_ unmounted; echo killed

    job=$(submit --output=died.out --wrap "$waits"); until_ writes died 'alpha runs x'
    for pid in $(pgrep -f "mount $jobs/$job/venvs"); do kill -9 $pid; done
    scancel $job; until_ unmounted; echo died`;
    const finished = await runInPrivate(t, sandbox, installed, { script });
    if (!finished) return;
    t.is(finished.stdout, 'ends\nmounted\ncancelled\nkilled\ndied\n', finished.stderr);
  },
);
