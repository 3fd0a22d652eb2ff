"""Main text of web pages: agreement with gold text, and pages a second on one core, ours against trafilatura and
resiliparse on the pages of article-extraction-benchmark. Rounds are interleaved; times are processor time of one thread.

  cmake --build build --target html_extract
  PYTHONPATH=<trafilatura, resiliparse> python3 bench/html_pages.py build/html_extract FOLDER [--rounds 5]

FOLDER holds html/*.html and ground-truth.json. The rules were developed on one half of the pages (html_score.py says
which); the other half was looked at only as a number. Ours reads bytes, the peers get decoded text. Resiliparse is
asked for the main content without its list bullets and link targets, trafilatura for no comments: what the
benchmark's own runs ask.
"""
import argparse
import json
import pathlib
import statistics
import subprocess
import time
from importlib.metadata import version

import html_score
import trafilatura
from resiliparse.extract.html2text import extract_plain_text

parser = argparse.ArgumentParser()
parser.add_argument("binary")
parser.add_argument("folder", type=pathlib.Path)
parser.add_argument("--rounds", type=int, default=5)
parser.add_argument("--out", type=pathlib.Path, help="write our texts as that benchmark's evaluate.py wants them")
args = parser.parse_args()


def ours(rounds):
    out = subprocess.run([args.binary, str(args.folder / "html"), str(rounds)], check=True, capture_output=True, text=True)
    rows = [json.loads(line) for line in out.stdout.splitlines()]
    texts = {row["id"]: row["text"] for row in rows if "id" in row}
    return texts, [row["seconds"] for row in rows if "seconds" in row]


def timed(extract, pages):
    start = time.process_time()
    texts = {name: extract(page) or "" for name, page in pages.items()}
    return texts, time.process_time() - start


def trafilatura_text(page):
    return trafilatura.extract(page, include_comments=False)


def resiliparse_text(page):
    return extract_plain_text(page, main_content=True, list_bullets=False, links=False, alt_texts=False)


def main():
    gold = {name: row["articleBody"] for name, row in json.load(open(args.folder / "ground-truth.json")).items()}
    raw = {path.stem: path.read_bytes() for path in sorted((args.folder / "html").glob("*.html"))}
    pages = {name: page.decode("utf-8", "replace") for name, page in raw.items()}
    peers = {f"trafilatura {version('trafilatura')}": trafilatura_text,
             f"resiliparse {version('resiliparse')}": resiliparse_text}
    names = ["athanor", *peers]
    texts, seconds = {}, {name: [] for name in names}
    for _ in range(args.rounds):
        texts["athanor"], took = ours(1)
        seconds["athanor"] += took
        for name, extract in peers.items():
            texts[name], took = timed(extract, pages)
            seconds[name].append(took)
    size = sum(len(page) for page in raw.values())
    print(f"{len(raw)} pages, {size / 1e6:.1f} MB, medians of {args.rounds} rounds")
    parts = {"all": list(gold), "developed on": [name for name in gold if html_score.is_development(name)],
             "held out": [name for name in gold if not html_score.is_development(name)]}
    for part, members in parts.items():
        print(f"\n{part}: {len(members)} pages")
        for name in names:
            scores = [html_score.page_score(gold[page], texts[name].get(page, "")) for page in members]
            f1, precision, recall = html_score.corpus_score(scores)
            print(f"  {name:<20} F1 {f1:.3f} ± {html_score.spread(scores):.3f}   precision {precision:.3f}   recall {recall:.3f}")
    print()
    for name in names:
        speeds = [len(raw) / took for took in seconds[name]]
        ratios = [theirs / mine for theirs, mine in zip(seconds[name], seconds["athanor"])]
        print(f"  {name:<20} {statistics.median(speeds):7.0f} pages/s ({min(speeds):.0f} to {max(speeds):.0f}), "
              f"{statistics.median(speeds) * size / len(raw) / 1e6:6.1f} MB/s; athanor is {statistics.median(ratios):.1f} times as "
              f"fast ({min(ratios):.1f} to {max(ratios):.1f})")
    if args.out:
        args.out.write_text(json.dumps({name: {"articleBody": text} for name, text in texts["athanor"].items()}))


main()
