#!/usr/bin/env python3
"""ASHA against random search over a pretraining space: does it reach the same loss in a quarter of the training steps?

    asha.py ATHANOR TEXT [SEEDS [WORK]]         TEXT: a text file, such as tinyshakespeare.txt; SEEDS: 3; WORK: a folder to keep

Rate, batch, layers, width and weight decay of a small model on real text. Random search trains 16 trials to the end; ASHA
(1 of 4 goes on at 24 and 96 of 384 steps) tries 24, drawn at random as in its paper, and once more from TPE. Steps are those that the trials' own events tell, so pauses and resumes
are counted as they happened. Then ASHA's best trial runs once more in one piece: its weights must be the same bytes.
"""
import glob
import hashlib
import json
import os
import resource
import subprocess
import sys
import tempfile
import time

RECIPE = """seed: 1
steps:
  collect: {source: TEXT, split: paragraphs}
  split: {from: collect, valid: 0.02, test: 0}
  tokenizer: {from: split/train, vocab_size: 512}
  encode-train: {verb: encode, from: {documents: split/train, tokenizer: tokenizer}}
  encode-valid: {verb: encode, from: {documents: split/valid, tokenizer: tokenizer}}
  pretrain:
    from: {train: encode-train, valid: encode-valid, tokenizer: tokenizer}
    model: {num_layers: 2, hidden_size: 64, num_heads: 4}
    steps: 384
    batch_size: 8
    sequence_length: 64
    eval_every: 24
    eval_batches: 0      # the whole set: as many tokens whatever the batch size
    log_every: 24
    mfu: false
    on_spike: ignore
    schedule: {warmup_steps: 8}
"""
STUDY = """verb: tune
recipe: base.yaml
metric: pretrain.eval.loss
trials: TRIALS
seed: SEED
sampler: SAMPLER
pruner: PRUNER
space:
  pretrain.optimizer.lr: {log: [1e-5, 0.3]}
  pretrain.batch_size: {choice: [2, 4, 8, 16]}
  pretrain.model.num_layers: {int: [1, 3]}
  pretrain.model.hidden_size: {choice: [32, 64, 96]}
  pretrain.optimizer.weight_decay: {float: [0, 0.3], step: 0.05}
"""


def study(program, work, name, seed, trials, sampler, pruner):
    text = STUDY
    for key, value in (("TRIALS", trials), ("SEED", seed), ("SAMPLER", sampler), ("PRUNER", pruner)):
        text = text.replace(key, str(value))
    runs = os.path.join(work, f"runs-{name}-{seed}")
    with open(f"{name}-{seed}.yaml", "w", encoding="utf-8") as file:
        file.write(text)
    begin, used = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run([program, "run", f"{name}-{seed}.yaml", f"runs={runs}", "threads=1"], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0:
        sys.exit(f"{name}, seed {seed}: exit {done.returncode}\n{done.stdout[-2000:]}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    folder = glob.glob(os.path.join(runs, "tune-*", "out"))[0]
    with open(os.path.join(folder, "study.json"), encoding="utf-8") as file:
        found = json.load(file)
    best = found["trials"][found["best"][0]]
    steps, starts = 0, 0
    for path in glob.glob(os.path.join(runs, "pretrain-*", "events.jsonl")):
        with open(path, encoding="utf-8") as file:
            events = [json.loads(line) for line in file]
        steps += max(event["step"] for event in events if event["type"] == "step")
        starts += sum(event["type"] in ("started", "resumed") for event in events)
    return {"folder": folder, "best": best["values"][0], "params": best["params"], "steps": steps, "starts": starts,
            "trials": len(found["trials"]), "complete": sum(t["state"] == "complete" for t in found["trials"]),
            "wall": time.monotonic() - begin,
            "cpu": after.ru_utime + after.ru_stime - used.ru_utime - used.ru_stime}


def digest(runs):
    path = glob.glob(os.path.join(runs, "model.safetensors"))[0]
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


def in_one_piece(program, work, folder, sampler, seed):
    runs = os.path.join(work, f"runs-whole-{sampler}-{seed}")
    subprocess.run([program, "run", os.path.join(folder, "best.yaml"), f"runs={runs}", "threads=1"], check=True,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return digest(os.path.join(folder, "best")) == digest(os.path.join(runs, "pretrain-*", "out"))


def main():
    program, text = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
    seeds = int(sys.argv[3]) if len(sys.argv) > 3 else 3
    work = os.path.abspath(sys.argv[4]) if len(sys.argv) > 4 else tempfile.mkdtemp(prefix="athanor-asha-")
    os.makedirs(work, exist_ok=True)
    os.chdir(work)
    with open("base.yaml", "w", encoding="utf-8") as file:
        file.write(RECIPE.replace("TEXT", json.dumps(text)))
    reached = {}
    for seed in range(1, seeds + 1):
        every = study(program, work, "random", seed, 16, "random", "none")
        print(f"seed {seed}: random search {every['trials']} trials, {every['steps']} steps, best {every['best']:.4f}, {every['cpu']:.0f} s CPU, "
              f"{every['params']}", flush=True)
        for sampler in ("random", "tpe"):
            asha = study(program, work, "asha-" + sampler, seed, 24, sampler, "{kind: asha, reduction: 4, min_steps: 24}")
            same = in_one_piece(program, work, asha["folder"], sampler, seed)
            good = asha["best"] <= every["best"] and asha["steps"] <= every["steps"] / 4
            reached[sampler] = reached.get(sampler, 0) + (good and same)
            print(f"  ASHA over {sampler}: {asha['trials']} trials ({asha['complete']} to the end, {asha['starts'] - asha['trials']} resumed), "
                  f"{asha['steps']} steps ({asha['steps'] / every['steps']:.3f}), best {asha['best']:.4f}, {asha['cpu']:.0f} s CPU, "
                  f"{'reached' if good else 'NOT REACHED'}, in one piece {'the same weights' if same else 'OTHER WEIGHTS'}, {asha['params']}", flush=True)
    print(f"{reached} of {seeds} seeds")
    sys.exit(0 if reached["random"] == seeds else 1)


if __name__ == "__main__":
    main()
