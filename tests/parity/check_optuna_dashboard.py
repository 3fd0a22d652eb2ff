#!/usr/bin/env python3
"""optuna-dashboard itself on a study of ours: starts it on 127.0.0.1, asks for its pages and checks them against study.json.

    PYTHONPATH=PEERS check_optuna_dashboard.py RUN [PORT]      RUN: a finished tune run; PEERS: optuna-dashboard, plotly

Tried with optuna-dashboard 0.21.0, Optuna 5.0.0, plotly 6. Exit 1 at the first page that is refused or says something else.
"""
import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request

PLOTS = ("contour", "slice", "parallel_coordinate", "rank", "edf", "timeline")


def get(port, path):
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=60) as reply:
            return reply.status, reply.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def expect(what, good, seen):
    print(("ok   " if good else "BAD  ") + what, flush=True)
    if not good:
        sys.exit(f"{what}: {seen}")


def check(port, study):
    status, body = get(port, "/dashboard/")
    expect("the page itself", status == 200 and b"<script" in body, body[:200])
    status, body = get(port, "/api/studies")
    summaries = json.loads(body).get("study_summaries", [])
    expect("one study, our directions", status == 200 and len(summaries) == 1 and summaries[0]["directions"] == study["directions"], body)
    number = summaries[0]["study_id"]
    status, body = get(port, f"/api/studies/{number}?after=0")
    detail = json.loads(body)
    trials = detail.get("trials", [])
    expect("every trial and its state", [(t["number"], t["state"].lower()) for t in trials]
           == [(t["number"], "fail" if t["state"] == "failed" else t["state"]) for t in study["trials"]], body[:300])
    expect("their values", all(t["values"] == ours["values"] for t, ours in zip(trials, study["trials"]) if ours["state"] == "complete"), body[:300])
    expect("their fields", all({p["name"] for p in t["params"]} == set(ours["params"]) for t, ours in zip(trials, study["trials"])), body[:300])
    expect("values on the way", all([[v["step"], v["value"]] for v in t["intermediate_values"]] == ours["steps"]
                                    for t, ours in zip(trials, study["trials"]) if all(s[1] is not None for s in ours["steps"])), body[:300])
    expect("the best", sorted(t["number"] for t in detail["best_trials"]) == study["best"], detail["best_trials"])
    status, body = get(port, f"/api/studies/{number}/param_importances")
    expect("importance of the fields", status == 200 and {i["name"] for i in json.loads(body)["param_importances"][0]} <= set(study["space"]), body)
    status, body = get(port, f"/csv/{number}")
    expect("CSV", status == 200 and body.count(b"\n") == len(trials) + 1, body[:200])
    if json.loads(get(port, "/api/meta")[1]).get("plotlypy_is_available"):
        for plot in PLOTS:
            status, body = get(port, f"/api/studies/{number}/plot/{plot}")
            expect(f"plot {plot}", status == 200, body[:200])


def main():
    run = os.path.abspath(sys.argv[1])
    port = int(sys.argv[2]) if len(sys.argv) > 2 else 18491
    with open(os.path.join(run, "out", "study.json"), encoding="utf-8") as file:
        study = json.load(file)
    server = subprocess.Popen([sys.executable, "-c", "from optuna_dashboard._cli import main; main()", "--host", "127.0.0.1", "--port",
                               str(port), "sqlite:///" + os.path.join(run, "study.db")], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(120):
            try:
                get(port, "/api/meta")
                break
            except OSError:
                time.sleep(0.5)
        check(port, study)
    finally:
        server.terminate()
        server.wait()


if __name__ == "__main__":
    main()
