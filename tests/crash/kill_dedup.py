#!/usr/bin/env python3
"""kill -9 at random points of dedup and decontaminate, rerun the same command, and compare with a run left alone.

    kill_dedup.py PROGRAM KILLS [DOCUMENTS] [SEED]     (DOCUMENTS: 120000)

The digest of out/ must be the same, whatever the number of threads of each attempt. Prints what it did, and how many
parts of the first phase the killed attempts left to the next; exit 1 at the first difference.
"""
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

program, kills = os.path.abspath(sys.argv[1]), int(sys.argv[2])
documents = int(sys.argv[3]) if len(sys.argv) > 3 else 120000
rng = random.Random(int(sys.argv[4]) if len(sys.argv) > 4 else 1)


def corpus(path, sets):
    words = ["".join(rng.choice("abcdefghijklmnop") for _ in range(rng.randint(2, 9))) for _ in range(20000)]
    texts = []
    with open(sets, "w") as out:
        items = [" ".join(rng.choice(words) for _ in range(rng.choice([8, 20, 40]))) for _ in range(300)]
        for item in items:
            out.write(json.dumps({"text": item}) + "\n")
    with open(path, "w") as out:
        for i in range(documents):
            if texts and rng.random() < 0.2:
                text = rng.choice(texts).split(" ")
                text[rng.randrange(len(text))] = rng.choice(words)
                text = " ".join(text)
            else:
                text = " ".join(rng.choices(words, k=100))
            if rng.random() < 0.001:
                text += " " + rng.choice(items)
            if len(texts) < 20000:
                texts.append(text)
            out.write(json.dumps({"text": text}) + "\n")


def the_run(verb):
    names = [name for name in os.listdir("runs") if name.startswith(verb + "-")]
    return os.path.join("runs", names[0]) if names else None


def digest(verb):
    with open(os.path.join(the_run(verb), "run.json")) as file:
        return json.load(file)["output"]["digest"]


def command(arguments, threads):
    return [program, *arguments, f"threads={threads}"]


def attempt(arguments, threads, seconds=None):
    """True when it came to its end."""
    process = subprocess.Popen(command(arguments, threads), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        _, err = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
        process.communicate()
        return False
    if process.returncode != 0:
        sys.exit(f"{arguments} failed: {err.decode()}")
    return True


def parts_left(verb):
    folder = the_run(verb) and os.path.join(the_run(verb), "state", "parts")
    return len([name for name in os.listdir(folder) if name.startswith("part")]) if folder and os.path.isdir(folder) else 0


def check(verb, arguments):
    start = time.time()
    attempt(arguments, 2)
    whole = time.time() - start
    expected = digest(verb)
    left, done = [], 0
    while done < kills:
        shutil.rmtree(the_run(verb))
        for _ in range(6):
            if attempt(arguments, rng.choice([1, 2, 3]), rng.uniform(0.1, 1.2) * whole):
                break
            done += 1
            left.append(parts_left(verb))
        attempt(arguments, 2)
        if digest(verb) != expected:
            sys.exit(f"{verb}: {digest(verb)} after {done} kills, {expected} without")
    print(f"{' '.join(arguments)}: {done} kills, the same bytes ({expected[:12]}); {whole:.1f} s when left alone; "
          f"parts that kills left: {left}", flush=True)


with tempfile.TemporaryDirectory() as folder:
    os.chdir(folder)
    corpus("corpus.jsonl", "sets.jsonl")
    subprocess.run([program, "collect", "source=corpus.jsonl"], check=True, stdout=subprocess.DEVNULL)
    collected = os.path.basename(the_run("collect"))
    os.rename("runs/" + collected, "kept-corpus")
    subprocess.run([program, "collect", "source=sets.jsonl"], check=True, stdout=subprocess.DEVNULL)
    sets = os.path.basename(the_run("collect"))
    os.rename("kept-corpus", "runs/" + collected)
    check("dedup", ["dedup", f"from={collected}"])
    shutil.rmtree(the_run("dedup"))
    check("dedup", ["dedup", f"from={collected}", "unit=passage", "min_words=30"])
    check("decontaminate", ["decontaminate", f"from={{documents: {collected}, against: {sets}}}", "action=mask"])
