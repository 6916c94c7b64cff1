"""libvcpflash as others use it: the example is built against what was installed, in every
way that is offered, and programs a board; what the library exports is what its header says."""
import re
import shutil
import tempfile

from installed import TOP, Installed, bench, dangling, tool

C = ["cc", "-std=c11", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Werror"]
HEADER = TOP / "include/vcpflash/vcpflash.h"
MAP = TOP / "client/libvcpflash.map"

FIND_PACKAGE = """
cmake_minimum_required(VERSION 3.21)
project(user C)
find_package(vcpflash 0.1 REQUIRED)
foreach(kind IN ITEMS "" _static)
	add_executable(program${kind} program.c)
	target_link_libraries(program${kind} PRIVATE vcpflash::vcpflash${kind})
endforeach()
"""


class Install(bench.Case):
    @classmethod
    def setUpClass(cls):
        holder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(holder.cleanup)
        cls.package = Installed(holder.name)

    def programs(self, program, env=None):
        """`program` programs a board and says so; a second time it fails for want of it."""
        image = self.file("image.hex", bench.intel_hex((0x90000000, self.bytes(5000))))
        extra = self.file("extra.bin", self.bytes(300))
        files = [image, f"{extra}@0x90008000"]
        with bench.Board(self.folder, "--name", "bench board") as board:
            said = tool(program, board.port, *files, env=env or self.package.env)
            self.assertIn("bench board: 5300 bytes in", said)
            self.assertRegex(said, r"(?m)^program +\d+ %$")
            port = board.port
        self.assertEqual(board.contents()[0x8000:0x8000 + 300], extra.read_bytes())
        said = tool(program, port, *files, env=env or self.package.env, code=1)
        self.assertIn(str(port), said)
        self.assertIn("doctor", said)

    def test_documents_lead_somewhere(self):
        (readme,) = self.package.prefix.rglob("README.md")
        self.assertGreater(len(list(readme.parent.rglob("*.md"))), 15)
        self.assertEqual(list(dangling(readme.parent)), [])

    def test_pkg_config_shared(self):
        flags = self.package.pkg_config("--cflags", "--libs")
        self.assertNotIn("-ldeflate", flags)
        out = self.folder / "program"
        tool(*C, TOP / "examples/program.c", *flags, "-o", out)
        self.assertIn("libvcpflash.so.0", tool("readelf", "-d", out))
        self.programs(out)

    def test_pkg_config_static(self):
        flags = self.package.pkg_config("--static", "--cflags", "--libs")
        self.assertIn("-ldeflate", flags)
        out = self.folder / "program"
        flags = [f"-l:lib{f[2:]}.a" if f == "-lvcpflash" else f for f in flags]
        tool(*C, TOP / "examples/program.c", *flags, "-o", out)
        self.assertNotIn("libvcpflash", tool("readelf", "-d", out))
        self.programs(out, bench.clean_environment())

    def test_pkg_config_wholly_static(self):
        flags = self.package.pkg_config("--static", "--cflags", "--libs")
        out = self.folder / "program"
        tool(*C, "-static", TOP / "examples/program.c", *flags, "-o", out)
        self.assertNotIn("NEEDED", tool("readelf", "-d", out))
        self.programs(out, bench.clean_environment())

    def test_find_package(self):
        (self.folder / "CMakeLists.txt").write_text(FIND_PACKAGE)
        shutil.copy(TOP / "examples/program.c", self.folder)
        build = self.folder / "build"
        tool("cmake", "-G", "Ninja", "-S", self.folder, "-B", build, env=self.package.env)
        tool("cmake", "--build", build, env=self.package.env)
        self.assertNotIn("libvcpflash", tool("readelf", "-d", build / "program_static"))
        for program in "program", "program_static":
            self.programs(build / program, bench.clean_environment())

    def test_other_version_is_refused(self):
        wrong = FIND_PACKAGE.replace("vcpflash 0.1", "vcpflash 7.3")
        (self.folder / "CMakeLists.txt").write_text(wrong)
        said = tool("cmake", "-G", "Ninja", "-S", self.folder, "-B", self.folder / "build",
                    env=self.package.env, code=1)
        self.assertIn("7.3", said)

    def test_header_stands_alone(self):
        flags = self.package.pkg_config("--cflags")
        for compiler, language, standard in (
                ("gcc", "c", "c99"), ("gcc", "c", "c11"), ("gcc", "c++", "c++11"),
                ("clang", "c", "c11"), ("clang", "c++", "c++20")):
            tool(compiler, "-x", language, f"-std={standard}", "-Wall", "-Wextra", "-Wpedantic",
                 "-Wconversion", "-Wshadow", "-Werror", "-fsyntax-only", *flags, "-",
                 input="#include <vcpflash/vcpflash.h>\nint main(void) { vcpflash_options o = "
                       "vcpflash_defaults(); return o.size == sizeof o ? 0 : 1; }\n", stdin=None)

    def test_example_is_c_and_cpp(self):
        flags = self.package.pkg_config("--cflags")
        for compiler, language in (("gcc", "c"), ("gcc", "c++"), ("clang", "c"), ("clang", "c++")):
            tool(compiler, "-x", language, "-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Werror",
                 "-fsyntax-only", *flags, TOP / "examples/program.c")

    def test_only_that_header_is_installed(self):
        headers = [f for f in self.package.files if f.endswith(".h")]
        self.assertEqual(headers, ["include/vcpflash/vcpflash.h"])

    def test_exports(self):
        """Header, linker map and library name the same functions."""
        declared = set(re.findall(r"\b(vcpflash_\w+)\(", "".join(
            re.findall(r"VCPFLASH_API (?!__attribute__)[^;]*;", HEADER.read_text()))))
        mapped = set(re.findall(r"^\t(vcpflash_\w+);", MAP.read_text(), re.M))
        nm = tool("nm", "-D", "--defined-only", self.package.libdir / "libvcpflash.so")
        exported = set(re.findall(r" T (\w+)@@VCPFLASH_\d+\.\d+$", nm, re.M))
        self.assertGreater(len(declared), 10)
        self.assertEqual(declared, mapped)
        self.assertEqual(declared, exported)
        others = [line for line in nm.splitlines() if " T " not in line and " A VCPFLASH_" not in line]
        self.assertEqual(others, [])

    def test_archive_takes_no_names_of_others(self):
        nm = tool("nm", "-g", "--defined-only", self.package.libdir / "libvcpflash.a")
        names = re.findall(r"^\S+ [A-Z] (\S+)$", nm, re.M)
        self.assertGreater(len(names), 100)
        self.assertEqual([n for n in names if not n.startswith(("vf_", "vcpflash_"))], [])

    def test_python_module_finds_the_library(self):
        """Of the same prefix, however that came to be."""
        (module,) = {f.rsplit("/", 2)[0] for f in self.package.files if f.endswith("vcpflash/__init__.py")}
        self.assertRegex(module, r"^lib/python3[.\d]*/(dist|site)-packages$")
        self.assertIn(f"{module}/vcpflash/py.typed", self.package.files)
        env = {**bench.clean_environment(), "PYTHONPATH": str(self.package.prefix / module)}
        said = tool("python3", "-c", "import vcpflash; print(vcpflash.__version__, vcpflash._abi.call['run'])",
                    env=env)
        self.assertIn(bench.vcpflash("--version").out.split()[1], said)

    def test_soname(self):
        said = tool("readelf", "-d", self.package.libdir / "libvcpflash.so")
        self.assertRegex(said, r"SONAME.*\[libvcpflash\.so\.0\]")
        self.assertEqual(self.package.pkg_config("--modversion"),
                         [tool(self.package.prefix / "bin/vcpflash", "--version").split()[1]])


if __name__ == "__main__":
    bench.main()
