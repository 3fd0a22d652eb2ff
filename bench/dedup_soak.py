#!/usr/bin/env python3
"""Near-duplicate search at size: time and peak memory of `athanor dedup` on synthetic documents.

usage: bench/dedup_soak.py BUILD_FOLDER SCRATCH_FOLDER [DOCUMENTS] [MEMORY_MB]     (10000000, 1024)

Of every ten documents seven are unlike all others, one equals the first but for a letter's case, two are the first
with one word in about a hundred changed (Jaccard of 5-grams 0.90). So 0.1 of all are exact duplicates and 0.2 near
ones (the two may be alike each other as well); what the run reports is compared with that.
"""
import json, os, resource, subprocess, sys, time
from pathlib import Path

build, scratch = Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve()
documents = int(sys.argv[3]) if len(sys.argv) > 3 else 10_000_000
memory_mb = int(sys.argv[4]) if len(sys.argv) > 4 else 1024
folder = scratch / f'documents-{documents}'
if not (folder / 'documents.json').exists():
    start = time.time()
    env = dict(os.environ, ATHANOR_SOAK_FOLDER=str(folder), ATHANOR_SOAK_DOCUMENTS=str(documents))
    subprocess.run([build / 'clean_tests', '--gtest_also_run_disabled_tests', '--gtest_filter=DedupBench.*MakeDocuments'],
                   check=True, env=env, stdout=subprocess.DEVNULL)
    print(f'made {documents:,} documents in {time.time() - start:.0f} s', flush=True)

start = time.time()
process = subprocess.Popen([build / 'athanor', 'dedup', f'from={folder}', f'memory_mb={memory_mb}', '--json', '--force'],
                           cwd=scratch, stdout=subprocess.PIPE, text=True)
pid, status, usage = os.wait4(process.pid, 0)
seconds = time.time() - start
out = process.stdout.read()
if status != 0:
    sys.exit(f'athanor dedup failed:\n{out}')
newest = max((scratch / 'runs').glob('dedup-*'), key=lambda path: path.stat().st_mtime)
result = json.loads((newest / 'run.json').read_text())['result']
print(json.dumps({
    'documents': documents, 'memory_mb': memory_mb, 'seconds': round(seconds, 1),
    'documents_per_second': round(documents / seconds),
    'text_mb_per_second': round(result['text_bytes_in'] / seconds / 1e6, 1),
    'cpu_seconds': round(usage.ru_utime + usage.ru_stime, 1),
    'peak_rss_mb': usage.ru_maxrss // 1024,
    'kept': result['documents'], 'exact_duplicates': result['exact_duplicates'],
    'near_duplicates': result['near_duplicates'], 'compared': result['candidate_pairs'],
    'expected_exact': documents // 10, 'expected_near': documents // 5}, indent=1))
