#!/usr/bin/env python3
"""Runs golden tests: text files that hold input files, commands, and what must come of them.

    run_golden.py PROGRAM FILE.test

A test file is a list of blocks; a line that begins with '---' begins one:

    --- needs data tabular/iris.csv      skip unless $ATHANOR_DATA has this file
    --- file path/name.yaml              the lines that follow are that file ($DATA stands for $ATHANOR_DATA)
    --- run athanor check r.yaml         the program, in a folder of its own ($ATHANOR, $REPOSITORY in sh -c); the lines that follow are expectations:
        exit 2                           its exit code (0 when not given)
        err ~ regex                      stderr (out: stdout; file NAME ~ regex: a file, globs allowed) matches
        out !~ regex                     ... or does not match

Every expectation of a run must hold. Exit 77 means skipped.
"""
import glob
import os
import re
import shlex
import signal
import subprocess
import sys
import tempfile

TIMEOUT_SECONDS = 60
STOP_SECONDS = 10
REPOSITORY = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def parse(path):
    blocks = []
    with open(path, encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            line = line.rstrip("\n")
            if line.startswith("--- "):
                kind, _, rest = line[4:].partition(" ")
                blocks.append({"kind": kind, "rest": rest.strip(), "lines": [], "number": number})
            elif blocks:
                blocks[-1]["lines"].append((number, line))
            elif line and not line.startswith("#"):
                sys.exit(f"{path}:{number}: text before the first block")
    return blocks


def text_of(what, result, folder):
    if what in ("out", "err"):
        return result.stdout if what == "out" else result.stderr
    pattern = what.removeprefix("file ").strip()
    paths = sorted(glob.glob(os.path.join(folder, pattern), recursive=True))
    if not paths:
        return None
    return "\n".join(open(path, encoding="utf-8", errors="replace").read() for path in paths)


def check(line, result, folder):
    """A sentence that says what is wrong, or None."""
    if match := re.fullmatch(r"exit (\d+)", line):
        return None if result.returncode == int(match[1]) else f"exit code {result.returncode}, not {match[1]}"
    match = re.fullmatch(r"(out|err|file \S+) (!?~) (.*)", line)
    if not match:
        return f"not an expectation: {line}"
    text = text_of(match[1], result, folder)
    if text is None:
        return f"no such file: {match[1]}"
    found = re.search(match[3], text, re.MULTILINE) is not None
    return None if found == (match[2] == "~") else f"{match[1]} {'lacks' if match[2] == '~' else 'has'}: {match[3]}"


def finished(words, folder, environment):
    """What became of the command; None where it took too long: asked to stop, it stops its own children, too."""
    process = subprocess.Popen(words, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               text=True, errors="replace", start_new_session=True)
    for seconds, ending in ((TIMEOUT_SECONDS, signal.SIGTERM), (STOP_SECONDS, signal.SIGKILL)):
        try:
            out, err = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, ending)
        else:
            return subprocess.CompletedProcess(words, process.returncode, out, err) if ending == signal.SIGTERM else None
    process.communicate()
    return None


def run(block, program, folder):
    words = shlex.split(block["rest"].replace("$DATA", os.environ.get("ATHANOR_DATA", "")))
    words[0] = program if words[0] == "athanor" else words[0]
    environment = dict(os.environ, ATHANOR=program, REPOSITORY=REPOSITORY)
    result = finished(words, folder, environment)
    if result is None:
        return [(block["number"], f"not done after {TIMEOUT_SECONDS} s: {block['rest']}")]
    expectations = [(number, line.strip()) for number, line in block["lines"] if line.strip() and not line.startswith("#")]
    if not any(line.startswith("exit ") for _, line in expectations):
        expectations.insert(0, (block["number"], "exit 0"))
    faults = [(number, fault) for number, line in expectations if (fault := check(line, result, folder))]
    for forbidden in ("terminate called", "what():", "std::", "c10::", "Exception raised from"):
        if forbidden in result.stderr:
            faults.append((block["number"], f"stderr shows a bare exception: {forbidden}"))
    if faults:
        print(f"$ {block['rest']}\n{result.stdout}{result.stderr}")
    return faults


def main():
    program, path = os.path.abspath(sys.argv[1]), sys.argv[2]
    blocks = parse(path)
    data = os.environ.get("ATHANOR_DATA", "")
    faults = []
    with tempfile.TemporaryDirectory(prefix="athanor-golden-", ignore_cleanup_errors=True) as folder:
        for block in blocks:
            if block["kind"] == "needs":
                name = block["rest"].removeprefix("data ").strip()
                if not data or not os.path.exists(os.path.join(data, name)):
                    print(f"skipped: wants {name} in ATHANOR_DATA")
                    return 77
            elif block["kind"] == "file":
                target = os.path.join(folder, block["rest"])
                os.makedirs(os.path.dirname(target), exist_ok=True)
                with open(target, "w", encoding="utf-8") as file:
                    file.write("\n".join(line for _, line in block["lines"]).replace("$DATA", data) + "\n")
            elif block["kind"] == "run":
                faults += run(block, program, folder)
            else:
                faults.append((block["number"], f"unknown block {block['kind']}"))
    for number, fault in faults:
        print(f"{path}:{number}: {fault}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
