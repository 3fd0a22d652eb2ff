"""Writes tests/fixtures/model/<case>/: what transformers computes for tiny seeded models.

Made with transformers 5.x and torch 2.13.0 (the versions used are recorded in each case's versions.json).
  python3 tests/parity/make_model_fixtures.py [OUT_FOLDER]

Each case: config.json, model.safetensors (as transformers saves them), expected.safetensors with input_ids, labels,
logits, loss (the mean) and grad.<parameter> for every parameter.
"""
import json
import pathlib
import sys

import torch
import transformers
from safetensors.torch import save_file
from transformers import GPT2Config, GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM

torch.set_num_threads(1)
out = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent.parent / "fixtures/model")


def llama(tied, **more):
    sizes = dict(vocab_size=97, hidden_size=48, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2,
                 intermediate_size=88, max_position_embeddings=64, rms_norm_eps=1e-5, tie_word_embeddings=tied,
                 bos_token_id=1, eos_token_id=2, initializer_range=0.2)
    return LlamaForCausalLM(LlamaConfig(**{**sizes, **more}))


def gpt2():
    return GPT2LMHeadModel(GPT2Config(vocab_size=97, n_embd=48, n_layer=2, n_head=4, n_positions=64, resid_pdrop=0.0,
                                      embd_pdrop=0.0, attn_pdrop=0.0, bos_token_id=0, eos_token_id=0,
                                      initializer_range=0.2))


cases = {
    "llama_untied": lambda: llama(False),
    "llama_tied": lambda: llama(True, num_key_value_heads=4, head_dim=16, rope_theta=500000.0),
    "gpt2": gpt2,
}
for number, (name, make) in enumerate(cases.items()):
    torch.manual_seed(100 + number)
    model = make().float().eval()
    for parameter in model.parameters():  # norms and biases away from 1 and 0, so that mistakes in them show
        if parameter.dim() == 1:
            parameter.data += 0.1 * torch.randn_like(parameter)
    folder = out / name
    model.save_pretrained(folder)
    ids = torch.randint(0, 97, (2, 33))
    inputs, labels = ids[:, :-1].contiguous(), ids[:, 1:].contiguous()
    logits = model(inputs).logits
    loss = torch.nn.functional.cross_entropy(logits.view(-1, 97), labels.view(-1))
    loss.backward()
    expected = {"input_ids": inputs, "labels": labels, "logits": logits.detach(), "loss": loss.detach()}
    for parameter_name, parameter in model.named_parameters():
        expected["grad." + parameter_name] = parameter.grad.contiguous()
    save_file({k: v.clone() for k, v in expected.items()}, folder / "expected.safetensors")
    (folder / "generation_config.json").unlink(missing_ok=True)
    (folder / "versions.json").write_text(
        json.dumps({"transformers": transformers.__version__, "torch": torch.__version__}) + "\n")
    print(name, float(loss))
