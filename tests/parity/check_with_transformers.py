"""Opens a folder that Athanor saved with transformers and compares logits.

  python3 tests/parity/check_with_transformers.py FOLDER

FOLDER holds config.json and model.safetensors, and check.safetensors with `input_ids` and the `logits` that Athanor
computed (the test Parity.SavesWhatTransformersOpens writes all three where ATHANOR_SAVE_DIR says). Prints the largest
difference of the logits; exits 1 above 1e-4.
"""
import pathlib
import sys

import torch
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM

folder = pathlib.Path(sys.argv[1])
model, info = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, output_loading_info=True)
check = load_file(folder / "check.safetensors")
with torch.no_grad():
    logits = model(check["input_ids"]).logits
difference = (logits - check["logits"]).abs().max().item()
problems = [key for key in ("missing_keys", "unexpected_keys", "mismatched_keys") if info.get(key)]
print(f"{folder.name}: {type(model).__name__} max logit difference {difference:.3g}; problems: {problems or 'none'}")
sys.exit(0 if difference <= 1e-4 and not problems else 1)
