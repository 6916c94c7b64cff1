"""What the two programs take, read from the tables that parse it: what man pages, --help and
completions are compared with."""
import re

from installed import TOP


class CommandLine:
    """`options`: long name -> whether it wants a value; `short`: letter -> long name; `commands`;
    `only`: long name -> the commands that take it, where not all do."""

    def __init__(self, program, table):
        self.program = program
        sources = "".join(p.read_text() for p in sorted((TOP / "cli").glob("*.c")))
        (body,) = re.findall(rf"struct option {table}\[\] = \{{(.*?)\n\}};", sources, re.S)
        rows = re.findall(r'\{"([\w-]+)", (\w+)_argument, NULL, (\'(\w)\'|\w+)\}', body)
        self.options = {name: wants == "required" for name, wants, *_ in rows}
        self.short = {letter: name for name, _, _, letter in rows if letter}
        codes = {code: name for name, _, code, _ in rows}
        self.only, self.commands = {}, []
        if program == "vcpflash":
            (body,) = re.findall(r"\} only\[\] = \{(.*?)\n\};", sources, re.S)
            self.only = {codes[code]: set(names.split())
                         for code, names in re.findall(r'\{([\w\']+),\s*"([^"]*)"\}', body)}
            (body,) = re.findall(r"\} arity\[\] = \{(.*?)\n\};", sources, re.S)
            self.commands = re.findall(r'\{"([\w-]+)",', body)

    def of(self, command):
        """The options of a command; "" has those that all take."""
        return {name for name in self.options if command in self.only.get(name, {command})}


def fault_words():
    """{what --fault of vcpflash-sim knows: the words that may follow, or none where it wants a number}"""
    source = (TOP / "sim/fault.c").read_text()
    words = {name: [] for name in re.findall(r'\{"(\w+)=",\s*"', source)}
    (states,) = re.findall(r"word\[\] = \{(.*?)\}", source, re.S)
    return words | {"chip": re.findall(r'"(\w+)"', states), "link": ["overrun"]}


def guest_words():
    """What --guests of vcpflash-sim knows."""
    (known,) = re.findall(r"\} known\[\] = \{(.*?)\};", (TOP / "cli/sim_args.c").read_text(), re.S)
    return re.findall(r'\{"(\w+)", VF_SIM_GUEST', known)


VCPFLASH = CommandLine("vcpflash", "options")
SIM = CommandLine("vcpflash-sim", "long_options")
