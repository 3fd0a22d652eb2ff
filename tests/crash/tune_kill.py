#!/usr/bin/env python3
"""kill -9 of a tuner, and of its trials, at random points: the same command goes on, and the study is the same.

    tune_kill.py PROGRAM KILLS [SEED]

One study left alone and one killed (every second time a trial of its own instead), with two trials at a time. Exit 1 at the
first difference.
"""
import json
import glob
import os
import random
import signal
import subprocess
import sys
import tempfile
import time

RECIPE = """steps:
  collect: {source: texts.jsonl}
  split: {from: collect, valid: 0.3, test: 0, by: fraction}
  fit: {from: {documents: split/train, valid: split/valid}, fasttext: {dim: 16, epochs: 20, bucket: 20000}}
"""
STUDY = """verb: tune
recipe: base.yaml
metric: fit.valid_accuracy
trials: 20
parallel: 2
sampler: {kind: tpe, startup: 4}
space:
  fit.fasttext.learning_rate: {log: [0.0001, 1]}
  fit.fasttext.epochs: {int: [5, 40]}
  fit.fasttext.word_ngrams: {int: [1, 3]}
"""


def study(runs):
    for path in glob.glob(os.path.join(runs, "tune-*", "out", "study.json")):
        with open(path, encoding="utf-8") as file:
            return json.load(file)
    return None


def trial_processes(parent):
    found = []
    for path in glob.glob("/proc/[0-9]*/stat"):
        try:
            with open(path, encoding="utf-8") as file:
                fields = file.read().rsplit(")", 1)[1].split()
            if int(fields[1]) == parent:
                found.append(int(path.split("/")[2]))
        except (OSError, IndexError):
            pass
    return found


def write_texts(rng):
    with open("texts.jsonl", "w", encoding="utf-8") as file:
        for _ in range(1500):
            label = rng.random() < 0.5
            words = [rng.choice("abcdefgh") + rng.choice("ao" if label else "eo") for _ in range(30)]
            file.write(json.dumps({"text": " ".join(words), "label": "yes" if label else "no"}) + "\n")


def main():
    program = os.path.abspath(sys.argv[1])
    kills = int(sys.argv[2])
    rng = random.Random(int(sys.argv[3]) if len(sys.argv) > 3 else 3)
    with tempfile.TemporaryDirectory(prefix="athanor-tune-") as folder:
        os.chdir(folder)
        write_texts(rng)
        for name, text in (("base.yaml", RECIPE), ("tune.yaml", STUDY)):
            with open(name, "w", encoding="utf-8") as file:
                file.write(text)
        command = [program, "run", "tune.yaml", "threads=1"]
        start = time.monotonic()
        done = subprocess.run([*command, "runs=alone"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        seconds = time.monotonic() - start
        if done.returncode != 0:
            sys.exit(f"left alone: exit {done.returncode}\n{done.stdout}")
        expected = study("alone")
        killed = starts = 0
        for round in range(8):  # a study that ends before its kills came is done again, with shorter waits
            wanted = kills - killed
            runs = f"killed{round}"
            for attempt in range(100):
                process = subprocess.Popen([*command, "runs=" + runs], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
                starts += 1
                if killed < kills:
                    time.sleep(rng.uniform(0.03, 0.6 / wanted) * seconds / (round + 1))
                    trials = trial_processes(process.pid)
                    if process.poll() is None and killed % 2 == 1 and trials:
                        for trial in trials:
                            os.kill(trial, signal.SIGKILL)
                        killed += 1
                    elif process.poll() is None:
                        process.send_signal(signal.SIGKILL)
                        killed += 1
                error = process.communicate()[1]
                if process.returncode == 0:
                    break
                if process.returncode != -signal.SIGKILL:
                    sys.exit(f"after {killed} kills: exit {process.returncode}\n{error}")
            found = study(runs)
            if found != expected:
                for a, b in zip(expected["trials"], (found or {"trials": []})["trials"]):
                    if a != b:
                        print("alone ", a, "\nkilled", b)
                sys.exit(f"the study differs after {killed} kills")
            if killed >= kills:
                break
        if killed < kills:
            sys.exit(f"only {killed} of {kills} kills hit: the study was too short")
        print(f"{killed} kills in {starts} starts: the same {len(found['trials'])} trials, best {found['best']}")


if __name__ == "__main__":
    main()
