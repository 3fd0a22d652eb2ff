"""Opens folders that Athanor saved with transformers and compares what they compute.

  python3 tests/parity/check_with_transformers.py FOLDER ...

A FOLDER holds config.json and model.safetensors, and check.safetensors with `input_ids` and the `logits` that Athanor
computed (for an encoder also `token_type_ids` and `lengths`; `logits` are then what its head gives, the pooled features
where there is none). The tests *SavesWhatTransformersOpens write all three where ATHANOR_SAVE_DIR says. Prints the
largest difference, over tokens that are not padding; exits 1 above 1e-4 or when a tensor is missing, unexpected or of
another shape.
"""
import json
import pathlib
import sys

import torch
import transformers
from safetensors.torch import load_file

failed = False
for name in sys.argv[1:]:
    folder = pathlib.Path(name)
    architecture = json.loads((folder / "config.json").read_text())["architectures"][0]
    model, info = getattr(transformers, architecture).from_pretrained(folder, dtype=torch.float32,
                                                                      output_loading_info=True)
    check = load_file(folder / "check.safetensors")
    given = {"input_ids": check["input_ids"]}
    real = torch.ones_like(given["input_ids"], dtype=torch.bool)
    if "lengths" in check:
        real = torch.arange(real.shape[1])[None, :] < check["lengths"][:, None]
        given |= {"token_type_ids": check["token_type_ids"], "attention_mask": real.long()}
    with torch.no_grad():
        result = model.eval()(**given)
    values = [result.get(key) for key in ("logits", "prediction_logits", "pooler_output")]
    value = next(v for v in values if v is not None)
    difference = (value - check["logits"]).abs()
    difference = (difference[real] if difference.dim() == 3 else difference).max().item()
    problems = [key for key in ("missing_keys", "unexpected_keys", "mismatched_keys") if info.get(key)]
    print(f"{folder.name}: {architecture} max difference {difference:.3g}; problems: {problems or 'none'}")
    failed |= not difference <= 1e-4 or bool(problems)
sys.exit(1 if failed else 0)
