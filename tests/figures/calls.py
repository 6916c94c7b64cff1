"""Who calls whom on a board, and how deep a stack that makes: the compiler's own call graph
(-fcallgraph-info), with the calls through structures of functions resolved from the sources.

A call `thing->member(` reaches what the initialisers of that structure's type put into that
member, and nothing else. RECEIVERS says what type a `thing` is. A call of which that is not known,
or that would reach nothing, ends the run: a stack that is not counted is worse than none.
"""
import pathlib
import re
import sys

ROOMS = ("target", "wire", "nor", "guest")
# The name in front of the member that is called -> the structure it is.
RECEIVERS = {feature: f"vf_target_{feature}_feature"
             for feature in ("condition", "guard", "journal", "rate", "text", "unpack")}
RECEIVERS |= {source: f"vf_nor_{source}_source" for source in ("look", "parts", "sfdp")}
RECEIVERS |= {"engine": "vf_target_visit_feature", "features": "vf_target_features",
              "with": "vf_target_features",
              "guest": "vf_target_guest", "is": "vf_guest_protocol",
              "loading": "vf_guest_loading", "l": "vf_guest_loading"}


def without_comments(text):
    return re.sub(r"/\*.*?\*/", " ", text, flags=re.S)


def members(root):
    """{structure: the names of its members, in order}"""
    found = {}
    for header in [*root.glob("include/vcpflash/*.h"), *(h for r in ROOMS for h in root.glob(f"{r}/*.h"))]:
        text = without_comments(header.read_text())
        for name, body in re.findall(r"^(?:typedef )?struct (\w+) \{(.*?)^\}", text, re.M | re.S):
            if name in RECEIVERS.values():
                found[name] = [re.search(r"\(\*(\w+)\)\(|(\w+)\s*$", line).group(1, 2)
                               for line in body.split(";")[:-1]]
                found[name] = [pointer or plain for pointer, plain in found[name]]
    return found


def reached(root):
    """{(structure, member): {(the file, what was put there)}}"""
    order, found = members(root), {}
    types = "|".join(map(re.escape, order))
    for source in (s for room in ROOMS for s in sorted(root.glob(f"{room}/*.c"))):
        text = without_comments(source.read_text())
        for name, body in re.findall(rf"\b({types})(?: \w+ =|\)) ?\{{([^{{}}]*)\}}", text):
            for place, value in enumerate(filter(None, map(str.strip, body.split(",")))):
                member, _, designated = value[1:].partition("=") if value[0] == "." else ("", "", "")
                member = member.strip() or order[name][place]
                where = str(source.relative_to(root))
                found.setdefault((name, member), set()).add((where, designated.strip() or value))
    return found


def resolve(root, graph, targets, place):
    """The functions that the indirect call at `place` (file:line:column) may reach."""
    source, line, _ = place.split(":")
    text = (root / source).read_text().splitlines()[int(line) - 1]
    names = set()
    for receiver, member in re.findall(r"\b(\w+)(?:\[\w+\])?(?:->|\.)(\w+)\(", text):
        for file, value in targets.get((RECEIVERS.get(receiver), member), ()):
            names.add(f"{file}:{value}" if f"{file}:{value}" in graph else value)
    if not names or not names <= graph.keys():
        sys.exit(f"{place}: what does this call? (RECEIVERS of {pathlib.Path(__file__).name})\n{text}")
    return names


def call_graph(root, folder):
    """{function: (its own bytes of stack, its file, the functions it calls)} of all files compiled
    into `folder`. A static function's name begins with its file's."""
    graph, indirect = {}, []
    for file in sorted(folder.glob("*-*.ci")):
        text = file.read_text()
        for title, where, size, kind in re.findall(
                r'^node: { title: "([^"]*)" label: "[^"\\]*\\n([^":]*):[^"]*\\n(\d+) bytes \(([a-z,]+)\)"',
                text, re.M):
            if kind != "static":
                sys.exit(f"{title}: its stack is {kind}")
            graph[inside(root, title)] = (int(size), inside(root, where), set())
        for caller, callee, place in re.findall(
                r'^edge: { sourcename: "([^"]*)" targetname: "([^"]*)" label: "([^"]*)"', text, re.M):
            caller, callee, place = (inside(root, name) for name in (caller, callee, place))
            graph[caller][2].add(callee)
            if callee == "__indirect_call":
                indirect.append((caller, place))
    targets = reached(root)
    for caller, place in indirect:
        graph[caller][2].update(resolve(root, graph, targets, place))
    return graph


def inside(root, name):
    """The compiler names a file as it was given to it."""
    return name.removeprefix(f"{root}/")


def deepest(graph, start, without=(), path=()):
    """Bytes of stack from `start` down. What is no function of ours counts nothing, nor what is
    in the files or folders `without`."""
    if start not in graph:
        return 0
    own, file, calls = graph[start]
    if file.startswith(tuple(without)):
        return 0
    if start in path:
        sys.exit("recursion: " + " > ".join((*path, start)))
    return own + max((deepest(graph, c, without, (*path, start)) for c in calls), default=0)
