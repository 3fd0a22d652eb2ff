#!/usr/bin/env python3
"""Writes athanor/feature/text/words_zh.zst from the dictionary of jieba 0.42.1 (MIT): lines "word count" of the words that
consist of Chinese characters alone, in the order of their bytes.

  PYTHONPATH=<jieba> python3 scripts/make_chinese_words.py
"""
import os
import re
import subprocess

import jieba

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
with open(os.path.join(os.path.dirname(jieba.__file__), "dict.txt"), encoding="utf-8") as file:
    rows = [line.split(" ") for line in file.read().split("\n") if line]
words = sorted((word, int(count)) for word, count, _ in rows if re.fullmatch("[\u4e00-\u9fff]+", word))
text = "".join(f"{word} {count}\n" for word, count in words)
subprocess.run(["zstd", "--ultra", "-22", "-qf", "-o", os.path.join(ROOT, "athanor/feature/text/words_zh.zst")],
               input=text.encode(), check=True)
print(len(words), "words")
