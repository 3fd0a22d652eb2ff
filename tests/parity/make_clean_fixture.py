#!/usr/bin/env python3
"""Writes tests/fixtures/clean/parity.jsonl: what datatrove's own filters say about 120 texts, and what they measure.

usage: PYTHONPATH=<datatrove> make_clean_fixture.py C4_DEMO.jsonl build/clean_tests > tests/fixtures/clean/parity.jsonl

Made with datatrove 0.10.1, regex 2026 (the version is written into the first line) on rows of c4_demo.jsonl, cut
to 700 characters and edited so that every rule is met: repeated lines, paragraphs and phrases, bullets, ellipses,
hashes, short lines, other scripts. datatrove splits words with spaCy; here it gets the words of Athanor's splitter
(athanor/clean/words.h), so that the filters themselves are compared, byte for byte. bench/clean.py compares the whole.
"""
import importlib.metadata
import json
import os
import random
import subprocess
import sys
import tempfile

import regex

from datatrove.data import Document
from datatrove.pipeline.filters import fineweb_quality_filter as fineweb
from datatrove.pipeline.filters import gopher_quality_filter as quality
from datatrove.pipeline.filters import gopher_repetition_filter as repetition

WORDS = {}  # text -> its words, as Athanor splits it


def split_into_words(text, language=None):
    return WORDS[text]


for module in (fineweb, quality, repetition):
    module.split_into_words = split_into_words


def load_words(binary, texts):
    with tempfile.TemporaryDirectory() as folder:
        source, answers = folder + '/in.jsonl', folder + '/out.jsonl'
        with open(source, 'w', encoding='utf-8') as file:
            file.writelines(json.dumps({'text': text}) + '\n' for text in texts)
        subprocess.run([binary, '--gtest_also_run_disabled_tests', '--gtest_filter=Words.DISABLED_SplitAFile'], check=True,
                       env=dict(os.environ, ATHANOR_WORDS_IN=source, ATHANOR_WORDS_OUT=answers), stdout=subprocess.DEVNULL)
        for text, line in zip(texts, open(answers, encoding='utf-8')):
            WORDS[text] = json.loads(line)


def edits(rows, rng):
    for i in range(120):
        text = rows[i * 2][:700]
        other = rows[i * 2 + 1][:300]
        sentences = text.split('. ')
        words = text.split(' ')
        kind = i % 15
        if kind == 1:
            text = '\n'.join(sentences[:6] * rng.randint(1, 3))
        elif kind == 2:
            text = '\n\n'.join([text, other, text[:100]] * rng.randint(1, 2))
        elif kind == 3:
            text = '\n'.join('- ' + s for s in sentences)
        elif kind == 4:
            text = '...\n'.join(sentences) + '...'
        elif kind == 5:
            text = ' #'.join(words)
        elif kind == 6:
            text = ' '.join(words[:40]) + ' ' + ' '.join(words[5:5 + rng.randint(4, 14)]) * rng.randint(1, 4)
        elif kind == 7:
            text = '\n'.join(words)
        elif kind == 8:
            text = ' '.join(w if rng.random() < .7 else str(rng.randrange(1000)) for w in words)
        elif kind == 9:
            text = ' '.join(words[:rng.randint(30, 70)])
        elif kind == 10:
            text = ''.join(words)
        elif kind == 11:
            text = ' '.join(w[:rng.randint(1, 3)] for w in words)
        elif kind == 12:
            text = text.replace('e', '\u00e9').replace('. ', '\u2026 ') + '\n' + '\u2022 \u4f60\u597d\u3002'
        elif kind == 13:
            text = '\n' + text.replace('. ', '.\n\n\n') + '\n'
        elif kind == 14:
            phrase = ' '.join(words[:rng.randint(2, 4)])
            text = ' '.join(w + (' ' + phrase if rng.random() < .3 else '') for w in words[:60])
        yield text


def measures(text):
    r, words = repetition, split_into_words(text)
    out = {}
    paragraphs = regex.split(r'\n{2,}', text.strip())
    lines = regex.split('\n+', text)
    for name, pieces in (('para', paragraphs), ('line', lines)):
        count, chars = r.find_duplicates(pieces)
        out[f'dup_{name}_frac'] = count / len(pieces)
        out[f'dup_{name}_char_frac'] = chars / len(text)
    for n in (2, 3, 4):
        grams = r.get_n_grams(words, n)
        out[f'top_{n}_gram'] = r.find_top_duplicate(grams) / len(text) if grams else 0
    for n in range(5, 11):
        out[f'duplicated_{n}_n_grams'] = r.find_all_duplicate(words, n) / len(text)
    return out


def reason(answer):
    return '' if answer is True else answer[1]


def main():
    version = importlib.metadata.version('datatrove')
    rows = [json.loads(line)['text'] for line in open(sys.argv[1], encoding='utf-8')]
    steps = {'gopher_quality': quality.GopherQualityFilter(), 'gopher_repetition': repetition.GopherRepetitionFilter(),
             'fineweb_quality': fineweb.FineWebQualityFilter()}
    print(json.dumps({'datatrove': version, 'source': 'c4_demo.jsonl', 'seed': 5}))
    texts = list(edits(rows, random.Random(5)))
    load_words(sys.argv[2], texts)
    for text in texts:
        doc = Document(text=text, id='0')
        row = {'text': text, 'words': len(split_into_words(text)), 'measures': measures(text)}
        row['reasons'] = {name: reason(step.filter(doc)) for name, step in steps.items()}
        print(json.dumps(row, ensure_ascii=False))


if __name__ == '__main__':
    main()
