"""The product as it is installed: into a folder of the test, by cmake --install, as a
packager or a person does it."""
import os
import pathlib
import subprocess
import sys

TOP = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(TOP / "tests/cli"), str(TOP / "tests/house")]

import bench  # noqa: E402  the boards, and the cases with a folder of their own
import links  # noqa: E402  what documents lead to


def tool(*args, code=0, **options):
    """Runs a tool; what it printed. Any other exit code than `code` is a failure."""
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True,
               "timeout": bench.PATIENCE, "stdin": subprocess.DEVNULL, **options}
    done = subprocess.run([str(a) for a in args], **options)
    if done.returncode != code:
        raise AssertionError(f"{' '.join(map(str, args))}: exit {done.returncode}\n{done.stdout}")
    return done.stdout


def dangling(folder):
    """Links of the documents there that lead to nothing."""
    for path in sorted(pathlib.Path(folder).rglob("*.md")):
        for target in links.links(path):
            file = target.partition("#")[0]
            if file and not (path.parent / file).exists():
                yield f"{path.relative_to(folder)}: {target}"


class Installed:
    """What `cmake --install` puts under `prefix`."""

    def __init__(self, prefix):
        self.prefix = pathlib.Path(prefix)
        tool("cmake", "--install", bench.BIN, "--prefix", self.prefix)
        (self.pc,) = self.prefix.rglob("vcpflash.pc")
        self.libdir = self.pc.parent.parent
        self.files = sorted(str(p.relative_to(self.prefix)) for p in self.prefix.rglob("*")
                            if not p.is_dir())
        self.env = {**bench.clean_environment(), "PKG_CONFIG_PATH": str(self.pc.parent),
                    "LD_LIBRARY_PATH": str(self.libdir),
                    "CMAKE_PREFIX_PATH": str(self.prefix)}

    def pkg_config(self, *args):
        return tool("pkg-config", *args, "vcpflash", env=self.env).split()
