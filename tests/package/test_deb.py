"""The Debian packages: what is in them, that they name all they need, that lintian finds
nothing, and that what they unpack to works."""
import re
import subprocess
import tempfile

from installed import TOP, bench, dangling, tool

# The project has no address of its own, was never uploaded to Debian, and CPack adds a call of
# ldconfig beside the trigger.
ACCEPTED = {"bogus-mail-host", "bogus-mail-host-in-debian-changelog", "initial-upload-closes-no-bugs",
            "maintscript-calls-ldconfig"}


class Deb(bench.Case):
    @classmethod
    def setUpClass(cls):
        holder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(holder.cleanup)
        top = bench.pathlib.Path(holder.name)
        tool("cpack", "--config", bench.BIN / "CPackConfig.cmake", "-B", top)
        cls.debs = {d.name.split("_")[0]: d for d in sorted(top.glob("*.deb"))}
        cls.root = top / "root"
        for deb in cls.debs.values():
            tool("dpkg-deb", "-x", deb, cls.root)
        (cls.library,) = cls.root.rglob("libvcpflash.so.0")

    def files(self, package):
        return {line.split()[5][1:] for line in tool("dpkg-deb", "-c", self.debs[package]).splitlines()}

    def field(self, package, name):
        return tool("dpkg-deb", "-f", self.debs[package], name).strip()

    def test_there_are_four(self):
        self.assertEqual(set(self.debs), {"vcpflash", "libvcpflash0", "libvcpflash-dev", "python3-vcpflash"})

    def test_each_file_once(self):
        everything = [f for package in self.debs for f in self.files(package) if not f.endswith("/")]
        self.assertEqual(len(everything), len(set(everything)))

    def test_contents(self):
        programs = self.files("vcpflash")
        for name in ("bin/vcpflash", "bin/vcpflash-sim", "share/man/man1/vcpflash.1.gz",
                     "share/man/man1/vcpflash-sim.1.gz", "share/bash-completion/completions/vcpflash",
                     "share/bash-completion/completions/vcpflash-sim", "share/zsh/vendor-completions/_vcpflash",
                     "share/fish/vendor_completions.d/vcpflash.fish", "share/doc/vcpflash/README.md",
                     "share/doc/vcpflash/docs/H747.md", "share/doc/vcpflash/docs/session.svg",
                     "share/doc/vcpflash/docs/PROTOCOL.md"):
            self.assertIn("/usr/" + name, programs)
        self.assertEqual([f for f in self.files("python3-vcpflash") if f.endswith("py.typed")],
                         ["/usr/lib/python3/dist-packages/vcpflash/py.typed"])
        self.assertTrue(any(f.endswith("/udev/rules.d/70-vcpflash.rules") for f in programs))
        for name in "include/vcpflash/vcpflash.h", "share/doc/libvcpflash-dev/examples/program.c":
            self.assertIn("/usr/" + name, self.files("libvcpflash-dev"))

    def test_documents_lead_somewhere(self):
        self.assertEqual(list(dangling(self.root / "usr/share/doc/vcpflash")), [])

    def install_with(self, udevadm):
        """What the package does when it is installed and `udevadm` is that script: its calls."""
        control, log = self.folder / "control", self.folder / "calls"
        log.write_text("")
        tool("dpkg-deb", "-e", self.debs["vcpflash"], control)
        (self.folder / "udevadm").write_text(f"#!/bin/sh\necho $* >>{log}\n{udevadm}\n")
        (self.folder / "udevadm").chmod(0o755)
        tool(control / "postinst", "configure", "", env={"PATH": f"{self.folder}:/usr/bin:/bin"})
        return log.read_text().splitlines()

    def test_boards_that_are_plugged_in_already(self):
        """They get their rights as the package is installed, where udev runs."""
        both = ["control --reload", "trigger --subsystem-match=usb --subsystem-match=tty"]
        self.assertEqual(self.install_with("exit 0"), both)
        self.assertEqual(self.install_with("[ $1 = control ]"), both)
        self.assertEqual(self.install_with("exit 1"), both[:1])

    def test_maintainer(self):
        self.assertRegex(self.field("vcpflash", "Maintainer"), r"^[^<]+ <\S+@\S+>$")

    def test_depends(self):
        """Every library that a program wants is in a package that is named; so is all that a static link wants."""
        wants = {package: {library for file in self.root.glob(pattern)
                           for library in re.findall(r"NEEDED.*\[(.*)\]", tool("readelf", "-d", file))}
                 for package, pattern in (("vcpflash", "usr/bin/*"), ("libvcpflash0", "usr/lib/**/*.so.?"))}
        modules = re.search(r"(?m)^Requires.private: (.*)$", next(self.root.rglob("vcpflash.pc")).read_text())[1]
        wants["libvcpflash-dev"] = {f"{module}.pc" for module in modules.split()}
        owners = {}  # asked once for all: each question reads all lists of dpkg
        for line in tool("dpkg", "-S", *(f"*/{file}" for files in wants.values() for file in files)).splitlines():
            package, path = line.split(": ")
            owners.setdefault(path.rsplit("/", 1)[1], set()).add(package.split(":")[0])
        for package, files in wants.items():
            self.assertGreater(len(files), 1)
            named = set(re.findall(r"[\w.+-]+(?= |,|$)", re.sub(r"\([^)]*\)", "", self.field(package, "Depends"))))
            for file in files:
                self.assertTrue(named & owners[file], f"{package} does not name the package of {file}")
        self.assertRegex(self.field("python3-vcpflash", "Depends"), r"libvcpflash0 \(>= .*python3")
        self.assertEqual(self.field("python3-vcpflash", "Architecture"), "all")
        self.assertIn(f"libvcpflash0 (= {self.field('libvcpflash0', 'Version')})",
                      self.field("libvcpflash-dev", "Depends"))

    def test_lintian(self):
        said = subprocess.run(["lintian", "--allow-root", *map(str, self.debs.values())], text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=bench.PATIENCE).stdout
        self.assertIn("libvcpflash0: maintscript-calls-ldconfig", said, "lintian did not run")
        found = [line for line in said.splitlines()
                 if (m := re.match(r"[EW]: \S+: (\S+)", line)) and m[1] not in ACCEPTED]
        self.assertEqual(found, [])

    def test_programs_work(self):
        """Those that were unpacked, with each other; the firmware that came along boots."""
        image = self.file("image.hex", bench.intel_hex((0x90000000, self.bytes(3000))))
        port = self.folder / "port"
        for options in ["--time", "none"], ["--board", "stm32h747i-disco", "--time", "none"]:
            if options[0] == "--board" and not (self.root / "usr/share/vcpflash/firmware").exists():
                continue  # no cross compiler here
            board = subprocess.Popen([self.root / "usr/bin/vcpflash-sim", "--pty", port, *options],
                                     stdout=subprocess.PIPE, text=True)
            try:
                self.assertEqual(board.stdout.readline(), f"ready {port}\n")
                tool(self.root / "usr/bin/vcpflash", "-p", port, "program", image, env=bench.clean_environment())
            finally:
                board.terminate()
                board.communicate(timeout=bench.PATIENCE)

    def test_python_works(self):
        env = {**bench.clean_environment(), "PYTHONPATH": str(self.root / "usr/lib/python3/dist-packages")}
        script = "import vcpflash; vcpflash.info('/nowhere')"
        said = tool("/usr/bin/python3", "-c", script, env=env, code=1)
        self.assertIn("vcpflash.LinkError: /nowhere", said)

    def test_version(self):
        shown = tool(self.root / "usr/bin/vcpflash", "--version").split()[1]
        for package in self.debs:
            self.assertEqual(self.field(package, "Version"), f"{shown}-1")
        self.assertIn(f"VERSION {shown} ", (TOP / "CMakeLists.txt").read_text())


if __name__ == "__main__":
    bench.main()
