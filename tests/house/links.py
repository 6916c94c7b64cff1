#!/usr/bin/env python3
"""links.py TOP: what the documents link to is there, headings too, and README.md or the document of a
folder leads to every document; and CHANGELOG.md says nothing twice, which a merge may bring about."""
import pathlib
import re
import subprocess
import sys


def without_code(text):
    return re.sub(r"`[^`\n]*`", lambda code: re.sub(r"[\[\]()]", "", code[0]), re.sub(r"(?ms)^```.*?^```$", "", text))


def slug(heading):
    """GitHub's name of a heading."""
    words = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading.strip().lower())
    return re.sub(r"[^\w\- ]", "", words).replace(" ", "-")


def headings(path):
    return {slug(h) for h in re.findall(r"(?m)^#+ (.*)$", re.sub(r"(?ms)^```.*?^```$", "", path.read_text()))}


def links(path):
    for target in re.findall(r"\]\(([^)\s]+)\)", without_code(path.read_text())):
        if not re.match(r"[a-z]+:", target):
            yield target


def complaints(top, documents):
    reached = set()
    for path in documents:
        for target in links(path):
            file, _, anchor = target.partition("#")
            other = (path.parent / file).resolve() if file else path
            if not other.exists():
                yield f"{path.relative_to(top)}: there is no {target}"
            elif anchor and anchor not in headings(other):
                yield f"{path.relative_to(top)}: {target}: no such heading"
            if path == top / "README.md":
                reached.add(other)
    for path in documents:
        if path.parent == top / "docs" and path not in reached:
            yield f"README.md does not lead to {path.relative_to(top)}"


def said_twice(text):
    seen = set()
    for line in text.splitlines():
        if line.startswith("- ") and line in seen:
            yield f"CHANGELOG.md has twice: {line}"
        seen.add(line)


def self_test():
    """A check that finds nothing must be one that finds something."""
    import tempfile
    with tempfile.TemporaryDirectory() as folder:
        top = pathlib.Path(folder).resolve()
        (top / "docs").mkdir()
        (top / "docs/A.md").write_text("# One `two`, three\n[up](../README.md) [x](B.md) `[no](link)`\n")
        (top / "docs/C.md").write_text("# C\n")
        (top / "README.md").write_text("[a](docs/A.md#one-two-three) [b](docs/A.md#four) [w](https://example.org)\n")
        found = list(complaints(top, sorted(top.rglob("*.md"))))
        assert found == ["README.md: docs/A.md#four: no such heading", "docs/A.md: there is no B.md",
                         "README.md does not lead to docs/C.md"], found
    assert list(said_twice("- a\n  b\n- c\n- a\n  b\n")) == ["CHANGELOG.md has twice: - a"]


def main():
    self_test()
    top = pathlib.Path(sys.argv[1]).resolve()
    documents = [path for folder in (".", "docs", "boards", "examples", "tests", "bench", "script", "python")
                 for path in sorted((top / folder).glob("*.md" if folder == "." else "**/*.md"))]
    wrong = [*complaints(top, documents), *said_twice((top / "CHANGELOG.md").read_text())]
    print("\n".join(wrong))
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
