#!/usr/bin/env python3
"""kill -9 at random points of a finetune run, rerun the same command, and compare with a run that was left alone.

    finetune_kill.py PROGRAM KILLS [SEED]

A network with dropout, batch normalisation's running statistics and an average of the weights; weights, statistics,
moments and event values (clocks aside) must be bit-identical. Exit 1 at the first difference.
"""
import os
import random
import sys
import tempfile

import kill_resume
from kill_resume import finish, start

RECIPE = """name: crash
steps:
  collect: {source: table.csv, fields: {text: '*'}}
  finetune:
    from: {train: collect}
    model: {family: mlp, hidden: [24, 12], norm: batch, dropout: 0.2}
    hold_out: 0.2
    steps: 60
    batch_size: 16
    micro_batch: 8
    eval_every: 10
    ema_decay: 0.9
    checkpoint_every_steps: 7
    log_every: 1
    final_weights: last
    keep_state: true
    threads: 1
"""


def finetune_dir(runs):
    names = [name for name in os.listdir(runs) if name.startswith("finetune-")] if os.path.isdir(runs) else []
    return os.path.join(runs, names[0]) if names else None


def main():
    program, kills = os.path.abspath(sys.argv[1]), int(sys.argv[2])
    rng = random.Random(int(sys.argv[3]) if len(sys.argv) > 3 else 1)
    kill_resume.pretrain_dir = finetune_dir
    with tempfile.TemporaryDirectory(prefix="athanor-crash-") as folder:
        data = random.Random(3)
        with open(os.path.join(folder, "table.csv"), "w", encoding="utf-8") as file:
            file.write("a,b,kind,label\n")
            for _ in range(200):
                a, b = data.random(), data.random()
                file.write(f"{a:.4f},{b:.4f},{data.choice('xyz')},{'yes' if a > b else 'no'}\n")
        with open(os.path.join(folder, "recipe.yaml"), "w", encoding="utf-8") as file:
            file.write(RECIPE)
        finish(start(program, folder, "whole"))
        expected = kill_resume.values(os.path.join(folder, "whole"))
        if len(expected[0]) < 60 or not any("optimizer" in name for name in expected[1]):
            sys.exit(f"the uninterrupted run left too little to compare: {len(expected[0])} events, {list(expected[1])}")
        done = attempt = 0
        while done < kills:
            runs = f"killed-{attempt}"
            attempt += 1
            while done < kills and kill_resume.kill_once(program, folder, runs, rng):
                done += 1
            finish(start(program, folder, runs))
            found = kill_resume.values(os.path.join(folder, runs))
            if found != expected:
                events = [pair for pair in zip(expected[0], found[0]) if pair[0] != pair[1]]
                files = [name for name in expected[1] if expected[1][name] != found[1].get(name)]
                sys.exit(f"after {done} kills the result differs: events {events[:1]}, files {files}")
            if attempt > 20 * kills:
                sys.exit("the run is over before it can be killed")
    print(f"{done} kills over {attempt} runs: weights, statistics, moments and events bit-identical")
    return 0


if __name__ == "__main__":
    sys.exit(main())
