"""Completions, offered by the real bash, zsh and fish: each is asked what it would offer at the
end of a line, and the answers are compared with the tables of the programs and with each other."""
import os
import pty
import select
import subprocess
import time

from command_line import SIM, VCPFLASH, fault_words, guest_words
from installed import TOP, bench

FOLDER = TOP / "completions"
IMAGES = ["a.hex", "b.BIN", "c.elf", "folder/"]
OTHERS = ["d.txt", "e.py"]

BASH = r"""
source "$0"
line=$1 COMP_LINE=$1 COMP_POINT=${#1}
declare -A function=([vcpflash]=_vcpflash [vcpflash-sim]=_vcpflash_sim)
compopt() { :; }
${function[${line%% *}]}
printf '%s\n' "${COMPREPLY[@]}"
"""

# What is added is written down besides; with -O, -A or -D nothing is added yet.
ZSH = r"""
PS1='' ; unsetopt zle_bracketed_paste 2>/dev/null; unset zle_bracketed_paste
fpath=($FOLDER $fpath); autoload -Uz compinit; compinit -u -D
zstyle ':completion:*' list-prompt ''; zstyle ':completion:*' menu no; LISTMAX=10000
unsetopt auto_list; setopt no_list_ambiguous
compadd() {
  if [[ ${@[1,(i)(-|--)]} == *-(O|A|D)\ * ]]; then builtin compadd "$@"; return $?; fi
  local -a __offered; builtin compadd -O __offered "$@"
  (( $#__offered )) && print -rl -- $__offered >>$OUT
  builtin compadd "$@"
}
__done() { BUFFER='' ; zle accept-line }
zle-line-init() { print -r -- READY >>$OUT } # not before: keys typed ahead would be the terminal's
zle -N __done; zle -N zle-line-init; bindkey '^Xd' __done; bindkey '^I' complete-word
"""


class Shell:
    """`offers(line)` is the set of words that the shell offers there."""

    def __init__(self, folder, env):
        self.folder, self.env = folder, env

    def close(self):
        pass


class Bash(Shell):
    def offers(self, line):
        done = subprocess.run(["bash", "--norc", "-c", BASH, FOLDER / "vcpflash.bash", line], cwd=self.folder,
                              env=self.env, stdout=subprocess.PIPE, text=True, timeout=bench.PATIENCE, check=True)
        words = set(done.stdout.split("\n")) - {""}
        return {w + "/" if (self.folder / w).is_dir() else w for w in words}  # readline appends it


class Fish(Shell):
    def offers(self, line):
        script = f'source {FOLDER}/vcpflash.fish; complete -C "$argv[1]"'
        done = subprocess.run(["fish", "--no-config", "-c", script, line], cwd=self.folder,
                              env=self.env, stdout=subprocess.PIPE, text=True, timeout=bench.PATIENCE, check=True)
        return {w.split("\t")[0] for w in done.stdout.splitlines()}


class Zsh(Shell):
    def __init__(self, folder, env):
        super().__init__(folder, env)
        self.out = folder.parent / "zsh-offers"
        self.out.write_text("")
        env = {**env, "OUT": str(self.out), "FOLDER": str(FOLDER), "TERM": "dumb"}
        self.pid, self.terminal = pty.fork()
        if self.pid == 0:
            os.chdir(folder)
            os.execvpe("zsh", ["zsh", "-f", "-i"], env)
        setup = folder.parent / "setup.zsh"
        setup.write_text(ZSH)
        self.type(f"source {setup}\n")

    def type(self, keys):
        """Types, and waits until the shell is ready again; what was written down meanwhile."""
        os.write(self.terminal, keys.encode())
        end = time.monotonic() + bench.PATIENCE
        while "READY" not in self.out.read_text().splitlines():
            if time.monotonic() > end:
                raise AssertionError(f"zsh hangs at {keys!r}: {self.out.read_text()}")
            if select.select([self.terminal], [], [], 0.01)[0]:
                os.read(self.terminal, 65536)
        words = self.out.read_text().splitlines()[:-1]
        self.out.write_text("")
        return words

    def offers(self, line):
        words = self.type(line + "\t\x18d")
        return {w + "/" if (self.folder / w).is_dir() else w for w in words}

    def close(self):
        os.close(self.terminal)
        os.waitpid(self.pid, 0)


class Completion(bench.Case):
    def setUp(self):
        super().setUp()
        folder = self.folder / "work"
        (folder / "folder").mkdir(parents=True)
        for name in IMAGES[:-1] + OTHERS:
            (folder / name).write_text("")
        env = {**bench.clean_environment(), "PATH": f"{bench.BIN}:{os.environ['PATH']}", "HOME": str(self.folder)}
        self.shells = {kind.__name__.lower(): kind(folder, env) for kind in (Bash, Fish, Zsh)}
        for shell in self.shells.values():
            self.addCleanup(shell.close)

    def assertOffers(self, line, expected, among=None):
        """Every shell offers just these words at the end of `line`, of those that `among` accepts."""
        for name, shell in self.shells.items():
            offered = {w for w in shell.offers(line) if among is None or among(w)}
            missing, extra = set(expected) - offered, offered - set(expected)
            self.assertFalse(missing or extra,
                             f"{name} after '{line}': add {sorted(missing)}, take away {sorted(extra)} in completions/")

    def test_commands(self):
        self.assertOffers("vcpflash ", VCPFLASH.commands, lambda w: w[0] != "-")
        self.assertOffers("vcpflash pro", ["program"])
        self.assertOffers("vcpflash -p /dev/null --json ver", ["verify"])
        self.assertOffers("vcpflash --wait 5 program c", ["c.elf"])
        self.assertOffers("vcpflash --wait --json ver", ["verify"])
        self.assertOffers("vcpflash --port=/dev/null --baud 9600 ver", ["verify"])

    def test_values_are_not_counted(self):
        """What belongs to an option is no argument of the command, before it or behind it."""
        for front in "vcpflash --wait 5 read 0 1 ", "vcpflash read --wait 5 0 1 ", "vcpflash read 0 --wait 5 1 ", \
                "vcpflash -p /dev/null read 0 1 ", "vcpflash read 0 -b 9600 1 ":
            self.assertOffers(front, IMAGES + OTHERS, lambda w: w[0] != "-")
        for front in "vcpflash --wait 5 read 0 ", "vcpflash read -p /dev/null --wait 5 0 ":
            self.assertOffers(front, [], lambda w: w[0] != "-")
        self.assertOffers("vcpflash --wait 5 ver", ["verify"])
        self.assertOffers("vcpflash --wait 5 ", VCPFLASH.commands, lambda w: w[0] != "-")
        self.assertOffers("vcpflash program --wait 5 c", ["c.elf"])

    def test_options_of_each_command(self):
        for command in VCPFLASH.commands + [""]:
            self.assertOffers(f"vcpflash {command} --".replace("  ", " "), {"--" + o for o in VCPFLASH.of(command)},
                              lambda w: w.startswith("--"))

    def test_options_of_the_simulator(self):
        self.assertOffers("vcpflash-sim --", {"--" + o for o in SIM.options}, lambda w: w.startswith("--"))

    def test_files(self):
        for command in "program", "verify", "merge", "inspect", "gang":
            self.assertOffers(f"vcpflash {command} ", IMAGES, lambda w: w[0] != "-")
        self.assertOffers("vcpflash program a.hex c", ["c.elf"])
        self.assertOffers("vcpflash -p /dev/null program --run ", IMAGES, lambda w: w[0] != "-")
        self.assertOffers("vcpflash read 0 1 ", IMAGES + OTHERS, lambda w: w[0] != "-")
        self.assertOffers("vcpflash merge a.hex -o ", IMAGES + OTHERS, lambda w: w[0] != "-")
        for option in "--trace", "--key-file":
            self.assertOffers(f"vcpflash {option} ", IMAGES + OTHERS)

    def test_nothing_where_a_number_is_wanted(self):
        for line in "vcpflash read ", "vcpflash erase ", "vcpflash digest 0 ", "vcpflash ports ":
            self.assertOffers(line, [], lambda w: w[0] != "-")

    def test_values(self):
        values = {"program --compress": ["auto", "on", "off"], "verify --verify": ["digest", "full"],
                  "merge --format": ["hex", "srec", "bin", "uf2"]}
        for line, words in values.items():
            self.assertOffers(f"vcpflash {line} ", words)
        self.assertOffers("vcpflash program --compress o", ["on", "off"])

    def test_ports(self):
        kinds = {"auto", "tcp://", "rfc2217://"}
        self.assertOffers("vcpflash -p ", kinds, lambda w: w in kinds or "://" in w)
        self.assertOffers("vcpflash --port t", ["tcp://"], lambda w: "://" in w)

    def test_simulator(self):
        chips = [line.split()[0] for line in
                 subprocess.run([bench.BIN / "vcpflash-sim", "--list-chips"], stdout=subprocess.PIPE, text=True,
                                timeout=bench.PATIENCE, check=True).stdout.splitlines()]
        self.assertIn("mt25ql512ab", chips)
        self.assertOffers("vcpflash-sim --chip ", chips)
        self.assertOffers("vcpflash-sim --dual --time ", ["real", "none"])
        self.assertOffers("vcpflash-sim --link u", ["usb-fs", "usb-hs", "uart:"])
        self.assertOffers("vcpflash-sim --board ", ["stm32h745i-disco", "stm32h747i-disco"])
        self.assertOffers("vcpflash-sim --port ", ["uart", "usb"])
        self.assertOffers("vcpflash-sim --flash ", IMAGES + OTHERS)
        self.assertOffers("vcpflash-sim --fault chip=q", ["chip=qpi"])
        self.assertOffers("vcpflash-sim --fault ", {f"{name}={word}" for name, words in fault_words().items()
                                                    for word in words or [""]})
        words = guest_words()
        self.assertOffers("vcpflash-sim --guests ", {"off", *words, "console,ymodem", ",".join(words)})


if __name__ == "__main__":
    bench.main()
