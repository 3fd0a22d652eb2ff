#!/usr/bin/env python3
"""kill -9 at random points of tokenizer training, little memory, and the same recipe as shards: the same bytes.

    tokenizer_kill.py PROGRAM KILLS [SEED [MEGABYTES]]

One run left alone, one killed and run again until it ends (with another number of threads and less memory each time),
and three processes with shard=i/3 and a merge. The parts that a killed run had finished must not be counted again.
Exit 1 at the first difference.
"""
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time

WORDS = "the of and to fire salt stone gold mercury turns into water air slowly that have with be it vessel 火 炼丹".split()


def write_texts(path, megabytes, rng):
    with open(path, "w", encoding="utf-8") as file:
        while file.tell() < megabytes * 1_000_000:
            words = [rng.choice(WORDS) + (str(rng.randint(0, 10**6)) if rng.random() < 0.2 else "") for _ in range(300)]
            file.write(json.dumps({"text": " ".join(words)}) + "\n")


def digest(runs):
    for name in sorted(os.listdir(runs)):
        path = os.path.join(runs, name, "run.json")
        if name.startswith("tokenizer-") and os.path.exists(path):
            with open(path, encoding="utf-8") as file:
                info = json.load(file)
            if info["status"] == "done":
                return info["id"], info["output"]["digest"]
    return None


def run(program, *arguments):
    done = subprocess.run([program, *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(arguments)}: exit {done.returncode}\n{done.stdout}")


def parts(runs):
    found = {}
    for folder, _, files in os.walk(runs):
        if "counts.run" in files and not os.path.basename(folder).startswith("."):
            found[folder] = os.stat(os.path.join(folder, "counts.run")).st_mtime_ns
    return found


def main():
    program = os.path.abspath(sys.argv[1])
    kills = int(sys.argv[2])
    rng = random.Random(int(sys.argv[3]) if len(sys.argv) > 3 else 7)
    megabytes = int(sys.argv[4]) if len(sys.argv) > 4 else 60
    with tempfile.TemporaryDirectory(prefix="athanor-tokenizer-") as folder:
        os.chdir(folder)
        write_texts("texts.jsonl", megabytes, rng)
        run(program, "collect", "source=texts.jsonl", "runs=data")
        source = os.path.abspath(os.path.join("data", next(n for n in os.listdir("data") if n.startswith("collect-")), "out"))
        recipe = ["tokenizer", f"from={source}", "vocab_size=3000", "report_bytes=1000000"]
        start = time.monotonic()
        run(program, *recipe, "runs=alone", "threads=1")
        seconds = time.monotonic() - start
        expected = digest("alone")

        killed = kept = 0
        while killed < kills:
            before = parts("killed")
            process = subprocess.Popen([program, *recipe, "runs=killed", f"threads={rng.randint(1, 3)}",
                                        f"memory_mb={rng.choice([16, 64, 1024])}"],
                                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(rng.uniform(0.05, 0.7) * seconds)
            if process.poll() is None:
                process.send_signal(signal.SIGKILL)
                process.wait()
                killed += 1
                after = parts("killed")
                if any(after.get(path) != stamp for path, stamp in before.items()):
                    sys.exit("a part that was finished was counted again")
                kept += len(before)
            if process.returncode == 0 or killed % 4 == 0:
                run(program, *recipe, "runs=killed", "threads=2", "memory_mb=16")
                if digest("killed") != expected:
                    sys.exit(f"after {killed} kills: {digest('killed')}, expected {expected}")
                subprocess.run(["rm", "-rf", "killed"], check=True)

        workers = [subprocess.Popen([program, *recipe, "runs=shards", f"shard={i}/3", "threads=1"], stdout=subprocess.DEVNULL)
                   for i in range(3)]
        if any(worker.wait() != 0 for worker in workers):
            sys.exit("a shard failed")
        with open("r.yaml", "w", encoding="utf-8") as file:
            json.dump({"verb": "tokenizer", "from": source, "vocab_size": 3000, "report_bytes": 1000000}, file)
        run(program, "merge", "r.yaml", "runs=shards")
        if digest("shards") != expected:
            sys.exit(f"shards: {digest('shards')}, expected {expected}")
    print(f"{kills} kills ({kept} parts found again) and 3 shards: equal, {seconds:.1f} s alone")


if __name__ == "__main__":
    main()
