#!/usr/bin/env python3
"""What a person or a disk does to a run in the middle: Ctrl-C, a damaged checkpoint, a full disk, an edited artifact.

    damage.py PROGRAM

After each, the same command goes on to the result of an undisturbed run, or says clearly why it cannot.
"""
import glob
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time

from kill_resume import finish, num_steps, prepare, start, values


def expect(condition, what):
    if not condition:
        sys.exit("FAILED: " + what)


def run(program, folder, runs, *words, limit=None):
    def limits():
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    return subprocess.run([program, "run", "recipe.yaml", f"runs={runs}", *words], cwd=folder, capture_output=True,
                          text=True, timeout=120, stdin=subprocess.DEVNULL, preexec_fn=limits if limit else None)


def interrupt(program, folder, expected):
    process = start(program, folder, "ctrl-c")
    while num_steps(os.path.join(folder, "ctrl-c")) < 5 and process.poll() is None:
        time.sleep(0.005)
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=60)
    expect(process.returncode == 130, f"Ctrl-C gives exit code {process.returncode}\n{output}")
    expect("run the same command again to go on" in output, "Ctrl-C says how to go on:\n" + output)
    listed = subprocess.run([program, "ls", "runs=ctrl-c", "verb=pretrain"], cwd=folder, capture_output=True, text=True)
    expect("paused" in listed.stdout, "the run is listed as paused:\n" + listed.stdout)
    finish(start(program, folder, "ctrl-c"))
    expect(values(os.path.join(folder, "ctrl-c")) == expected, "the result after Ctrl-C is that of an undisturbed run")


def damaged_checkpoint(program, folder, expected):
    paused = run(program, folder, "damaged", "pretrain.stop_at=30")
    expect(paused.returncode == 0 and "paused" in paused.stdout, "stop_at pauses:\n" + paused.stdout + paused.stderr)
    checkpoints = sorted(glob.glob(os.path.join(folder, "damaged/pretrain-*/state/checkpoint-*")))
    expect(len(checkpoints) >= 2, f"two checkpoints are kept: {checkpoints}")
    weights = os.path.join(checkpoints[-1], "model.safetensors")
    with open(weights, "r+b") as file:
        file.seek(os.path.getsize(weights) // 2)
        byte = file.read(1)
        file.seek(-1, os.SEEK_CUR)
        file.write(bytes([byte[0] ^ 1]))
    resumed = run(program, folder, "damaged")
    text = resumed.stdout + resumed.stderr
    expect(resumed.returncode == 0, "a damaged checkpoint is survived:\n" + text)
    expect(os.path.basename(checkpoints[-1]) in text, "the damaged checkpoint is named:\n" + text)
    expect(values(os.path.join(folder, "damaged")) == expected, "the result after a damaged checkpoint is the same")


def full_disk(program, folder, expected):
    # Files may not grow beyond the limit, as on a full disk: the first checkpoint does not fit.
    smallest = min(os.path.getsize(path) for path in glob.glob(os.path.join(folder, "whole/pretrain-*/out/checkpoint/*.safetensors")))
    run(program, folder, "full", "pretrain.stop_at=8")
    before = sorted(glob.glob(os.path.join(folder, "full/pretrain-*/state/checkpoint-*")))
    refused = run(program, folder, "full", limit=smallest // 2)
    text = refused.stdout + refused.stderr
    expect(refused.returncode == 4, f"a full disk gives exit code {refused.returncode}:\n{text}")
    expect("error: " in text and "terminate" not in text, "a full disk is a clear error:\n" + text)
    after = sorted(glob.glob(os.path.join(folder, "full/pretrain-*/state/checkpoint-*[0-9]")))
    expect(before and before[-1] in after, f"the last good checkpoint is intact: {before} {after}")
    finish(start(program, folder, "full"))
    expect(values(os.path.join(folder, "full")) == expected, "the result after a full disk is the same")


def edited_artifact(program, folder):
    path = glob.glob(os.path.join(folder, "whole/tokenizer-*/out/tokenizer.json"))[0]
    with open(path, "a", encoding="utf-8") as file:
        file.write(" ")
    refused = run(program, folder, "whole", "pretrain.steps=5")
    expect(refused.returncode == 3 and "has changed since it was made" in refused.stderr,
           "an edited artifact is refused:\n" + refused.stdout + refused.stderr)


def main():
    program = os.path.abspath(sys.argv[1])
    with tempfile.TemporaryDirectory(prefix="athanor-damage-") as folder:
        prepare(folder)
        finish(start(program, folder, "whole"))
        expected = values(os.path.join(folder, "whole"))
        interrupt(program, folder, expected)
        damaged_checkpoint(program, folder, expected)
        full_disk(program, folder, expected)
        edited_artifact(program, folder)
    print("Ctrl-C, a damaged checkpoint, a full disk and an edited artifact: all as they should be")
    return 0


if __name__ == "__main__":
    sys.exit(main())
