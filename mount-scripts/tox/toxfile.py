"""
Lets tox 4 run in environments of shenv-fs. Copy this file beside tox.ini and write there:

    [testenv]
    runner = shenv-fs

Each tox environment then is the folder `<project>-<tox environment>` of the mount, made by `shenv-fs create`
when it is missing and composed anew when tox finds that its requirements, its package or its Python changed.
tox keeps its records and logs in its own folder, as always. Further settings of a tox environment:

    shenv_name    name of the environment (default: <folder of the project>-<tox environment>)
    shenv_mount   mount point (default: $SHENV_MOUNT, else ~/.venvs); mounted when it is not

$SHENV_FS names the program where it is not `shenv-fs` on PATH.
"""
import json
import os
import shlex
import subprocess
from pathlib import Path

from tox.plugin import impl
from tox.tox_env.errors import Fail, Recreate
from tox.tox_env.python.pip.pip_install import Pip
from tox.tox_env.python.virtual_env.runner import VirtualEnvRunner

# Options of `pip install` that say how to change an environment in place.
IN_PLACE = {"--force-reinstall", "--no-deps", "--ignore-installed", "--upgrade", "-U"}


@impl
def tox_register_tox_env(register):
    register.add_run_env(ShenvRunner)


def shenv(*args):
    """Runs shenv-fs and gives its output; ends the tox environment with its message when it fails."""
    command = [*shlex.split(os.environ.get("SHENV_FS", "shenv-fs")), *map(str, args)]
    try:
        done = subprocess.run(command, capture_output=True, text=True)
    except FileNotFoundError:
        raise Fail(f"{command[0]} is not on PATH; $SHENV_FS can name it") from None
    if done.returncode != 0:
        raise Fail(f"{shlex.join(command)} failed:\n{done.stderr.strip()}")
    return done.stdout


class ShenvInstaller(Pip):
    """tox's pip installer decides what has to be installed; shenv-fs composes the environment of all of it."""

    def _execute_installer(self, deps, of_type):
        self._env.compose(of_type, [str(item) for item in deps if str(item) not in IN_PLACE])

    def installed(self):
        """What tox lists where CI is set; the environment need not have a pip for it."""
        return shenv("freeze", self._env.conf["shenv_name"], "--all").splitlines()


class ShenvRunner(VirtualEnvRunner):
    """A tox environment whose Python is in a mounted environment."""

    @staticmethod
    def id():
        return "shenv-fs"

    @property
    def default_pkg_type(self):
        kind = super().default_pkg_type
        return "wheel" if kind == "sdist" else kind

    def register_config(self):
        super().register_config()
        root = self.core["tox_root"]
        mount = os.environ.get("SHENV_MOUNT", "~/.venvs")
        self.conf.add_config("shenv_name", str, f"{root.name}-{self.name}", "name of the environment")
        self.conf.add_config("shenv_mount", str, mount, "where environments are mounted")

    @property
    def installer(self):
        if self._installer is None:
            self._installer = ShenvInstaller(self)
        return self._installer

    @property
    def mountpoint(self):
        return Path(self.conf["shenv_mount"]).expanduser()

    @property
    def mounted(self):
        return self.mountpoint / self.conf["shenv_name"]

    @property
    def environment_variables(self):
        return {**super().environment_variables, "VIRTUAL_ENV": str(self.mounted)}

    def env_bin_dir(self):
        return self.mounted / "bin"

    def env_python(self):
        return self.env_bin_dir() / "python"

    def prepend_env_var_path(self):
        return [self.env_bin_dir()]

    def env_site_package_dir(self):
        return self.mounted / "lib" / f"python{self.py_dot_ver()}" / "site-packages"

    def env_site_package_dir_plat(self):
        return self.env_site_package_dir()

    def _setup_env(self):
        if not os.path.ismount(self.mountpoint):
            shenv("mount", self.mountpoint)
        if (self.env_dir / ".tox-info.json").exists() and not self.env_python().exists():
            raise Recreate(f"{self.mounted} is gone")
        super()._setup_env()

    def create_python_env(self):
        name = self.conf["shenv_name"]
        if self.mounted.exists():
            shenv("delete", name)
        shenv("create", name, "--without-pip", "--python", self.base_python.extra["executable"])

    def compose(self, part, arguments):
        """Composes the environment of `arguments` and of what was given for other parts before."""
        record = self.env_dir / "shenv-fs.json"
        parts = json.loads(record.read_text()) if record.exists() else {}
        if part.endswith("_deps"):  # tox names only the new ones
            arguments = list(dict.fromkeys([*parts.get(part, []), *arguments]))
        if part != "package":  # the package's file is another in each run, and comes last
            parts.pop("package", None)
        parts[part] = arguments
        requirements = self.env_dir / "shenv-fs-requirements.txt"
        lines = [line for arguments in parts.values() for line in self._lines(arguments)]
        requirements.write_text("".join(f"{line}\n" for line in lines))
        shenv("sync", self.conf["shenv_name"], "-r", requirements)
        record.write_text(json.dumps(parts))

    def _lines(self, arguments):
        """Arguments of pip as lines of a requirements file: an option and its value share one."""
        root = self.core["tox_root"]
        rest = iter(arguments)
        for argument in rest:
            if argument in ("-r", "-c", "-e", "--requirement", "--constraint", "--editable"):
                yield f"{argument} {shlex.quote(str(root / next(rest)))}"
            elif argument in ("-i", "-f", "--index-url", "--extra-index-url", "--find-links", "--trusted-host"):
                yield f"{argument} {next(rest)}"
            else:
                yield argument
