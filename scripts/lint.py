#!/usr/bin/env python3
"""make lint: the rules that a script can hold us to.

  rooms   a room includes only itself and rooms above it in athanor/ROOMS; nothing above the torch line sees torch;
          <torch/...> stands only in the files named here
  sizes   a source file has at most 400 lines
  text    no tabs, no trailing blanks, a final newline
  types   a type of a header has a name that no other header's type in its namespace has: the linker would keep one of the
          two destructors, or one std::vector of the two, for both
"""
import os
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
MAX_LINES = 400
# The only files that may include <torch/...>: heavy headers, 16 to 34 s a file.
TORCH_API_FILES = {"athanor/tensor/autograd.cc", "athanor/tensor/gradient_hook.cc", "athanor/tensor/process_group.cc",
                   "athanor/tensor/rank_store.cc", "athanor/train/profile.cc", "athanor/tensor/device/testing_fake_gpu.h"}


def rooms():
    above, below, seen_line = [], [], False
    with open(os.path.join(ROOT, "athanor/ROOMS"), encoding="utf-8") as file:
        for line in file:
            line = line.strip()
            if line.startswith("---"):
                seen_line = True
            elif line and not line.startswith("#"):
                (below if seen_line else above).append(line)
    return above, below


def tracked(*patterns):
    listed = subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard", *patterns], cwd=ROOT,
                            check=True, capture_output=True, text=True).stdout
    return sorted(path for path in set(listed.split("\n")) if path and os.path.exists(os.path.join(ROOT, path)))


def check_includes(path, text, above, below):
    order = above + below
    room = path.split("/")[1]
    if room not in order:
        yield 1, f"the room '{room}' is not in athanor/ROOMS"
        return
    torch_side = room in below and not (room == "stage" and not re.search(r"_torch\.(cc|h)$", path))
    for number, line in enumerate(text.split("\n"), 1):
        if match := re.match(r'\s*#include "athanor/([a-z]+)/', line):
            if match[1] not in order:
                yield number, f"includes the unknown room '{match[1]}'"
            elif order.index(match[1]) > order.index(room):
                yield number, f"'{room}' includes '{match[1]}', which stands below it"
        elif match := re.match(r"\s*#include <(torch|ATen|c10)/", line):
            if not torch_side:
                yield number, "includes LibTorch above the torch line"
            if match[1] == "torch" and "torch/headeronly/" not in line and path not in TORCH_API_FILES:
                yield number, "includes <torch/...>; only " + ", ".join(sorted(TORCH_API_FILES)) + " may"
            if "<ATen/ATen.h>" in line:
                yield number, "includes <ATen/ATen.h>; take <ATen/core/Tensor.h> and <ATen/ops/x.h>"


def check_text(path, text):
    lines = text.split("\n")
    if not path.endswith("Makefile") and "\t" in text and path.endswith((".h", ".cc", ".py", ".cmake", ".yaml")):
        yield text[: text.index("\t")].count("\n") + 1, "holds a tab"
    for number, line in enumerate(lines, 1):
        if line.endswith((" ", "\r")):
            yield number, "ends in a blank"
    if text and not text.endswith("\n"):
        yield len(lines), "has no newline at the end"


class Types:
    """Where each type of a header is defined: {namespace::name: path}."""

    def __init__(self):
        self.places = {}

    def check(self, path, text):
        spaces = []
        for number, line in enumerate(text.split("\n"), 1):
            if match := re.match(r"(?:inline )?namespace ?([\w:]*) \{", line):
                spaces.append(match[1])
            elif re.match(r"\}.*// namespace", line) and spaces:
                spaces.pop()
            elif match := re.match(r"(?:template <[^{;]*> )?(?:class|struct|union|enum class|enum) (\w+)(?: final)?(?: :[^:].*)? ?\{", line):
                name = "::".join(spaces + [match[1]])
                if self.places.setdefault(name, path) != path:
                    yield number, f"defines {name}, as {self.places[name]} does: give one of them another name"


def generated(text):
    return re.search(r"[Gg]enerated (by|from)|[Ww]ritten by scripts", text[:400]) is not None


def main():
    above, below = rooms()
    faults = []
    types = Types()
    sources = tracked("*.h", "*.cc")
    for path in sources + tracked("*.py", "*.cmake", "*.yaml", "*.md", "CMakeLists.txt", "Makefile"):
        with open(os.path.join(ROOT, path), encoding="utf-8") as file:
            text = file.read()
        found = [] if path.startswith("tests/fixtures/") else list(check_text(path, text))
        if path in sources and path.startswith("athanor/"):
            found += check_includes(path, text, above, below)
            found += types.check(path, text) if path.endswith(".h") else []
        if path in sources and not generated(text) and text.count("\n") > MAX_LINES:
            found.append((MAX_LINES, f"has {text.count(chr(10))} lines; split it ({MAX_LINES} at most)"))
        faults += [f"{path}:{number}: {what}" for number, what in found]
    for fault in faults:
        print(fault)
    print(f"lint: {len(sources)} sources, {len(faults)} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
