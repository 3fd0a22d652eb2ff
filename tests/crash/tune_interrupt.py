#!/usr/bin/env python3
"""Ctrl-C and SIGTERM of a tuner: once is an orderly stop, twice is at once, and the same command goes on with the same study.

    tune_interrupt.py PROGRAM

Then the stopped study is continued with another space, sampler and metric: another study, and the program says so.
"""
import glob
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time

from tune_kill import RECIPE, STUDY, study, trial_processes, write_texts

STUDY = STUDY.replace("trials: 20", "trials: 10")


def journal(runs):
    for path in glob.glob(os.path.join(runs, "tune-*", "state", "study.jsonl")):
        with open(path, encoding="utf-8") as file:
            return file.read().count("\n")
    return 0


def stopped(command, runs, signals, wanted):
    """Runs until the journal has `wanted` lines and a trial runs, sends the signals; exit code, words, seconds it took to end."""
    process = subprocess.Popen([*command, "runs=" + runs], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    children = []
    while process.poll() is None and not (journal(runs) >= wanted and children):
        time.sleep(0.005)
        children = trial_processes(process.pid)
    begin = time.monotonic()
    for number in signals:
        process.send_signal(number)
        time.sleep(0.002)
    words = process.communicate()[1]
    seconds = time.monotonic() - begin
    while any(os.path.exists(f"/proc/{child}") for child in children):  # twice: they were told once, and end by themselves
        if time.monotonic() - begin > 10:
            sys.exit(f"trials {children} still run 10 s after {signals}")
        time.sleep(0.01)
    return process.returncode, words, seconds


def main():
    program = os.path.abspath(sys.argv[1])
    with tempfile.TemporaryDirectory(prefix="athanor-tune-") as folder:
        os.chdir(folder)
        write_texts(random.Random(3))
        for name, text in (("base.yaml", RECIPE), ("tune.yaml", STUDY)):
            with open(name, "w", encoding="utf-8") as file:
                file.write(text)
        command = [program, "run", "tune.yaml", "threads=1"]
        subprocess.run([*command, "runs=alone"], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        expected = study("alone")
        done = 0
        for signals, wanted in (((signal.SIGINT,), 4), ((signal.SIGTERM,), 8), ((signal.SIGINT, signal.SIGINT), 12)):
            code, words, seconds = stopped(command, "stopped", signals, wanted)
            if code == 0:
                break  # it was over before the signal
            done += 1
            if code != 130 or seconds > 10:
                sys.exit(f"{signals}: exit {code} after {seconds:.1f} s, not 130\n{words}")
            if len(signals) == 1 and "run the same command again to go on" not in words:
                sys.exit(f"{signals}: no word of how to go on\n{words}")
            if study("stopped") is not None:
                sys.exit(f"{signals}: a stopped study has a result")
        if done == 0:
            sys.exit("no signal hit: the study was too short")
        changed = STUDY.replace("[0.0001, 1]", "[0.00001, 1]").replace("  fit.fasttext.word_ngrams: {int: [1, 3]}\n", "")
        with open("changed.yaml", "w", encoding="utf-8") as file:
            file.write(changed.replace("kind: tpe", "kind: random").replace("trials: 10", "trials: 2"))
        other = subprocess.run([program, "run", "changed.yaml", "threads=1", "runs=stopped"], stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, text=True, check=False)
        for word in ("is not finished, and this is another one", "learning_rate: {log:[1e-05,1]}, before {log:[0.0001,1]}",
                     "word_ngrams is gone", "sampler: random, before tpe", "trials: 2, before 10"):
            if other.returncode != 0 or word not in other.stdout:
                sys.exit(f"another space: exit {other.returncode}, no '{word}'\n{other.stdout}")
        subprocess.run([*command, "runs=stopped"], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        found = [s for s in studies("stopped") if len(s["trials"]) == 10]
        if found != [expected]:
            sys.exit("the study that was stopped differs from the one left alone")
        print(f"{done} stops, then another space: the same 10 trials, best {expected['best']}")


def studies(runs):
    found = []
    for path in glob.glob(os.path.join(runs, "tune-*", "out", "study.json")):
        with open(path, encoding="utf-8") as file:
            found.append(json.load(file))
    return found


if __name__ == "__main__":
    main()
