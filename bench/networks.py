"""Whole training steps (forward, backward, clipping, AdamW) of what bench/pretrain.py has not: other families, encoders and
the networks of finetune, against PyTorch eager and torch.compile, interleaved. One row a model; the faster of PyTorch's two
modes is the bar. Medians over rounds; the spread of the ratio is over rounds.

  PYTHONPATH=<torch, transformers> python3 bench/networks.py build/train_tests [--rounds 5] [--models a,b] [--precision fp32,bf16]

Ours makes its batches from the examples as a run does (networks; a language model's and BERT's are ready); the peer's are
ready tensors. Peak memory is of whole processes: Python, torch and transformers in the peer's.
"""
import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys

here = pathlib.Path(__file__).parent
MODELS = {
    "qwen3": "6 layers, 384 wide, T 256, 16 sequences, vocabulary 8192",
    "gemma3": "the same",
    "bert_mlm": "masked tokens and pairs, 6 layers, 384 wide, T 128, 32 rows, vocabulary 8192, dropout 0.1",
    "bert": "classification, the same",
    "lstm": "2 layers, both directions, 256 wide, T 128, batch 32",
    "mixed": "the same, lengths 8 to 128, the peer's packed",
    "gru": "2 layers, both directions, 256 wide, T 128, batch 32",
    "lstm_lm": "2 layers, 512 wide, T 64, batch 32, vocabulary 8192",
    "textcnn": "kernels 3, 4, 5 of 100, T 64, batch 64",
    "tcn": "3 blocks of 32, T 128, 8 values, batch 64",
    "cnn": "LeNet-5, 28 x 28, batch 64",
    "resnet": "recipe resnet-cifar10's, 32 x 32, batch 64",
    "resnet18": "[64, 128, 256, 512] x 2, 32 x 32, batch 64",
    "mlp": "3 x 256, 16 numbers, 4 categories, batch 256",
}
parser = argparse.ArgumentParser()
parser.add_argument("binary")
parser.add_argument("--rounds", type=int, default=5)
parser.add_argument("--threads", default="2")
parser.add_argument("--seconds", default="2", help="of steps, a process")
parser.add_argument("--models", default=",".join(MODELS))
parser.add_argument("--precision", default="fp32")
parser.add_argument("--peers", default="eager,compile")
args = parser.parse_args()


def run(command, **env):
    done = subprocess.run(command, env={**os.environ, "OMP_NUM_THREADS": args.threads, **env}, capture_output=True,
                          text=True)
    lines = [line for line in done.stdout.split("\n") if line.startswith("{")]
    if done.returncode != 0 or not lines:
        sys.exit(f"{' '.join(map(str, command))} failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return json.loads(lines[-1])


def one_round(name, precision):
    # The program itself sets how long OpenMP's threads wait for each other.
    ours = run([args.binary, "--gtest_also_run_disabled_tests", "--gtest_filter=NetworkBench*"], GOMP_SPINCOUNT="1000",
               ATHANOR_BENCH=f"{name} {precision} {args.seconds}")
    sides = {"athanor": ours}
    for peer in args.peers.split(","):
        sides[peer] = run([sys.executable, str(here / "networks_peer.py"), name, json.dumps(ours["config"]),
                           str(ours["rows"]), "--seconds", args.seconds, "--threads", args.threads] +
                          (["--bf16"] if precision == "bf16" else []) + (["--compile"] if peer == "compile" else []))
    return sides


def measure(name, precision):
    rounds = [one_round(name, precision) for _ in range(args.rounds)]
    peers = args.peers.split(",")

    def middle(side, column):
        return statistics.median(statistics.median(r[side][column]) for r in rounds)

    row = {"model": name, "what": MODELS[name], "precision": precision, "threads": args.threads, "rounds": args.rounds}
    for side in ["athanor"] + peers:
        row[side] = {"ms": middle(side, "wall") * 1e3, "cpu_ms": middle(side, "cpu") * 1e3,
                     "peak_mb": statistics.median(r[side]["peak_bytes"] for r in rounds) / 1e6,
                     "first_step": statistics.median(r[side]["first_step"] for r in rounds)}
    for column in ("wall", "cpu"):
        ratios = [min(statistics.median(r[p][column]) for p in peers) / statistics.median(r["athanor"][column]) for r in rounds]
        row[f"{column}_ratio"] = statistics.median(ratios)
        row[f"{column}_ratios"] = [min(ratios), max(ratios)]
    best = min(peers, key=lambda p: row[p]["ms"])
    row.update({"faster": best, "memory_ratio": row["athanor"]["peak_mb"] / row[best]["peak_mb"], "load": os.getloadavg()[0]})
    print(json.dumps(row), flush=True)
    print(f"| {name} {precision} | " + " | ".join(f"{row[s]['ms']:.2f} ms, {row[s]['peak_mb']:.0f} MB" for s in ["athanor"] + peers) +
          f" | {row['wall_ratio']:.2f} ({row['wall_ratios'][0]:.2f} to {row['wall_ratios'][1]:.2f}) | {row['cpu_ratio']:.2f} | "
          f"{row['memory_ratio']:.2f} |", file=sys.stderr, flush=True)


for model in args.models.split(","):
    for precision in args.precision.split(","):
        measure(model, precision)
