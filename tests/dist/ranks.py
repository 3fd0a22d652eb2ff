#!/usr/bin/env python3
"""Several processes at one pretraining run, started with a launcher's variables: what must hold.

    ranks.py PROGRAM same_loss   1, 2 and 4 ranks learn alike from the same batches
    ranks.py PROGRAM resume      5 + 5 steps of 2 ranks are 10, bit for bit; and 2 go on as 4, then as 1
    ranks.py PROGRAM kill        kill -9 of a rank: the others name it, exit, and the next start goes on
    ranks.py PROGRAM stop        SIGSTOP of a rank: the same after rank_timeout
    ranks.py PROGRAM kill_first, stop_first    the same of rank 0, which holds the store and writes the run
    ranks.py PROGRAM interrupt   Ctrl-C at one rank pauses all: the state is saved, exit code 130 everywhere
    ranks.py PROGRAM devices     rank 0 has all ranks look for a recipe's devices before the first step
    ranks.py PROGRAM torchrun    the same loss under torchrun, where it is installed (else exit code 77)
"""
import glob
import hashlib
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "crash"))
from kill_resume import CLOCKS, corpus, num_steps, pretrain_dir  # noqa: E402

STEPS = 10
# Measured over these steps: 2e-7 relative at worst. Ranks that take one piece each are bit for bit an accumulation of
# those pieces (train/parallel_test.cc); against one piece for the whole batch, products are summed in another order.
BOUND = 1e-5
LIMIT = 60
RECIPE = f"""name: ranks
steps:
  collect: {{source: corpus.txt, split: paragraphs}}
  split: {{from: collect, valid: 0.1, test: 0}}
  tokenizer: {{from: split/train, vocab_size: 400}}
  train: {{verb: encode, from: {{documents: split/train, tokenizer: tokenizer}}}}
  valid: {{verb: encode, from: {{documents: split/valid, tokenizer: tokenizer}}}}
  pretrain:
    from: {{train: train, valid: valid, tokenizer: tokenizer}}
    depth: 2
    steps: {STEPS}
    batch_size: 8
    sequence_length: 32
    eval_every: 5
    keep_state: true
    threads: 1
    mfu: false
"""


def fail(text):
    sys.exit("ranks.py: " + text)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Ranks:
    """The processes of one start."""

    def __init__(self, program, folder, world, *arguments):
        command = [program, "run", "recipe.yaml", *arguments]
        port = str(free_port())
        self.processes = []
        for rank in range(world):
            setting = {"RANK": str(rank), "WORLD_SIZE": str(world), "LOCAL_RANK": str(rank), "MASTER_ADDR": "127.0.0.1",
                       "MASTER_PORT": port} if world > 1 else {}
            self.processes.append(subprocess.Popen(command, cwd=folder, env={**os.environ, **setting}, text=True,
                                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                                   stdin=subprocess.DEVNULL))

    def wait(self, but=()):
        """[(exit code, stdout, stderr)] of all but those; nobody may outlive the limit."""
        results = []
        for rank, process in enumerate(self.processes):
            if rank in but:
                results.append(None)
                continue
            try:
                out, err = process.communicate(timeout=LIMIT)
            except subprocess.TimeoutExpired:
                self.end()
                fail(f"rank {rank} did not end within {LIMIT} s")
            results.append((process.returncode, out, err))
        return results

    def end(self):
        for process in self.processes:
            if process.poll() is None:
                process.kill()
                process.communicate()


def run(program, folder, world, *arguments):
    for rank, (code, out, err) in enumerate(Ranks(program, folder, world, *arguments).wait()):
        if code != 0:
            fail(f"rank {rank} of {world} ended with {code}\n{out}{err}")


def prepare(program, folder):
    with open(os.path.join(folder, "corpus.txt"), "w", encoding="utf-8") as file:
        file.write(corpus(random.Random(7)))
    with open(os.path.join(folder, "recipe.yaml"), "w", encoding="utf-8") as file:
        file.write(RECIPE)
    run(program, folder, 1, "pretrain.stop_at=1")  # everything before pretrain is done once
    for path in glob.glob(os.path.join(folder, "runs", "p*-*")):
        shutil.rmtree(path)


def fresh(folder, name):
    """A folder with the first steps done."""
    copy = os.path.join(os.path.dirname(folder), name)
    shutil.copytree(folder, copy)
    return copy


def info(folder):
    with open(os.path.join(pretrain_dir(os.path.join(folder, "runs")), "run.json"), encoding="utf-8") as file:
        return json.load(file)


def events(folder):
    with open(os.path.join(pretrain_dir(os.path.join(folder, "runs")), "events.jsonl"), encoding="utf-8") as file:
        lines = [json.loads(line) for line in file]
    return [{key: value for key, value in line.items() if key not in CLOCKS} for line in lines
            if line["type"] in ("step", "eval")]


def losses(folder):
    found = [(event["type"], event["step"], event["loss"]) for event in events(folder)]
    if len(found) != STEPS + 2:
        fail(f"{len(found)} events, not {STEPS + 2}: {found}")
    return found


def digests(folder):
    out = os.path.join(pretrain_dir(os.path.join(folder, "runs")), "out")
    return {path[len(out):]: hashlib.sha256(open(path, "rb").read()).hexdigest()
            for path in glob.glob(out + "/**/*.safetensors", recursive=True)}


def expect_near(a, b, what):
    worst = 0
    for one, other in zip(losses(a), losses(b)):
        if one[:2] != other[:2]:
            fail(f"{what}: {one} against {other}")
        worst = max(worst, abs(one[2] - other[2]) / abs(one[2]))
    if worst > BOUND:
        fail(f"{what}: losses differ by {worst:.2e}, more than {BOUND:.0e}")
    print(f"{what}: losses differ by {worst:.1e} at most")


def same_loss(program, folder):
    for world in (1, 2, 4):
        run(program, fresh(folder, f"world-{world}"), world)
    base = os.path.dirname(folder)
    for world in (2, 4):
        expect_near(os.path.join(base, "world-1"), os.path.join(base, f"world-{world}"), f"1 rank and {world}")
    first = pretrain_dir(os.path.join(base, "world-2", "runs"))
    if not os.path.exists(os.path.join(first, "events.1.jsonl")):
        fail("rank 1 left no events.1.jsonl")


def resume(program, folder):
    whole, parts, moved = (fresh(folder, name) for name in ("whole", "parts", "moved"))
    run(program, whole, 2)
    run(program, parts, 2, "pretrain.stop_at=5")
    run(program, parts, 2)
    if events(whole) != events(parts) or digests(whole) != digests(parts) or len(digests(whole)) < 3:
        fail(f"5 + 5 steps of 2 ranks are not 10:\n{events(whole)}\n{events(parts)}\n{digests(whole)}\n{digests(parts)}")
    print("5 + 5 steps of 2 ranks are 10, bit for bit")
    run(program, moved, 2, "pretrain.stop_at=3")
    run(program, moved, 4, "pretrain.stop_at=7")
    run(program, moved, 1)
    expect_near(whole, moved, "2 ranks all along and 2, then 4, then 1")


def disturb(program, folder, victim, send, arguments, named_within):
    whole, hurt = fresh(folder, "whole"), fresh(folder, "hurt")
    run(program, whole, 2, "pretrain.checkpoint_every_steps=2")
    arguments = ["pretrain.checkpoint_every_steps=2", *arguments]
    ranks = Ranks(program, hurt, 2, *arguments)
    begin = time.monotonic()
    while num_steps(os.path.join(hurt, "runs")) < 4:
        if ranks.processes[0].poll() is not None or time.monotonic() - begin > LIMIT:
            fail(f"no fourth step: {ranks.wait()}")
        time.sleep(0.001)
    ranks.processes[victim].send_signal(send)
    begin = time.monotonic()
    code, _, err = ranks.wait(but=[victim])[1 - victim]
    took = time.monotonic() - begin
    ranks.end()
    if code == 0 and num_steps(os.path.join(hurt, "runs")) == STEPS:
        print("the run was done before the signal came")
        return
    said = "rank 1 has died or hangs" if victim == 1 else "rank 0, which holds the store, does not answer"
    if code == 0 or said not in err or "waits in step" not in err:
        fail(f"rank {1 - victim} ended with {code} and said:\n{err}")
    if took > named_within:
        fail(f"rank {victim} was named after {took:.1f} s, not within {named_within}")
    what = info(hurt)
    if victim == 1 and (what["status"] != "failed" or "rank 1" not in what["error"]["what"]):
        fail(f"run.json says {what['status']}, {what.get('error')}")
    print(f"named after {took:.1f} s: {err.splitlines()[0]}")
    run(program, hurt, 2, *arguments)
    if events(whole) != events(hurt) or digests(whole)["/model.safetensors"] != digests(hurt)["/model.safetensors"]:
        fail("the run that went on differs from the one that was left alone")
    print("the next start went on, to the same bits")


def interrupt(program, folder):
    for send, victim in ((signal.SIGINT, 1), (signal.SIGTERM, 2), (signal.SIGINT, 0)):
        paused = fresh(folder, f"paused-{victim}")
        ranks = Ranks(program, paused, 3, "pretrain.steps=2000")
        begin = time.monotonic()
        while num_steps(os.path.join(paused, "runs")) < 3:
            if ranks.processes[0].poll() is not None or time.monotonic() - begin > LIMIT:
                fail(f"no third step: {ranks.wait()}")
            time.sleep(0.001)
        ranks.processes[victim].send_signal(send)
        results = ranks.wait()
        if [code for code, _, _ in results] != [130] * 3 or any("has died" in err or "rank 2:" in err for _, _, err in results):
            fail(f"{send.name} at rank {victim}: {results}")
        if info(paused)["status"] != "paused":
            fail(f"run.json says {info(paused)['status']}")
    step = max(event["step"] for event in events(paused))
    run(program, paused, 3, "pretrain.steps=2000", f"pretrain.stop_at={step + 2}")
    print("a signal at any rank pauses all three, and they go on")


def devices(program, folder):
    run(program, fresh(folder, "auto"), 2, "pretrain.device=auto")
    refused = fresh(folder, "refused")
    results = Ranks(program, refused, 2, "pretrain.device=cuda:99", "tokenizer.vocab_size=401").wait()
    if any(code in (0, 70) for code, _, _ in results) or "cuda:99" not in results[0][2]:
        fail(f"a device that two cannot share: {results}")
    if len(glob.glob(os.path.join(refused, "runs", "tokenizer-*"))) != 1:
        fail("steps were run before the device was looked for")
    print("a device that cannot be had is told before the first step")


def torchrun(program, folder):
    command = shutil.which("torchrun")
    start = [command] if command else [sys.executable, "-m", "torch.distributed.run"]
    if not command and subprocess.run([sys.executable, "-c", "import torch.distributed.run"], capture_output=True).returncode:
        print("no torchrun here")
        sys.exit(77)
    one, two = fresh(folder, "one"), fresh(folder, "two")
    run(program, one, 1)
    done = subprocess.run([*start, "--no-python", "--nproc-per-node=2", f"--master-port={free_port()}", program, "run",
                           "recipe.yaml"], cwd=two, capture_output=True, text=True, timeout=LIMIT)
    if done.returncode != 0:
        fail(f"torchrun ended with {done.returncode}\n{done.stdout}{done.stderr}")
    expect_near(one, two, "one process and torchrun's two")


def main():
    program, what = os.path.abspath(sys.argv[1]), sys.argv[2]
    with tempfile.TemporaryDirectory(prefix="athanor-ranks-") as base:
        folder = os.path.join(base, "prepared")
        os.mkdir(folder)
        prepare(program, folder)
        victim = 0 if what.endswith("_first") else 1
        if what.startswith("kill"):
            disturb(program, folder, victim, signal.SIGKILL, [], 30)
        elif what.startswith("stop"):
            disturb(program, folder, victim, signal.SIGSTOP, ["pretrain.rank_timeout=2"], 20)
        else:
            {"same_loss": same_loss, "resume": resume, "interrupt": interrupt, "devices": devices, "torchrun": torchrun}[what](program, folder)


if __name__ == "__main__":
    main()
