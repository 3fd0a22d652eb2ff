#!/usr/bin/env python3
"""kill -9 at random points of collect, clean, dedup, mix, describe, count, encode and predict, and the same recipe as shards: the output must be bit-identical.

    parts.py PROGRAM KILLS [SEED [MEGABYTES]]

Three ways lead to the same bytes: one process left alone, one process killed and rerun until it ends, and three
processes with shard=i/3 and a merge after each step that is cut into parts. Exit 1 at the first difference.
"""
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time

RECIPE = """name: parts
steps:
  collect: {source: texts, part_bytes: 1000000}
  clean: {from: collect, rules: [normalize, {length: {min_chars: 100}}, gopher_repetition, gopher_quality]}
  dedup: {from: clean}
  mix: {from: {all: dedup}, weights: {all: 1}, total: 2000000, max_epochs: 2}
  describe: {from: mix}
  tokenizer: {from: dedup, kind: char}
  count: {from: {documents: dedup, tokenizer: tokenizer}}
  encode: {from: {documents: dedup, tokenizer: tokenizer}}
  fit: {from: dedup, kind: ngram, ngram: {order: 2}}
  predict: {from: {documents: count, estimator: fit}}
"""
WORDS = "the of and to fire salt stone gold mercury turns into water air slowly that have with be it vessel 火 炼丹".split()


def write_texts(folder, megabytes, rng):
    os.makedirs(folder)
    for number in range(3):
        with open(os.path.join(folder, f"{number}.jsonl"), "w", encoding="utf-8") as file:
            while file.tell() < megabytes * 1_000_000 // 3:
                text = " ".join(rng.choices(WORDS, k=rng.randint(5, 2000)))
                file.write(json.dumps({"text": text, "n": rng.random()}) + "\n")


def digests(runs):
    found = {}
    for name in sorted(os.listdir(runs)):
        path = os.path.join(runs, name, "run.json")
        if not name.startswith(".") and os.path.exists(path):
            with open(path, encoding="utf-8") as file:
                info = json.load(file)
            if info["verb"] != "pipeline":
                found[info["verb"]] = (info["id"], info["status"], info["output"]["digest"])
    return found


def run(program, *arguments):
    done = subprocess.run([program, *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(arguments)}: exit {done.returncode}\n{done.stdout}")
    return done.stdout


def main():
    program = os.path.abspath(sys.argv[1])
    kills = int(sys.argv[2])
    rng = random.Random(int(sys.argv[3]) if len(sys.argv) > 3 else 7)
    megabytes = int(sys.argv[4]) if len(sys.argv) > 4 else 12
    with tempfile.TemporaryDirectory(prefix="athanor-parts-") as folder:
        os.chdir(folder)
        write_texts("texts", megabytes, rng)
        with open("r.yaml", "w", encoding="utf-8") as file:
            file.write(RECIPE)
        start = time.monotonic()
        run(program, "run", "r.yaml", "runs=alone", "threads=1")
        seconds = time.monotonic() - start
        expected = digests("alone")

        killed = 0
        while killed < kills:
            process = subprocess.Popen([program, "run", "r.yaml", "runs=killed", "threads=2"],
                                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(rng.uniform(0.05, 0.6) * seconds)
            if process.poll() is not None:
                subprocess.run(["rm", "-rf", "killed"], check=True)
                continue
            process.send_signal(signal.SIGKILL)
            process.wait()
            killed += 1
            if killed % 5 == 0:
                run(program, "run", "r.yaml", "runs=killed", "threads=2")
                if digests("killed") != expected:
                    sys.exit(f"after {killed} kills: {digests('killed')}, expected {expected}")
                subprocess.run(["rm", "-rf", "killed"], check=True)

        for _ in range(9):  # collect, measure, dedup, mix, describe, tokenizer, count, encode, predict: each is cut into parts
            workers = [subprocess.Popen([program, "run", "r.yaml", "runs=shards", f"shard={i}/3", "threads=1"],
                                        stdout=subprocess.DEVNULL) for i in range(3)]
            if any(worker.wait() != 0 for worker in workers):
                sys.exit("a shard failed")
            run(program, "merge", "r.yaml", "runs=shards")
        if digests("shards") != expected:
            sys.exit(f"shards: {digests('shards')}, expected {expected}")
    print(f"{kills} kills and 3 shards: equal, {seconds:.1f} s alone")


if __name__ == "__main__":
    main()
