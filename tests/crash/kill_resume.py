#!/usr/bin/env python3
"""kill -9 at random points of a pretraining run, rerun the same command, and compare with a run that was left alone.

    kill_resume.py PROGRAM KILLS [SEED]

Weights, moments and event values (clocks aside) must be bit-identical. Each kill ends one attempt; the next attempt
is the same command. Prints what it did; exit 1 at the first difference.
"""
import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time

STEPS = 60
CLOCKS = {"t", "seconds", "breakdown", "tokens_per_second", "examples_per_second", "mfu", "eta_seconds"}
RECIPE = """name: crash
steps:
  collect: {{source: corpus.txt, split: paragraphs}}
  split: {{from: collect, valid: 0.1, test: 0}}
  tokenizer: {{from: split/train, vocab_size: 400}}
  train: {{verb: encode, from: {{documents: split/train, tokenizer: tokenizer}}}}
  valid: {{verb: encode, from: {{documents: split/valid, tokenizer: tokenizer}}}}
  pretrain:
    from: {{train: train, valid: valid, tokenizer: tokenizer}}
    depth: 1
    steps: {steps}
    batch_size: 4
    micro_batch: 2
    sequence_length: 32
    dropout: 0.1
    eval_every: 10
    checkpoint_every_steps: 7
    keep_state: true
    threads: 1
    mfu: false
"""


def corpus(rng):
    words = ["fire", "salt", "stone", "gold", "mercury", "the", "of", "and", "turns", "into", "water", "air", "slowly"]
    paragraphs = (" ".join(rng.choice(words) for _ in range(rng.randint(20, 60))) + "." for _ in range(300))
    return "\n\n".join(paragraphs) + "\n"


def pretrain_dir(runs):
    names = [name for name in os.listdir(runs) if name.startswith("pretrain-")] if os.path.isdir(runs) else []
    return os.path.join(runs, names[0]) if names else None


def num_steps(runs):
    folder = pretrain_dir(runs)
    path = os.path.join(folder, "events.jsonl") if folder else ""
    if not os.path.exists(path):
        return 0
    with open(path, "rb") as file:
        return file.read().count(b'"type":"step"')


def start(program, folder, runs):
    return subprocess.Popen([program, "run", "recipe.yaml", f"runs={runs}"], cwd=folder, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, text=True, stdin=subprocess.DEVNULL)


def finish(process):
    output, _ = process.communicate(timeout=120)
    if process.returncode != 0:
        sys.exit(f"exit code {process.returncode}\n{output}")


def values(runs):
    """What must not differ: events without clocks, and a digest of each file of the artifact."""
    folder = pretrain_dir(runs)
    events = []
    with open(os.path.join(folder, "events.jsonl"), encoding="utf-8") as file:
        for line in file:
            event = json.loads(line)
            if event["type"] in ("step", "eval"):
                events.append({key: value for key, value in event.items() if key not in CLOCKS})
    files = {}
    for root, _, names in os.walk(os.path.join(folder, "out")):
        for name in names:
            path = os.path.join(root, name)
            if name.endswith((".safetensors", "tokenizer.json", "config.json")):
                files[os.path.relpath(path, folder)] = hashlib.sha256(open(path, "rb").read()).hexdigest()
    return events, files


def kill_once(program, folder, runs, rng):
    """Starts the command and kills it after a random number of further steps. False when it was done before that."""
    before = num_steps(os.path.join(folder, runs))
    wanted = before + rng.randint(0, 12)
    process = start(program, folder, runs)
    deadline = time.monotonic() + 60
    delay = rng.random() * 0.3
    while process.poll() is None and time.monotonic() < deadline:
        if num_steps(os.path.join(folder, runs)) > wanted:
            time.sleep(delay * 0.05)
            break
        if wanted == before and delay < 0.1:
            time.sleep(delay)  # somewhere before the first step
            break
        time.sleep(0.001)
    if process.poll() is not None:
        finish(process)
        return False
    process.send_signal(signal.SIGKILL)
    process.communicate()
    return True


def prepare(folder, steps=STEPS):
    with open(os.path.join(folder, "corpus.txt"), "w", encoding="utf-8") as file:
        file.write(corpus(random.Random(7)))
    with open(os.path.join(folder, "recipe.yaml"), "w", encoding="utf-8") as file:
        file.write(RECIPE.format(steps=steps))


def main():
    program, kills = os.path.abspath(sys.argv[1]), int(sys.argv[2])
    rng = random.Random(int(sys.argv[3]) if len(sys.argv) > 3 else 1)
    with tempfile.TemporaryDirectory(prefix="athanor-crash-") as folder:
        prepare(folder)
        finish(start(program, folder, "whole"))
        expected = values(os.path.join(folder, "whole"))
        if len(expected[0]) < STEPS or not any("optimizer" in name for name in expected[1]):
            sys.exit(f"the uninterrupted run left too little to compare: {len(expected[0])} events, {list(expected[1])}")
        done = attempt = 0
        while done < kills:
            runs = f"killed-{attempt}"
            attempt += 1
            while done < kills and kill_once(program, folder, runs, rng):
                done += 1
            finish(start(program, folder, runs))
            found = values(os.path.join(folder, runs))
            if found[0] != expected[0]:
                for a, b in zip(expected[0], found[0]):
                    if a != b:
                        sys.exit(f"after {done} kills an event differs:\n  {a}\n  {b}")
                sys.exit(f"after {done} kills: {len(found[0])} events, not {len(expected[0])}")
            if found[1] != expected[1]:
                sys.exit(f"after {done} kills the files differ:\n  {expected[1]}\n  {found[1]}")
    print(f"{done} kills over {attempt} runs: weights, moments and events bit-identical")
    return 0


if __name__ == "__main__":
    sys.exit(main())
