#!/usr/bin/env python3
"""kill -9 at random moments of a collect over files of many kinds, rerun the same command, and compare with a run that
was left alone; then the same with one thread and with two, and as three shards.

    collect_kill.py PROGRAM KILLS [SEED]

Every file of out/ and rejected/ must have the same bytes. Exit 1 at the first difference.
"""
import bz2
import gzip
import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time

PART_BYTES = 150_000


def text(rng):
    words = ["fire", "salt", "stone", "gold", "mercury", "the", "of", "and", "turns", "into", "水", "air", "slowly"]
    return " ".join(rng.choice(words) for _ in range(rng.randint(20, 120)))


def make_sources(folder, rng):
    os.makedirs(folder)
    rows = []
    for i in range(4000):
        rows.append("{broken" if i % 331 == 7 else json.dumps({"text": text(rng), "n": i}, ensure_ascii=False))
    jsonl = ("\n".join(rows) + "\n").encode()
    blocks = [jsonl[at:at + 60_000] for at in range(0, len(jsonl), 60_000)]
    records = []
    for _ in range(1500):
        body = text(rng).encode()
        records.append(b"WARC/1.0\r\nWARC-Type: conversion\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n%s\r\n\r\n"
                       % (len(body), body))
    files = {
        "a.jsonl": jsonl,
        "b.jsonl.gz": b"".join(gzip.compress(block, 1, mtime=0) for block in blocks),
        "c.jsonl.bz2": bz2.compress(jsonl[:800_000], 1),
        "d.csv": b"id,text\n" + b"".join(b'%d,"%s\n"\n' % (i, text(rng).encode()) for i in range(2000)),
        "e.warc.gz": b"".join(gzip.compress(record, 1, mtime=0) for record in records),
        "f.mbox": b"".join(b"From a@b x\nSubject: s\n\n%s\n\n" % text(rng).encode() for _ in range(1000)),
    }
    for i in range(60):
        files[f"small/{i:03}.txt"] = text(rng).encode()
    for name, data in files.items():
        path = os.path.join(folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(data)


def start(program, folder, runs, *more):
    command = [program, "collect", "source=texts", f"runs={runs}", f"part_bytes={PART_BYTES}", "max_rejected=0.5", *more]
    return subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                            stdin=subprocess.DEVNULL)


def finish(process):
    output, _ = process.communicate(timeout=120)
    if process.returncode != 0:
        sys.exit(f"exit code {process.returncode}\n{output}")


def digests(runs):
    found = {}
    for root, _, names in os.walk(runs):
        for name in names:
            path = os.path.join(root, name)
            parts = os.path.relpath(path, runs).split(os.sep)
            if len(parts) > 2 and parts[1] in ("out", "rejected"):
                with open(path, "rb") as file:
                    found[os.sep.join(parts[1:])] = hashlib.sha256(file.read()).hexdigest()
    return found


def compare(folder, runs, expected, what):
    found = digests(os.path.join(folder, runs))
    if found != expected:
        names = sorted(set(found) | set(expected))
        sys.exit(f"{what}: other bytes in {[name for name in names if found.get(name) != expected.get(name)]}")


def main():
    program, kills = os.path.abspath(sys.argv[1]), int(sys.argv[2])
    rng = random.Random(int(sys.argv[3]) if len(sys.argv) > 3 else 1)
    with tempfile.TemporaryDirectory(prefix="athanor-crash-") as folder:
        make_sources(os.path.join(folder, "texts"), rng)
        began = time.monotonic()
        finish(start(program, folder, "whole", "threads=1"))
        seconds = time.monotonic() - began
        expected = digests(os.path.join(folder, "whole"))
        if len(expected) < 20:
            sys.exit(f"the uninterrupted run left too little to compare: {sorted(expected)}")
        finish(start(program, folder, "two", "threads=2"))
        compare(folder, "two", expected, "two threads")
        done = attempt = 0
        while done < kills:
            attempt += 1
            runs = f"killed-{attempt}"
            while done < kills:
                process = start(program, folder, runs, f"threads={rng.randint(1, 2)}")
                try:
                    process.wait(timeout=rng.random() * seconds)
                    break  # it was done before
                except subprocess.TimeoutExpired:
                    process.send_signal(signal.SIGKILL)
                    process.communicate()
                    done += 1
            finish(start(program, folder, runs))
            compare(folder, runs, expected, f"after {done} kills")
    print(f"{done} kills over {attempt} runs of {seconds:.2f} s: {len(expected)} files bit-identical")
    return 0


if __name__ == "__main__":
    sys.exit(main())
