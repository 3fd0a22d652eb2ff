"""Writes tests/fixtures/model/<case>/: what transformers computes for tiny seeded models.

Made with transformers 5.x and torch 2.13.0 (the versions used are recorded in each case's versions.json).
  python3 tests/parity/make_model_fixtures.py [OUT_FOLDER [CASE ...]]

Each case: config.json, model.safetensors (as transformers saves them) and expected.safetensors with input_ids, labels,
the loss (the mean) and grad.<parameter> for every parameter. Decoders: logits. Encoders: lengths (tokens that are not
padding, a row), token_type_ids, and hidden, pooled and logits, those that the head has; their mean over the real tokens
is the loss where the head has none.
"""
import json
import pathlib
import sys

import torch
import transformers
from safetensors.torch import save_file
from transformers import (BertConfig, BertForMaskedLM, BertForNextSentencePrediction, BertForPreTraining,
                          BertForSequenceClassification, BertModel, Gemma3ForCausalLM, Gemma3TextConfig, GPT2Config,
                          GPT2LMHeadModel, LlamaConfig, LlamaForCausalLM, Qwen2Config, Qwen2ForCausalLM, Qwen3Config,
                          Qwen3ForCausalLM, RobertaConfig, RobertaForMaskedLM, RobertaForSequenceClassification,
                          RobertaModel)

torch.set_num_threads(1)
out = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent.parent / "fixtures/model")
EAGER = {"attn_implementation": "eager"}


def sizes(**more):
    return {**dict(vocab_size=97, hidden_size=48, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2,
                   intermediate_size=88, max_position_embeddings=64, rms_norm_eps=1e-5, bos_token_id=1,
                   eos_token_id=2, initializer_range=0.2), **more}


def llama(tied, **more):
    return LlamaForCausalLM(LlamaConfig(**sizes(tie_word_embeddings=tied, **more)))


def llama3():
    rope = dict(rope_type="llama3", rope_theta=10000.0, factor=4.0, low_freq_factor=1.0, high_freq_factor=4.0,
                original_max_position_embeddings=16)
    return llama(False, rope_parameters=rope, head_dim=24)


def scaled(**rope):
    return llama(False, rope_parameters=dict(rope_theta=10000.0, factor=4.0, **rope))


def qwen3_window():
    """Rows of 32 tokens over windows of 7; the third layer is full."""
    config = Qwen3Config(**sizes(num_hidden_layers=4, head_dim=20, use_sliding_window=True, sliding_window=7,
                                 max_window_layers=0, tie_word_embeddings=False,
                                 layer_types=["sliding_attention", "sliding_attention", "full_attention",
                                              "sliding_attention"]))
    return Qwen3ForCausalLM._from_config(config, **EAGER)


def qwen2():
    return Qwen2ForCausalLM(Qwen2Config(**sizes(tie_word_embeddings=True)))


def qwen3(tied):
    return Qwen3ForCausalLM(Qwen3Config(**sizes(tie_word_embeddings=tied, head_dim=20)))


def gemma3():
    """Rows of 32 tokens over windows of 9; the third layer is full."""
    config = Gemma3TextConfig(**sizes(num_hidden_layers=4, head_dim=16, sliding_window=9, sliding_window_pattern=3,
                                      query_pre_attn_scalar=24, pad_token_id=None))
    return Gemma3ForCausalLM._from_config(config, **EAGER)


def gpt2():
    return GPT2LMHeadModel(GPT2Config(vocab_size=97, n_embd=48, n_layer=2, n_head=4, n_positions=64, resid_pdrop=0.0,
                                      embd_pdrop=0.0, attn_pdrop=0.0, bos_token_id=0, eos_token_id=0,
                                      initializer_range=0.2))


def encoder(model, config, **more):
    none = dict(hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0)
    positions = 64 if config is BertConfig else 66
    keep = dict(vocab_size=97, hidden_size=48, num_hidden_layers=2, num_attention_heads=4, intermediate_size=88,
                max_position_embeddings=positions, initializer_range=0.2)
    return model._from_config(config(**keep, **none, **more), **EAGER)


cases = {
    "llama_untied": lambda: llama(False),
    "llama_tied": lambda: llama(True, num_key_value_heads=4, head_dim=16, rope_theta=500000.0),
    "gpt2": gpt2,
    "llama3_rope": llama3,
    "qwen2": qwen2,
    "qwen3": lambda: qwen3(False),
    "qwen3_tied": lambda: qwen3(True),
    "gemma3": gemma3,
    "bert": lambda: encoder(BertModel, BertConfig),
    "bert_mlm": lambda: encoder(BertForMaskedLM, BertConfig),
    "bert_pretraining": lambda: encoder(BertForPreTraining, BertConfig),
    "bert_nsp": lambda: encoder(BertForNextSentencePrediction, BertConfig),
    "bert_classification": lambda: encoder(BertForSequenceClassification, BertConfig, num_labels=3),
    "roberta": lambda: encoder(RobertaModel, RobertaConfig, type_vocab_size=1),
    "roberta_mlm": lambda: encoder(RobertaForMaskedLM, RobertaConfig, type_vocab_size=1),
    "roberta_classification": lambda: encoder(RobertaForSequenceClassification, RobertaConfig, num_labels=3),
    "llama_linear": lambda: scaled(rope_type="linear"),
    "llama_yarn": lambda: scaled(rope_type="yarn", original_max_position_embeddings=16),
    "llama_yarn_set": lambda: scaled(rope_type="yarn", original_max_position_embeddings=8, beta_fast=8.0, beta_slow=0.5,
                                     attention_factor=1.1),
    "qwen3_window": qwen3_window,
}


def decoder_case(model):
    ids = torch.randint(3, 97, (2, 33))
    inputs, labels = ids[:, :-1].contiguous(), ids[:, 1:].contiguous()
    logits = model(inputs).logits
    loss = torch.nn.functional.cross_entropy(logits.view(-1, 97), labels.view(-1))
    return loss, {"input_ids": inputs, "labels": labels, "logits": logits.detach()}


def encoder_case(model):
    """Rows of 20, 13 and 7 tokens, padded to 20; two texts a row; every fourth token is to be predicted."""
    config = model.config
    lengths = torch.tensor([20, 13, 7])
    ids = torch.randint(3, 97, (3, 20))
    mask = torch.arange(20)[None, :] < lengths[:, None]
    ids[~mask] = config.pad_token_id
    types = (torch.arange(20)[None, :] >= lengths[:, None] // 2).long() * mask if config.type_vocab_size > 1 else 0 * ids
    labels = torch.where(mask & (torch.arange(20) % 4 == 1), ids, -1)
    given = {"input_ids": ids, "attention_mask": mask.long(), "token_type_ids": types}
    expected = {"input_ids": ids, "lengths": lengths, "token_type_ids": types.contiguous()}
    name = type(model).__name__
    if name in ("BertModel", "RobertaModel"):
        result = model(**given)
        expected["hidden"], expected["pooled"] = result.last_hidden_state, result.pooler_output
        loss = (result.last_hidden_state[mask] ** 2).mean() + (result.pooler_output**2).mean()
    elif name.endswith(("ForMaskedLM", "ForPreTraining")):
        result = model(**given)
        logits = result.logits if name.endswith("ForMaskedLM") else result.prediction_logits
        expected["logits"], expected["labels"] = logits, labels
        loss = torch.nn.functional.cross_entropy(logits.reshape(-1, 97), labels.reshape(-1), ignore_index=-1)
        if name == "BertForPreTraining":
            expected["pair_logits"], expected["pair_labels"] = result.seq_relationship_logits, torch.tensor([0, 1, 1])
            loss = loss + torch.nn.functional.cross_entropy(result.seq_relationship_logits, expected["pair_labels"])
    else:
        expected["class_labels"] = torch.tensor([0, 1, 1])
        expected["logits"] = model(**given).logits
        loss = torch.nn.functional.cross_entropy(expected["logits"], expected["class_labels"])
    return loss, expected


for number, (name, make) in enumerate(cases.items()):
    if len(sys.argv) > 2 and name not in sys.argv[2:]:
        continue
    torch.manual_seed(100 + number)
    model = make().float().eval()
    for parameter in model.parameters():  # norms and biases away from 1 and 0, so that mistakes in them show
        if parameter.dim() == 1:
            parameter.data += 0.1 * torch.randn_like(parameter)
    folder = out / name
    model.save_pretrained(folder)
    loss, expected = (encoder_case if "bert" in name else decoder_case)(model)
    loss.backward()
    expected["loss"] = loss
    for parameter_name, parameter in model.named_parameters():
        if parameter.grad is not None:
            expected["grad." + parameter_name] = parameter.grad.contiguous()
    save_file({k: v.detach().clone() for k, v in expected.items()}, folder / "expected.safetensors")
    (folder / "generation_config.json").unlink(missing_ok=True)
    (folder / "versions.json").write_text(
        json.dumps({"transformers": transformers.__version__, "torch": torch.__version__}) + "\n")
    print(name, float(loss))
