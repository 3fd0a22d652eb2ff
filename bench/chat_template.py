"""Rendering of chat templates: Athanor against jinja2 (as transformers compiles it, template cached), interleaved in one
run, one thread: microseconds a render, median of the rounds, ratio and spread.

  PYTHONPATH=<transformers, jinja2> python3 bench/chat_template.py build/chat_render [--rounds 5] [--seconds 0.3]
"""
import argparse
import json
import pathlib
import statistics
import subprocess
import tempfile
import time

from transformers.utils import chat_template_utils as ctu

parser = argparse.ArgumentParser()
parser.add_argument("binary")
parser.add_argument("--rounds", type=int, default=5)
parser.add_argument("--seconds", type=float, default=0.3)
args = parser.parse_args()
fixture = json.loads((pathlib.Path(__file__).parents[1] / "tests/fixtures/token/chat/conversations.json").read_text())
families = {f["name"]: f for f in fixture["families"]}
tool = next(r["tools"][0] for r in fixture["requests"] if r.get("tools"))
short = [{"role": "user", "content": "What is the capital of France?"}]
turns = [{"role": ("user", "assistant")[i % 2], "content": f"Turn {i}: " + "some words of a reply, neither short nor long. " * 8}
         for i in range(41)]
rows = []
for name in ("qwen3", "qwen3.5", "deepseek_v3", "mistral-nemo", "phi-3"):
    if name in families:
        rows.append((name, "1 message", {"messages": short}))
        rows.append((name, "41 messages", {"messages": turns}))
        if name in ("qwen3", "qwen3.5", "mistral-nemo"):
            rows.append((name, "1 message, 8 tools", {"messages": short, "tools": [tool] * 8}))


def jinja(name, request):
    template = ctu._compile_jinja_template(families[name]["template"])
    given = {**families[name]["special"], "tools": None, "documents": None, "add_generation_prompt": True, **request}
    text, renders, begin = template.render(**given), 0, time.perf_counter()
    while time.perf_counter() - begin < args.seconds:
        template.render(**given)
        renders += 1
    return (time.perf_counter() - begin) * 1e6 / renders, len(text.encode())


ours, theirs = [[] for _ in rows], [[] for _ in rows]
with tempfile.NamedTemporaryFile("w", suffix=".jsonl") as file:
    for i in range(args.rounds):
        for k, (name, what, request) in enumerate(rows):
            file.seek(0)
            file.truncate()
            file.write(json.dumps({"template": families[name]["template"], "special": families[name]["special"],
                                   "request": request}) + "\n")
            file.flush()
            out = subprocess.run([args.binary, file.name, str(args.seconds)], check=True, capture_output=True, text=True)
            ours[k].append(float(out.stdout.split()[0]))
            theirs[k].append(jinja(name, request)[0])
print("| template | request | Athanor, us | jinja2, us | ratio (spread) |\n|---|---|---|---|---|")
for k, (name, what, _) in enumerate(rows):
    a, b = statistics.median(ours[k]), statistics.median(theirs[k])
    ratios = sorted(y / x for x, y in zip(ours[k], theirs[k]))
    print(f"| {name} | {what} | {a:.1f} | {b:.1f} | {b / a:.1f} x ({ratios[0]:.1f} to {ratios[-1]:.1f}) |")
