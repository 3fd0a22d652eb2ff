#!/usr/bin/env python3
"""Training of tokenizers against HF tokenizers and SentencePiece: time, and peak memory on much text.

    bench/tokenizer_train.py PROGRAM TEXT.jsonl [--rounds 5] [--large-mb 1000] [--threads 2] [--vocab 32000]

PROGRAM: athanor of a release build. TEXT.jsonl: {"text": ...} a line; the largest English one. PYTHONPATH must hold
tokenizers and sentencepiece. Each round runs every program once, in turn, as a process of its own; ours begins with the
`documents` that `collect` made (reading Parquet is counted), the peers with a text file. Printed: median seconds,
(smallest to largest), the ratio; peak resident memory of the process.

--large-mb: the text again and again, each time with every 20th word replaced by one of 100 n^0.5 made-up ones after n
words (Heaps' law); BPE of ours and of HF, once each.
"""
import argparse
import json
import multiprocessing
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time

HF = """
import sys
from tokenizers import Tokenizer, models, pre_tokenizers, trainers
tokenizer = Tokenizer(models.BPE())
tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
tokenizer.train([sys.argv[1]], trainers.BpeTrainer(vocab_size=int(sys.argv[2]), min_frequency=2, show_progress=False,
    special_tokens=["<|endoftext|>"], initial_alphabet=pre_tokenizers.ByteLevel.alphabet()))
tokenizer.save(sys.argv[3])
"""
SP = """
import sys, sentencepiece
sentencepiece.SentencePieceTrainer.train(input=sys.argv[1], model_prefix=sys.argv[3], vocab_size=int(sys.argv[2]),
    model_type=sys.argv[4], num_threads=int(sys.argv[5]), max_sentence_length=1 << 20, minloglevel=2)
"""


def measure(command, env=None):
    """Seconds, and peak memory in MB, of one process."""
    begin = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=env)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.monotonic() - begin
    if status != 0:
        sys.exit(f"{command[:3]} failed: {process.stderr.read().decode()[-2000:]}")
    return seconds, usage.ru_maxrss / 1024 * 1.048576


def made_up(number):
    number = number * 2654435761 % (1 << 32)
    word = ""
    while number:
        number, letter = divmod(number, 21)
        word += "etaoinshrdlucmfwypvbg"[letter]
    return word


def vary(path, target, out_text, out_rows):
    texts = read_texts(path)
    rng = random.Random(1)
    written = made = words_before = 0
    with open(out_text, "w", encoding="utf-8") as text_file, open(out_rows, "w", encoding="utf-8") as row_file:
        while written < target:
            for text in texts:
                words = text.split(" ")
                if made:
                    for i in range(rng.randrange(20), len(words), 20):
                        words[i] = made_up(rng.randrange(int(100 * (words_before + i) ** 0.5) + 1))
                words_before += len(words)
                text = " ".join(words)
                written += len(text.encode())
                text_file.write(text + "\n")
                row_file.write(json.dumps({"text": text}) + "\n")
                if written >= target:
                    break
            made += 1


def apart(task, *arguments):
    """In a process of its own: what is started later counts this one's memory as its own."""
    process = multiprocessing.Process(target=task, args=arguments)
    process.start()
    process.join()
    if process.exitcode != 0:
        sys.exit(f"{task.__name__} failed")


def read_texts(path):
    with open(path, encoding="utf-8") as file:
        return [json.loads(line)["text"] for line in file]


def write_plain(rows, plain):
    with open(plain, "w", encoding="utf-8") as file:
        file.write("\n".join(read_texts(rows)))


def report(name, times, memory, base=None):
    middle = statistics.median(times)
    ratio = f"  {middle / base:6.2f} x ours" if base else ""
    print(f"  {name:34} {middle:8.2f} s ({min(times):.2f} to {max(times):.2f})  {max(memory):7.0f} MB{ratio}", flush=True)
    return middle


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("texts")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--large-mb", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--vocab", type=int, default=32000)
    options = parser.parse_args()
    options.texts = os.path.abspath(options.texts)
    program = os.path.abspath(options.program)
    peer_env = dict(os.environ, RAYON_NUM_THREADS=str(options.threads))
    with tempfile.TemporaryDirectory(prefix="athanor-train-") as folder:
        plain = os.path.join(folder, "texts.txt")
        apart(write_plain, options.texts, plain)
        os.chdir(folder)
        subprocess.run([program, "collect", f"source={os.path.abspath(options.texts)}", "runs=data"], check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        source = os.path.join("data", next(n for n in os.listdir("data") if n.startswith("collect-")), "out")

        def ours(*extra):
            subprocess.run(["rm", "-rf", "made"], check=True)
            return [program, "tokenizer", f"from={source}", "runs=made", f"vocab_size={options.vocab}",
                    f"threads={options.threads}", "report_bytes=0", *extra]

        def peer(code, *extra):
            return [sys.executable, "-c", code, plain, str(options.vocab), os.path.join(folder, "peer"), *extra]

        runs = {"athanor bpe (bytes)": lambda: measure(ours()),
                "HF bpe (bytes)": lambda: measure(peer(HF), peer_env),
                "athanor bpe (sentencepiece)": lambda: measure(ours("style=sentencepiece", "min_frequency=0")),
                "SentencePiece bpe": lambda: measure(peer(SP, "bpe", str(options.threads))),
                "athanor unigram": lambda: measure(ours("kind=unigram")),
                "SentencePiece unigram": lambda: measure(peer(SP, "unigram", str(options.threads)))}
        results = {name: [] for name in runs}
        for _ in range(options.rounds):
            for name, run in runs.items():
                results[name].append(run())
        print(f"{os.path.getsize(plain) / 1e6:.1f} MB, {options.vocab} tokens, {options.threads} threads, "
              f"median of {options.rounds}")
        base = None
        for i, (name, values) in enumerate(results.items() if options.rounds else ()):
            middle = report(name, [v[0] for v in values], [v[1] for v in values], base if i % 2 else None)
            base = middle if i % 2 == 0 else None
        if options.large_mb:
            rows = os.path.join(folder, "large.jsonl")
            apart(vary, os.path.abspath(options.texts), options.large_mb * 1_000_000, plain, rows)
            size = os.path.getsize(plain)
            subprocess.run([program, "collect", f"source={rows}", "runs=large"], check=True, stdout=subprocess.DEVNULL,
                           stderr=subprocess.DEVNULL)
            os.remove(rows)
            source = os.path.join("large", next(n for n in os.listdir("large") if n.startswith("collect-")), "out")
            print(f"{size / 1e6:.0f} MB, the text with variation, once each")
            mine = measure(ours("memory_mb=64"))
            base = report("athanor bpe (bytes)", [mine[0]], [mine[1]])
            theirs = measure(peer(HF), peer_env)
            report("HF bpe (bytes)", [theirs[0]], [theirs[1]], base)
            print(f"  memory: HF {theirs[1] / mine[1]:.2f} x ours")


if __name__ == "__main__":
    main()
