"""Forward and backward, Athanor against PyTorch eager, interleaved: median seconds a step, the ratio and its spread
(ratio of the medians of each round, smallest to largest).

  python3 bench/pretrain.py build/model_tests [--rounds 5]
"""
import argparse
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
parser.add_argument("--shape", default="large,char")
parser.add_argument("--precision", default="fp32,bf16")
args = parser.parse_args()
column = 1 if args.cpu else 0


def numbers(command, **env):
    out = subprocess.run(command, env={**os.environ, "OMP_NUM_THREADS": args.threads, **env}, check=True,
                         capture_output=True, text=True).stdout
    lines = [line.split() for line in out.split("\n")]
    return [float(x[column]) for x in lines if len(x) == 2 and x[0].replace(".", "", 1).isdigit()]


for shape, steps, tokens in (("large", 3, 4096), ("char", 40, 768)):
    if shape not in args.shape.split(","):
        continue
    for precision in args.precision.split(","):
        ours, peer, ratios = [], [], []
        for _ in range(args.rounds):
            a = numbers([args.binary, "--gtest_also_run_disabled_tests", "--gtest_filter=StepBench*"],
                        ATHANOR_BENCH=f"{shape} {precision} {steps}")
            b = numbers([sys.executable, str(here / "pretrain_peer.py"), "--shape", shape, "--steps", str(steps),
                         "--threads", args.threads] + (["--bf16"] if precision == "bf16" else []))
            ratios.append(statistics.median(b) / statistics.median(a))
            ours += a
            peer += b
        a, b = statistics.median(ours), statistics.median(peer)
        print(f"{shape:6}{precision:5} athanor {a * 1e3:8.2f} ms {tokens / a:8.0f} tokens/s   "
              f"pytorch {b * 1e3:8.2f} ms {tokens / b:8.0f} tokens/s   ratio {b / a:.2f} "
              f"({min(ratios):.2f} to {max(ratios):.2f} by round)", flush=True)
