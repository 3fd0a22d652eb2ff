"""Whole training steps (forward, backward, clipping, AdamW), Athanor against PyTorch eager and torch.compile, interleaved.
The faster of PyTorch's two modes is the bar. Medians; the spread of the ratio is over rounds. torch.compile wants g++.

  PYTHONPATH=<torch> python3 bench/pretrain.py build/train_tests [--rounds 5] [--shape a,b] [--precision fp32,bf16]

Shapes (GPT-2's block): a = 6 layers, 384 wide, T 256, 16 sequences, vocabulary 8192; b = GPT-2 small, T 512, 4 sequences,
vocabulary 50304; char, llama: see pretrain_peer.py. MFU: (6 N + 12 L C T) FLOPs a token against the rate of a 1024^3
product measured in the same process.
"""
import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys

here = pathlib.Path(__file__).parent
parser = argparse.ArgumentParser()
parser.add_argument("binary")
parser.add_argument("--rounds", type=int, default=5)
parser.add_argument("--threads", default="2")
parser.add_argument("--cpu", action="store_true",
                    help="compare processor time (for a busy machine; give --threads 1 with it)")
parser.add_argument("--shape", default="a,b")
parser.add_argument("--precision", default="fp32,bf16")
parser.add_argument("--peers", default="eager,compile")
parser.add_argument("--recompute", default="none", help="ours: none, mlp or block")
parser.add_argument("--state", default="fp32", help="our optimiser's state: fp32 or bf16")
args = parser.parse_args()
column = "cpu" if args.cpu else "wall"
STEPS = {"a": 4, "b": 2, "llama": 4, "char": 40}


def run(command, **env):
    done = subprocess.run(command, env={**os.environ, "OMP_NUM_THREADS": args.threads, **env}, capture_output=True,
                          text=True)
    lines = [line for line in done.stdout.split("\n") if line.startswith("{")]
    if done.returncode != 0 or not lines:
        sys.exit(f"{' '.join(map(str, command))} failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return json.loads(lines[-1])


def side(name, shape, precision):
    steps = STEPS[shape]
    if name == "athanor":
        return run([args.binary, "--gtest_also_run_disabled_tests", "--gtest_filter=StepBench*"],
                   ATHANOR_BENCH=f"{shape} {precision} {steps} {args.recompute} {args.state}")
    return run([sys.executable, str(here / "pretrain_peer.py"), "--shape", shape, "--steps", str(steps), "--threads",
                args.threads] + (["--bf16"] if precision == "bf16" else []) +
               (["--compile"] if name == "compile" else []))


def measure(shape, precision):
    names = ["athanor"] + args.peers.split(",")
    rounds = [{name: side(name, shape, precision) for name in names} for _ in range(args.rounds)]
    seconds = {name: statistics.median(x for r in rounds for x in r[name][column]) for name in names}
    memory = {name: statistics.median(r[name]["peak_bytes"] for r in rounds) / 1e6 for name in names}
    first = {name: statistics.median(r[name]["first_step"] for r in rounds) for name in names}
    gemm = {name: statistics.median(r[name]["gemm"] for r in rounds) for name in names}
    flops = rounds[0]["athanor"]["flops"]
    for name in names:
        print(f"{shape:6}{precision:5}{name:8} {seconds[name] * 1e3:9.1f} ms "
              f"{rounds[0][name]['tokens'] / seconds[name]:8.0f} tokens/s  peak {memory[name]:6.0f} MB  "
              f"first step {first[name]:5.1f} s  product {gemm[name] / 1e9:4.0f} GFLOP/s  "
              f"MFU {flops / seconds[name] / gemm['athanor']:.0%} of ours", flush=True)
    best = min(names[1:], key=seconds.get)
    ratios = [min(statistics.median(r[n][column]) for n in names[1:]) / statistics.median(r["athanor"][column])
              for r in rounds]
    print(f"{shape:6}{precision:5}ratio to the faster ({best}) {seconds[best] / seconds['athanor']:.2f} "
          f"({min(ratios):.2f} to {max(ratios):.2f} by round), memory {memory['athanor'] / memory[best]:.2f} of its, "
          f"{args.threads} threads, {column} time", flush=True)


for shape in args.shape.split(","):
    for precision in args.precision.split(","):
        measure(shape, precision)
