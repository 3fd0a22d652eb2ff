"""Our kernels against ATen's own operators, forward and backward, in one process, taken in turn: medians of seven.

  python3 bench/kernels.py build/train_tests [--threads 1]
"""
import argparse
import json
import os
import subprocess

parser = argparse.ArgumentParser()
parser.add_argument("binary")
parser.add_argument("--threads", default="1", help="processor time is compared: one thread where the machine is busy")
args = parser.parse_args()
out = subprocess.run([args.binary, "--gtest_also_run_disabled_tests", "--gtest_filter=KernelBench*"], check=True,
                     env={**os.environ, "OMP_NUM_THREADS": args.threads}, capture_output=True, text=True).stdout
print(f"{'kernel':58} athanor ms   ATen ms  ratio")
for line in out.split("\n"):
    if line.startswith("{"):
        row = json.loads(line)
        what = " ".join([row["kernel"]] + [f"{k}={row[k]:.3g}" if isinstance(row[k], float) else f"{k}={row[k]}"
                                           for k in ("dtype", "vocab", "state", "share_of_logits") if k in row])
        print(f"{what:58} {row['athanor'] * 1e3:10.2f} {row['aten'] * 1e3:9.2f} {row['ratio']:6.2f}")
