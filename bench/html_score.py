"""How well extracted text agrees with the gold text of article-extraction-benchmark: the measure of that benchmark's
own evaluate.py, in other words.

Words are maximal runs of \\w; a text is the multiset of its runs of four words (fewer words: the one run there is).
What both have is a hit, what only the prediction has is false, what only the gold has is missing; the three are
divided by their sum, so that a long text weighs no more than a short one. Precision and recall are the means over
pages, F1 is their harmonic mean; the spread is the standard deviation over 1,000 resamplings of the pages.
"""
import collections
import random
import re
import statistics

WORD = re.compile(r"\w+")


def shingles(text, size=4):
    words = WORD.findall(text or "")
    runs = [tuple(words[i:i + size]) for i in range(max(1, len(words) - size + 1))]
    return collections.Counter(run for run in runs if run)


def page_score(gold, predicted):
    """(hits, false, missing), summing to 1, or zeros when both are empty."""
    gold, predicted = shingles(gold), shingles(predicted)
    hits = sum((gold & predicted).values())
    false = sum((predicted - gold).values())
    missing = sum((gold - predicted).values())
    total = hits + false + missing
    return (hits / total, false / total, missing / total) if total else (0.0, 0.0, 0.0)


def precision(score):
    hits, false, missing = score
    if false == missing == 0:
        return 1.0
    return hits / (hits + false) if hits + false else 0.0


def recall(score):
    hits, false, missing = score
    if false == missing == 0:
        return 1.0
    return hits / (hits + missing) if hits + missing else 0.0


def corpus_score(scores):
    """(F1, precision, recall) of a list of page scores; a page without prediction or gold is left out of its mean."""
    p = statistics.mean(precision(s) for s in scores if s[0] + s[1] > 0)
    r = statistics.mean(recall(s) for s in scores if s[0] + s[2] > 0)
    return 2 * p * r / (p + r), p, r


def spread(scores, rounds=1000, seed=1):
    draw = random.Random(seed)
    found = [corpus_score(draw.choices(scores, k=len(scores)))[0] for _ in range(rounds)]
    return statistics.stdev(found)


def is_development(page):
    """The half of the pages on which the rules were developed: those whose id ends in an even hexadecimal digit."""
    return int(page[-1], 16) % 2 == 0
