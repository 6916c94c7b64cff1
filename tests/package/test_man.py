"""The man pages: well formed, and they tell of every command and option that there is, and of
no other; so does --help."""
import re

from command_line import SIM, VCPFLASH, fault_words, guest_words
from installed import TOP, bench, tool

PAGES = {c.program: TOP / f"docs/man/{c.program}.1" for c in (VCPFLASH, SIM)}


def rendered(page):
    text = tool("mandoc", "-Tascii", page)
    return re.sub(".\b", "", text)


def entries(page):
    """The options and commands that a page has an entry for, as words on its .It lines."""
    items = " ".join(re.findall(r"^\.It (.*)$", page.read_text(), re.M))
    words = items.split()
    flags = {w for before, w in zip(words, words[1:]) if before == "Fl"}
    flags |= {m for line in re.findall(r"^\.It Fl (.*)$", page.read_text(), re.M)
              for m in re.findall(r"(?:^|, )(?:Fl )?(-?[\w-]+)", line)}
    commands = {w for before, w in zip(words, words[1:]) if before == "Cm"}
    return flags, commands


class Man(bench.Case):
    def test_well_formed(self):
        for page in PAGES.values():
            tool("mandoc", "-Tlint", "-Wwarning", page)
            self.assertEqual(tool("man", "--warnings=all", "-Tutf8", "-Z", "-l", page,
                                  env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "MANROFFOPT": "-rHY=0"})
                             .count("warning:"), 0)

    def test_options(self):
        for c in VCPFLASH, SIM:
            flags, _ = entries(PAGES[c.program])
            taken = {"-" + name for name in c.options} | set(c.short)
            for flag in sorted(taken - flags):
                self.fail(f"docs/man/{c.program}.1 says nothing of -{flag}: add '.It Fl {flag}' and what it does")
            self.assertEqual(flags - taken, set(), f"docs/man/{c.program}.1 has options that there are not")

    def test_commands(self):
        text = PAGES["vcpflash"].read_text().split(".Ss Commands")[1].split(".Ss Options")[0]
        told = {w for w in re.findall(r"^\.It Cm ([\w-]+)", text, re.M)}
        for command in sorted(set(VCPFLASH.commands) - told):
            self.fail(f"docs/man/vcpflash.1 says nothing of '{command}': add '.It Cm {command}' and what it does")
        self.assertEqual(told, set(VCPFLASH.commands))

    def test_help(self):
        """Every option and command, but the long names of those that it shows by their letter."""
        for c in VCPFLASH, SIM:
            text = tool(bench.BIN / c.program, "--help")
            shown = set(re.findall(r"(?<![\w-])--([a-z][\w-]*)", text))
            by_letter = {name for letter, name in c.short.items()}
            for name in sorted(set(c.options) - shown - by_letter - {"help", "version"}):
                self.fail(f"{c.program} --help says nothing of --{name}")
            self.assertEqual(shown - set(c.options), set())
            for command in c.commands:
                self.assertRegex(text, rf"(?m)^  {command}\b", f"{c.program} --help says nothing of '{command}'")

    def test_values(self):
        """What is to be chosen from stands in the page as in --help."""
        for c in VCPFLASH, SIM:
            page = rendered(PAGES[c.program])
            for option, words in re.findall(r"--([\w-]+) ((?:[\w-]+\|)+[\w-]+)", tool(bench.BIN / c.program, "--help")):
                entry = page.split(f"     --{option} ")[1].split("     --")[0]
                for word in words.split("|"):
                    self.assertRegex(entry, rf"\b{word}\b", f"docs/man/{c.program}.1, --{option}: add {word}")

    def test_faults(self):
        told = rendered(PAGES["vcpflash-sim"]).split("     --fault ")[1].split("     --seed")[0]
        shown = tool(bench.BIN / "vcpflash-sim", "--help").split("--fault SPEC")[1]
        for name, words in fault_words().items():
            for place, text in (("docs/man/vcpflash-sim.1", told), ("vcpflash-sim --help", shown)):
                self.assertIn(f"{name}=", text, f"{place} says nothing of --fault {name}=")
                for word in words:
                    self.assertRegex(text, rf"\b{word}\b", f"{place} says nothing of --fault {name}={word}")

    def test_guests(self):
        shown = tool(bench.BIN / "vcpflash-sim", "--help")
        (told,) = re.findall(r"(?m)^ +--guests (.*?)^ +--", rendered(PAGES["vcpflash-sim"]), re.S)
        for word in guest_words():
            for place, text in (("docs/man/vcpflash-sim.1", told), ("vcpflash-sim --help", shown)):
                self.assertRegex(text, rf"\b{word}\b", f"{place} says nothing of --guests {word}")

    def test_exit_codes(self):
        page = rendered(PAGES["vcpflash"]).split("EXIT STATUS")[1].split("EXAMPLES")[0]
        told = re.findall(r"^ {5}(\d+) ", page, re.M)
        exits = re.findall(r"\b(\d+) [a-z]", tool(bench.BIN / "vcpflash", "--help").split("Exit:")[1])
        self.assertEqual(told, exits)

    def test_environment(self):
        read = set()
        for folder in "cli", "io", "client":
            for source in (TOP / folder).glob("*.c"):
                read |= set(re.findall(r'getenv\("(VCPFLASH_\w+)"\)', source.read_text()))
        told = set(re.findall(r"VCPFLASH_\w+", PAGES["vcpflash"].read_text()))
        self.assertEqual(told, read)


if __name__ == "__main__":
    bench.main()
