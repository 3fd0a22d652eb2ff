#!/usr/bin/env python3
"""recipes/shakespeare-char.yaml against nanoGPT at its own CPU budget, on the same cores, one after the other.

  python3 bench/nanogpt.py --nanogpt CHECKOUT --text tinyshakespeare.txt [--athanor build/athanor] [--rounds 5]

CHECKOUT is a clone of nanoGPT; python3 must import torch, numpy, requests. Prints wall seconds and validation loss of
each run, the medians and the ratio. nanoGPT's command is the one its README gives for a CPU.
"""
import argparse
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

NANOGPT = ["train.py", "config/train_shakespeare_char.py", "--device=cpu", "--compile=False", "--eval_iters=20",
           "--log_interval=100", "--block_size=64", "--batch_size=12", "--n_layer=4", "--n_head=4", "--n_embd=128",
           "--max_iters=2000", "--lr_decay_iters=2000", "--dropout=0.0", "--dtype=float32"]


def run_nanogpt(args):
    data = os.path.join(args.nanogpt, "data/shakespeare_char")
    shutil.copy(args.text, os.path.join(data, "input.txt"))
    if not os.path.exists(os.path.join(data, "meta.pkl")):
        subprocess.run([sys.executable, "prepare.py"], cwd=data, check=True, capture_output=True)
    begin = time.monotonic()
    out = subprocess.run([sys.executable, *NANOGPT], cwd=args.nanogpt, check=True, capture_output=True, text=True).stdout
    seconds = time.monotonic() - begin
    return seconds, float(re.findall(r"val loss ([0-9.]+)", out)[-1])


def run_athanor(args, folder, step):
    """The whole recipe once, untimed; then this step alone by --force, from process start to exit."""
    recipe = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../recipes/shakespeare-char.yaml")
    words = [recipe, f"source={args.text}", "--json"]
    if not os.path.isdir(os.path.join(folder, "runs")):
        subprocess.run([args.athanor, "run", *words], cwd=folder, capture_output=True, check=True)
    plan = json.loads(subprocess.run([args.athanor, "check", *words], cwd=folder, check=True, capture_output=True,
                                     text=True).stdout)
    name = "pretrain-" + next(item["id"] for item in plan["steps"] if item["step"] == step)[:8]
    begin = time.monotonic()
    out = subprocess.run([args.athanor, "run", os.path.join("runs", name, "recipe.yaml"), "--force", "--json"],
                         cwd=folder, check=True, capture_output=True, text=True).stdout
    seconds = time.monotonic() - begin
    return seconds, json.loads(out)["steps"][0]["result"]["valid"]["loss"]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--nanogpt", required=True)
    parser.add_argument("--text", required=True)
    parser.add_argument("--athanor", default="build/athanor")
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    args.athanor, args.text = os.path.abspath(args.athanor), os.path.abspath(args.text)
    results = {"nanogpt": [], "pretrain": [], "modern": []}
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(args.rounds):
            for name in results:
                seconds, loss = run_nanogpt(args) if name == "nanogpt" else run_athanor(args, folder, name)
                results[name].append((seconds, loss))
                print(f"{name:10} {seconds:7.1f} s  validation {loss:.4f}", flush=True)
    base = statistics.median(seconds for seconds, _ in results["nanogpt"])
    for name, pairs in results.items():
        times = sorted(seconds for seconds, _ in pairs)
        middle = statistics.median(times)
        print(f"{name:10} median {middle:.1f} s ({times[0]:.1f} to {times[-1]:.1f}), validation "
              f"{statistics.median(loss for _, loss in pairs):.4f}, of nanoGPT's time {middle / base:.2f}")


if __name__ == "__main__":
    main()
