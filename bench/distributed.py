#!/usr/bin/env python3
"""Data parallel on one machine: 2 processes of 1 thread against 1 process of 2 threads, tokens a second of whole training
steps (6 layers, 384 wide, T 256, 16 sequences, vocabulary 8192). Rounds are interleaved; a run's figure is the median of
its steps after the second.

  python3 bench/distributed.py build/athanor [--rounds 5] [--steps 8] [--precision fp32,bf16] [--no-shard]
"""
import argparse
import glob
import json
import os
import random
import shutil
import socket
import statistics
import subprocess
import tempfile

parser = argparse.ArgumentParser()
parser.add_argument("program")
parser.add_argument("--rounds", type=int, default=5)
parser.add_argument("--steps", type=int, default=8)
parser.add_argument("--precision", default="fp32,bf16")
parser.add_argument("--no-shard", action="store_true", help="all-reduce instead of ZeRO-1")
args = parser.parse_args()
program = os.path.abspath(args.program)

RECIPE = """name: distributed
steps:
  collect: {source: corpus.txt, split: lines}
  tokenizer: {from: collect, vocab_size: 8192}
  encode: {from: {documents: collect, tokenizer: tokenizer}}
  pretrain:
    from: {train: encode, tokenizer: tokenizer}
    model: {num_layers: 6, hidden_size: 384, num_heads: 6}
    batch_size: 16
    sequence_length: 256
    document_mask: false
    mfu: false
    checkpoint_every_steps: 0
    checkpoint_every_minutes: 0
    steps: %d
"""


def corpus(path):
    rng = random.Random(1)
    words = ["".join(rng.choice("abcdefghijklmnopqrstuvwxyz") for _ in range(rng.randint(3, 9))) for _ in range(12000)]
    with open(path, "w", encoding="utf-8") as file:
        for _ in range(4000):
            file.write(" ".join(rng.choice(words) for _ in range(100)) + "\n")


def start(folder, world, threads, *arguments):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    processes = []
    for rank in range(world):
        setting = {"RANK": str(rank), "WORLD_SIZE": str(world), "LOCAL_RANK": str(rank), "LOCAL_WORLD_SIZE": str(world),
                   "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port} if world > 1 else {}
        processes.append(subprocess.Popen(
            [program, "run", "recipe.yaml", f"pretrain.threads={threads}", *arguments], cwd=folder,
            env={**os.environ, **setting, "OMP_NUM_THREADS": str(threads)}, stdout=subprocess.DEVNULL))
    for process in processes:
        if process.wait() != 0:
            raise SystemExit(f"exit code {process.returncode}")


def measure(folder, world, threads, precision):
    for old in glob.glob(os.path.join(folder, "runs", "p*-*")):
        shutil.rmtree(old)
    start(folder, world, threads, f"pretrain.precision={precision}",
          f"pretrain.shard_optimizer={'false' if args.no_shard else 'true'}")
    run = glob.glob(os.path.join(folder, "runs", "pretrain-*"))[0]
    with open(os.path.join(run, "events.jsonl"), encoding="utf-8") as file:
        steps = [event for event in map(json.loads, file) if event["type"] == "step"][2:]
    exchange = statistics.median(event["breakdown"]["exchange"] for event in steps)
    return statistics.median(event["tokens_per_second"] for event in steps), exchange


with tempfile.TemporaryDirectory(prefix="athanor-bench-") as folder:
    corpus(os.path.join(folder, "corpus.txt"))
    with open(os.path.join(folder, "recipe.yaml"), "w", encoding="utf-8") as file:
        file.write(RECIPE % args.steps)
    for precision in args.precision.split(","):
        one, two, ratios, waits = [], [], [], []
        for _ in range(args.rounds):
            one.append(measure(folder, 1, 2, precision)[0])
            speed, wait = measure(folder, 2, 1, precision)
            two.append(speed)
            waits.append(wait)
            ratios.append(two[-1] / one[-1])
        print(f"{precision}: 1 process x 2 threads {statistics.median(one):.0f} tokens/s, 2 processes x 1 thread "
              f"{statistics.median(two):.0f}; ratio {statistics.median(ratios):.3f} ({min(ratios):.3f} to "
              f"{max(ratios):.3f}); waiting for the other {1000 * statistics.median(waits):.0f} ms a step", flush=True)
