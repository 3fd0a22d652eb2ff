#!/usr/bin/env python3
"""MinHash 14 x 8 signatures over word 5-grams: ours, datatrove's, datasketch's, on the same texts in the same run.

usage: PYTHONPATH=PEERS bench/dedup.py BUILD_FOLDER DATA_FOLDER     (BUILD_FOLDER: a release build with clean_tests)

Interleaved, five rounds, one core, processor time; median, least and most. datatrove is the peer as it comes: its own
normaliser, spaCy's English words (when spaCy is there; else str.split, which is faster), xxhash 64. datasketch gets the
words by str.split after lower() and 112 permutations, by update_batch. Ours does the whole of what a run keeps: digest,
shingles, signature, 28 band keys. The peers get a part of the texts, since they are slow.
"""
import json, os, statistics, subprocess, sys, tempfile, time
from pathlib import Path

build, data = Path(sys.argv[1]).resolve(), Path(sys.argv[2])
ROUNDS, OURS_MB, PEER_MB = 5, 8, 0.5


def texts(limit):
    out, size = [], 0
    packed = subprocess.run(['zstd', '-dcq', data / 'text' / 'classics-en.jsonl.zst'], capture_output=True, check=True)
    for line in packed.stdout.decode().splitlines():
        book = json.loads(line)['text']
        for at in range(0, len(book), 4000):
            out.append(book[at:at + 4000])
            size += len(out[-1].encode())
            if size >= limit * 1e6:
                return out


def mb(some):
    return sum(len(text.encode()) for text in some) / 1e6


all_texts = texts(OURS_MB)
some, size = [], 0
for text in all_texts:
    if size < PEER_MB:
        some.append(text)
        size += mb([text])
file = tempfile.NamedTemporaryFile('w', suffix='.jsonl', delete=False)
for text in all_texts:
    file.write(json.dumps({'text': text}) + '\n')
file.close()


def ours():
    out = subprocess.run([build / 'clean_tests', '--gtest_also_run_disabled_tests',
                          '--gtest_filter=DedupBench.DISABLED_Signatures'], check=True, capture_output=True, text=True,
                         env=dict(os.environ, ATHANOR_BENCH_TEXTS=file.name)).stdout
    return next(float(line.split()[1]) for line in out.splitlines() if line.startswith('MB/s'))


def timed(function):
    start = time.process_time()
    for text in some:
        function(text)
    return mb(some) / (time.process_time() - start)


rows = {'athanor': ours}
try:
    from datatrove.pipeline.dedup.minhash import MinhashConfig, MinhashDedupSignature
    from datatrove.utils.hashing import HashConfig
    with tempfile.TemporaryDirectory() as folder:
        step = MinhashDedupSignature(folder, MinhashConfig(n_grams=5, num_buckets=14, hashes_per_bucket=8,
                                                           hash_config=HashConfig(precision=64)))
    words = 'spaCy'
    try:
        step.word_tokenizer.word_tokenize('a b c d e f g')
    except Exception:  # no spaCy here
        words = 'str.split'
        step.word_tokenizer = type('Split', (), {'word_tokenize': staticmethod(str.split)})()
    rows[f'datatrove ({words})'] = lambda: timed(lambda text: step.get_signature(step.get_shingles(text)))
    if words == 'spaCy':
        class Split:
            word_tokenize = staticmethod(str.split)

        def with_split(text, tokenizer=step.word_tokenizer):
            step.word_tokenizer = Split
            try:
                step.get_signature(step.get_shingles(text))
            finally:
                step.word_tokenizer = tokenizer
        rows['datatrove (str.split)'] = lambda: timed(with_split)
except ImportError as error:
    print('datatrove is not here:', error)
try:
    from datasketch import MinHash

    def datasketch(text):
        words = text.lower().split()
        MinHash(num_perm=112).update_batch([' '.join(words[i:i + 5]).encode() for i in range(len(words) - 4)])
    rows['datasketch (str.split)'] = lambda: timed(datasketch)
except ImportError as error:
    print('datasketch is not here:', error)

speeds = {name: [] for name in rows}
for _ in range(ROUNDS):
    for name, run in rows.items():
        speeds[name].append(run())
os.unlink(file.name)
best = statistics.median(speeds['athanor'])
for name, values in speeds.items():
    median = statistics.median(values)
    print(f'{name:24} {median:8.3f} MB/s ({min(values):.3f} to {max(values):.3f})   athanor / it: {best / median:.1f}')
