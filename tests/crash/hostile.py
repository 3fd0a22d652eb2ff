#!/usr/bin/env python3
"""Every kind of bad input that the data factory promises to live through, in one run of `collect`.

    hostile.py PROGRAM

Each file must cost its own rows only: a reason, an offset and a sample in rejected.jsonl, the good rows kept, within a
stated time and memory. A 1 GB single line and a JSON array with a 1 GB element come packed, so that the test is about
reading them. Exit 1 with what is wrong.
"""
import gzip
import json
import os
import resource
import subprocess
import sys
import tempfile
import time

MOST_SECONDS = 60  # of all files together, on a busy machine; about 4 on a quiet one
MOST_MEMORY = 1 << 30
GOOD = "A good row of text, long enough to keep."


def good_rows(count):
    return [json.dumps({"text": f"{GOOD} {i}"}) for i in range(count)]


def long_gzip(before, after):
    """before, 1 GB of x, after; as gzip members, of which the 64 in the middle are one and the same."""
    return gzip.compress(before, mtime=0) + gzip.compress(b"x" * (16 << 20), mtime=0) * 64 + gzip.compress(after, mtime=0)


def warc(body, length=None):
    return (b"WARC/1.0\r\nWARC-Type: conversion\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n"
            % (len(body) if length is None else length) + body + b"\r\n\r\n")


def make(folder):
    """(file, good rows, {reason: how often})"""
    rows = good_rows(20)
    cases = []

    def add(name, data, good, reasons):
        with open(os.path.join(folder, name), "wb") as file:
            file.write(data)
        cases.append((name, good, reasons))

    def lines(middle):
        return ("\n".join(rows[:10]) + "\n").encode() + middle + b"\n" + ("\n".join(rows[10:]) + "\n").encode()

    add("nul.jsonl", lines(b'{"text": "a\\u0000b ' + GOOD.encode() + b'"}'), 21, {})
    add("raw_nul.jsonl", lines(b'{"text": "a\x00b"}'), 20, {"broken JSON": 1})
    add("nul.txt", b"before\x00after " + GOOD.encode(), 1, {})
    add("utf8.jsonl", lines(b'{"text": "caf\xe9"}'), 20, {"invalid UTF-8": 1})
    add("half.jsonl", lines(b'{"text": "half'), 20, {"broken JSON": 1})
    add("deep.jsonl", lines(b'{"text": "x", "d": ' + b"[" * 100000), 20, {"broken JSON": 1})
    add("ragged.csv", b"id,text\n" + b"".join(b'%d,"%s"\n' % (i, GOOD.encode()) for i in range(20)) + b"1,a,b,c\n2\n", 20,
        {"wrong number of columns": 2})
    member = gzip.compress(("\n".join(rows[:10]) + "\n").encode(), mtime=0)
    broken = bytearray(member)
    broken[len(broken) // 2] ^= 0xFF
    add("member.jsonl.gz", member + bytes(broken) + member, None, None)
    add("cut.jsonl.gz", member[: len(member) // 2], None, None)
    add("long.warc", warc(GOOD.encode()) + warc(GOOD.encode(), 10**6) + warc(GOOD.encode()), 2, {"truncated WARC record": 1})
    add("deep.html", b"<div>" * 100000 + b"<p>" + GOOD.encode() * 20, None, None)
    add("large.html", b"<p>" + (GOOD.encode() + b" <b>x</b>\n") * 2_000_000, None, None)
    add("array.json", ("[" + ",".join(rows) + ", {\"text\": 5}, [1], {}]").encode(), 20,
        {"text is not a string": 1, "not a JSON object": 1, "no text field": 1})
    add("noise.parquet", b"PAR1" + os.urandom(4000) + b"PAR1", 0, None)
    add("line.jsonl.gz", long_gzip(rows[0].encode() + b"\n", b"\n" + rows[1].encode() + b"\n"), 2, {"line too long": 1})
    add("array.json.gz", long_gzip(b"[" + rows[0].encode() + b', {"text": "', b'y"}, ' + rows[1].encode() + b"]"), 2,
        {"document too large": 1})
    return cases


def main():
    program = os.path.abspath(sys.argv[1])
    with tempfile.TemporaryDirectory(prefix="athanor-hostile-") as folder:
        os.chdir(folder)
        os.makedirs("in")
        cases = make("in")
        start = time.monotonic()
        done = subprocess.run([program, "collect", "source=in", "max_rejected=0.9", "threads=2", "--json"],
                              capture_output=True, text=True)
        seconds = time.monotonic() - start
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss << 10
        if done.returncode != 0:
            sys.exit(f"exit {done.returncode}\n{done.stdout}{done.stderr}")
        run = next(name for name in os.listdir("runs") if name.startswith("collect-"))
        rejected = {}
        with open(f"runs/{run}/rejected/rejected.jsonl", encoding="utf-8") as file:
            for line in file:
                row = json.loads(line)
                reasons = rejected.setdefault(row["source"].rsplit("/", 1)[-1], {})
                reasons[row["reason"]] = reasons.get(row["reason"], 0) + 1
        faults = []
        for name, _, reasons in cases:
            found = rejected.get(name, {})
            if reasons is not None and found != reasons:
                faults.append(f"{name}: rejected {found}, expected {reasons}")
        for name in ("member.jsonl.gz", "cut.jsonl.gz", "noise.parquet"):
            if not rejected.get(name):
                faults.append(f"{name}: nothing was rejected")
        with open(f"runs/{run}/run.json", encoding="utf-8") as file:
            documents = json.load(file)["result"]["documents"]
        least = sum(good for _, good, _ in cases if good)
        if not least + 10 <= documents <= least + 30:  # and those of the damaged gzip and the two pages
            faults.append(f"{documents} documents, expected {least} and those of the damaged files")
        if seconds > MOST_SECONDS or peak > MOST_MEMORY:
            faults.append(f"{seconds:.1f} s, {peak >> 20} MiB")
        if faults:
            sys.exit("\n".join(faults))
        print(f"{len(cases)} files, {documents} documents, {seconds:.1f} s, peak {peak >> 20} MiB")


if __name__ == "__main__":
    main()
