#!/usr/bin/env python3
"""JSONL.zst -> Parquet and WARC.gz reading, on one core, against the peers, interleaved.

    collect.py PROGRAM WARC_READ DATA [ROUNDS] [WORKDIR]

PROGRAM is athanor, WARC_READ the program of bench/warc_read.cc, DATA the shared data folder. Peers: pyarrow (its JSON
reader, single-threaded, and Parquet writer with LZ4 pages: no ids, no spans, no meta as JSON), datatrove (JsonlReader and
ParquetWriter), fastwarc and warcio. A peer that cannot be imported is left out. Bytes are those of the uncompressed
JSONL and WARC. Prints a table of medians with the range, and the ratio to each peer.
"""
import glob
import gzip
import json
import os
import shutil
import statistics
import subprocess
import sys
import time

import zstandard

PYARROW = """
import sys, pyarrow as pa, pyarrow.json as pj, pyarrow.parquet as pq
pa.set_cpu_count(1)
options = pj.ReadOptions(use_threads=False, block_size=16 << 20)
with pa.input_stream(sys.argv[1], compression="zstd") as source:
    table = pj.read_json(source, read_options=options)
pq.write_table(table, sys.argv[2], compression="lz4", use_dictionary=False, write_statistics=False)
print(table.num_rows)
"""
DATATROVE = """
import sys, os
from datatrove.pipeline.readers import JsonlReader
from datatrove.pipeline.writers import ParquetWriter
folder, name = os.path.split(sys.argv[1])
reader = JsonlReader(folder, compression="zstd", glob_pattern=name)
rows = 0
with ParquetWriter(sys.argv[2], compression="snappy") as writer:
    for document in reader.run():
        writer.write(document)
        rows += 1
print(rows)
"""
FASTWARC = """
import sys
from fastwarc.warc import ArchiveIterator
rows = 0
for record in ArchiveIterator(open(sys.argv[1], "rb"), parse_http=False):
    record.reader.read()
    rows += 1
print(rows)
"""
WARCIO = """
import sys
from warcio.archiveiterator import ArchiveIterator
rows = 0
with open(sys.argv[1], "rb") as stream:
    for record in ArchiveIterator(stream, no_record_parse=True):
        record.content_stream().read()
        rows += 1
print(rows)
"""


def lines(path):
    with open(path, "rb") as file:
        with zstandard.ZstdDecompressor().stream_reader(file) as stream:
            yield from stream.readall().decode().split("\n")


def make_jsonl(data, path):
    """Books whole and cut to about 3 KB, poems, sentence pairs: 130 MB of rows, three times."""
    rows = []

    def add(name, author, title, text):  # the same keys in every row: the peers' tables want that
        rows.append(json.dumps({"id": name, "author": author, "title": title, "text": text}, ensure_ascii=False))

    for line in filter(None, lines(os.path.join(data, "text/classics-en.jsonl.zst"))):
        book = json.loads(line)
        add(f"book-{len(rows)}", book["author"], book["title"], book["text"])
        text, at = book["text"], 0
        while at < len(text):
            end = text.find("\n", at + 3000)
            end = len(text) if end < 0 else end
            if text[at:end].strip():
                add(f"page-{len(rows)}", book["author"], book["title"], text[at:end])
            at = end
    for line in filter(None, lines(os.path.join(data, "text/tang-poems-zh.jsonl.zst"))):
        poem = json.loads(line)
        if poem["paragraphs"]:
            add(f"poem-{len(rows)}", poem["author"], poem["title"], "\n".join(poem["paragraphs"]))
    for line in filter(None, lines(os.path.join(data, "text/classical-modern-zh.jsonl.zst"))):
        pair = json.loads(line)
        if pair["modern"].strip():
            add(f"pair-{len(rows)}", "", pair["doc"], pair["classical"] + "\n" + pair["modern"])
    body = ("\n".join(rows) + "\n").encode()
    with open(path, "wb") as file:
        for _ in range(3):
            file.write(zstandard.ZstdCompressor(level=3).compress(body))
    return 3 * len(body)


def make_warc(data, path):
    with open(os.path.join(data, "web/warc/example.warc.gz"), "rb") as file:
        packed = file.read()
    with open(path, "wb") as file:
        for _ in range(20):
            file.write(packed)
    return 20 * len(gzip.decompress(packed))


def can_import(name):
    return subprocess.run([sys.executable, "-c", f"import {name}"], capture_output=True).returncode == 0


def timed(command):
    before = os.times()
    start = time.monotonic()
    done = subprocess.run(["taskset", "-c", "0", *command], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{command[0]} failed:\n{done.stdout}{done.stderr}"[-2000:])
    after = os.times()
    cpu = after.children_user - before.children_user + after.children_system - before.children_system
    return time.monotonic() - start, cpu


def measure(title, sizes, contests, rounds):
    results = {name: [] for name in contests}
    for _ in range(rounds):
        for name, run in contests.items():
            results[name].append(run())
    print(f"\n{title}: {sizes / 1e6:.0f} MB uncompressed, one core, {rounds} rounds")
    print("| program | MB/s of CPU time, median (range) | MB/s of wall time | the first is |")
    print("|---|---|---|---|")
    ours = None
    for name, times in results.items():
        cpu = sorted(sizes / 1e6 / c for _, c in times)
        wall = statistics.median(sizes / 1e6 / w for w, _ in times)
        median = statistics.median(cpu)
        ours = ours or median
        print(f"| {name} | {median:.1f} ({cpu[0]:.1f} to {cpu[-1]:.1f}) | {wall:.1f} | {ours / median:.2f} x |")


def main():
    program, warc_read, data = (os.path.abspath(path) for path in sys.argv[1:4])
    rounds = int(sys.argv[4]) if len(sys.argv) > 4 else 5
    work = sys.argv[5] if len(sys.argv) > 5 else "/tmp/athanor-bench-collect"
    shutil.rmtree(work, ignore_errors=True)
    os.makedirs(work)
    jsonl, warc = os.path.join(work, "texts.jsonl.zst"), os.path.join(work, "pages.warc.gz")
    jsonl_bytes, warc_bytes = make_jsonl(data, jsonl), make_warc(data, warc)

    def athanor(pages):
        def run():
            shutil.rmtree(os.path.join(work, "runs"), ignore_errors=True)
            return timed([program, "collect", f"source={jsonl}", f"runs={work}/runs", "threads=1", f"pages={pages}"])
        return run

    def python(code, source, out="out"):
        def run():
            for path in glob.glob(os.path.join(work, out + "*")):
                shutil.rmtree(path) if os.path.isdir(path) else os.remove(path)
            return timed([sys.executable, "-c", code, source, os.path.join(work, out)])
        return run

    contests = {f"Athanor, {pages} pages": athanor(pages) for pages in ("lz4", "snappy", "zstd")}
    if can_import("pyarrow.json"):
        contests["pyarrow"] = python(PYARROW, jsonl)
    if can_import("datatrove.pipeline.readers"):
        contests["datatrove"] = python(DATATROVE, jsonl)
    measure("JSONL.zst -> Parquet", jsonl_bytes, contests, rounds)
    contests = {"Athanor": lambda: timed([warc_read, warc])}
    if can_import("fastwarc.warc"):
        contests["fastwarc"] = python(FASTWARC, warc)
    if can_import("warcio.archiveiterator"):
        contests["warcio"] = python(WARCIO, warc)
    measure("WARC.gz reading", warc_bytes, contests, rounds)


if __name__ == "__main__":
    main()
