"""A Llama of a few kilobytes as a GGUF file in full precision, from a Hugging Face model.

What is exact there can be asked to be equal; and PyTorch can run the same weights beside it.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import gguf
import numpy as np
from numpy.typing import NDArray
from transformers import LlamaForCausalLM

_NAMES = {
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
    "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm",
}
_OUTSIDE = {
    "model.embed_tokens.weight": "token_embd.weight",
    "model.norm.weight": "output_norm.weight",
    "lm_head.weight": "output.weight",
}


def write(model: LlamaForCausalLM, path: Path) -> Path:
    """Write a Llama without a vocabulary: token ids only."""
    config = model.config
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_vocab_size(config.vocab_size)
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_rope_dimension_count(config.hidden_size // config.num_attention_heads)
    writer.add_rope_freq_base(config.rope_theta)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_tokenizer_model("no_vocab")
    for name, tensor in model.state_dict().items():
        values = tensor.float().numpy()
        if name in _OUTSIDE:
            writer.add_tensor(_OUTSIDE[name], values)
            continue
        _, _, layer, rest = name.split(".", 3)
        part = rest.removesuffix(".weight")
        if part in ("self_attn.q_proj", "self_attn.k_proj"):
            query = part == "self_attn.q_proj"
            heads = config.num_attention_heads if query else config.num_key_value_heads
            values = _interleaved(values, heads)
        writer.add_tensor(f"blk.{layer}.{_NAMES[part]}.weight", values)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def _interleaved(weights: NDArray[np.float32], heads: int) -> NDArray[np.float32]:
    """Order a head's channels as GGUF's Llamas have them: pairs that turn together side by side."""
    split = weights.reshape(heads, 2, -1, weights.shape[-1])
    return np.ascontiguousarray(split.swapaxes(1, 2)).reshape(weights.shape)


# As the instruction-tuned Gemma 3 has it, but for images.
GEMMA_TEMPLATE = """{{ bos_token }}
{%- if messages[0]['role'] == 'system' -%}
    {%- set first_user_prefix = messages[0]['content'] + '\n\n' -%}
    {%- set loop_messages = messages[1:] -%}
{%- else -%}
    {%- set first_user_prefix = "" -%}
    {%- set loop_messages = messages -%}
{%- endif -%}
{%- for message in loop_messages -%}
    {%- if (message['role'] == 'user') != (loop.index0 % 2 == 0) -%}
        {{ raise_exception("Conversation roles must alternate user/assistant/user/assistant/...") }}
    {%- endif -%}
    {%- set role = "model" if message['role'] == 'assistant' else message['role'] -%}
    {{ '<start_of_turn>' + role + '\n' + (first_user_prefix if loop.first else "") }}
    {{- message['content'] | trim }}{{ '<end_of_turn>\n' }}
{%- endfor -%}
{%- if add_generation_prompt -%}{{ '<start_of_turn>model\n' }}{%- endif -%}"""


def write_gemma(
    path: Path, *, window: int = 16, chat: bool = False, template: str = GEMMA_TEMPLATE
) -> Path:
    """Write a Gemma 3 of random weights: five layers with a sliding window, then a global one.

    With ``chat``, it has a vocabulary of bytes and a chat template, Gemma's or another.
    """
    width, heads, size, inner, vocabulary, layers = 64, 2, 32, 64, 300, 6
    writer = gguf.GGUFWriter(path, "gemma3")
    writer.add_vocab_size(vocabulary)
    writer.add_context_length(512)
    writer.add_embedding_length(width)
    writer.add_block_count(layers)
    writer.add_feed_forward_length(inner)
    writer.add_head_count(heads)
    writer.add_head_count_kv(1)
    writer.add_key_length(size)
    writer.add_value_length(size)
    writer.add_sliding_window(window)
    writer.add_layer_norm_rms_eps(1e-6)
    if chat:
        control = ["<pad>", "<eos>", "<bos>", "<start_of_turn>", "<end_of_turn>"]
        letters = ["▁", *(chr(c) for c in range(ord("A"), ord("A") + vocabulary - 262))]
        writer.add_tokenizer_model("llama")
        writer.add_token_list([*control, *(f"<0x{i:02X}>" for i in range(256)), *letters])
        writer.add_token_scores([0.0] * vocabulary)
        writer.add_token_types([3] * 5 + [6] * 256 + [1] * (vocabulary - 261))
        writer.add_bos_token_id(2)
        writer.add_eos_token_id(1)
        writer.add_eot_token_id(4)
        writer.add_add_bos_token(True)
        writer.add_add_space_prefix(False)
        writer.add_chat_template(template)
    else:
        writer.add_tokenizer_model("no_vocab")
    shapes: dict[str, tuple[int, ...]] = {
        "attn_q": (heads * size, width),
        "attn_k": (size, width),
        "attn_v": (size, width),
        "attn_output": (width, heads * size),
        "ffn_gate": (inner, width),
        "ffn_up": (inner, width),
        "ffn_down": (width, inner),
        "attn_norm": (width,),
        "attn_q_norm": (size,),
        "attn_k_norm": (size,),
        "post_attention_norm": (width,),
        "ffn_norm": (width,),
        "post_ffw_norm": (width,),
    }
    _finish(writer, width, vocabulary, layers, shapes)
    return path


def write_mamba(path: Path) -> Path:
    """Write a recurrent model of random weights."""
    width, inner, state, rank, vocabulary, layers = 32, 64, 8, 4, 300, 1
    writer = gguf.GGUFWriter(path, "mamba")
    writer.add_vocab_size(vocabulary)
    writer.add_context_length(512)
    writer.add_embedding_length(width)
    writer.add_feed_forward_length(0)
    writer.add_head_count(0)
    writer.add_block_count(layers)
    writer.add_ssm_conv_kernel(4)
    writer.add_ssm_inner_size(inner)
    writer.add_ssm_state_size(state)
    writer.add_ssm_time_step_rank(rank)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_tokenizer_model("no_vocab")
    shapes: dict[str, tuple[int, ...]] = {
        "attn_norm": (width,),
        "ssm_in": (2 * inner, width),
        "ssm_conv1d": (inner, 4),
        "ssm_conv1d.bias": (inner,),
        "ssm_x": (rank + 2 * state, inner),
        "ssm_dt": (inner, rank),
        "ssm_dt.bias": (inner,),
        "ssm_a": (inner, state),
        "ssm_d": (inner,),
        "ssm_out": (width, inner),
    }
    _finish(writer, width, vocabulary, layers, shapes)
    return path


def write_bert(path: Path) -> Path:
    """Write an encoder of random weights, as embedding models are: it reads in both directions."""
    width, vocabulary = 64, 300
    writer = gguf.GGUFWriter(path, "bert")
    writer.add_vocab_size(vocabulary)
    writer.add_context_length(64)
    writer.add_embedding_length(width)
    writer.add_block_count(1)
    writer.add_feed_forward_length(width)
    writer.add_head_count(2)
    writer.add_layer_norm_eps(1e-6)
    writer.add_causal_attention(False)
    writer.add_token_type_count(2)
    writer.add_pooling_type(gguf.PoolingType.MEAN)
    writer.add_tokenizer_model("no_vocab")
    shapes: dict[str, tuple[int, ...]] = {
        "token_embd.weight": (vocabulary, width),
        "position_embd.weight": (64, width),
        "token_types.weight": (2, width),
    }
    layer = ("attn_q", "attn_k", "attn_v", "attn_output", "ffn_up", "ffn_down")
    shapes |= {f"blk.0.{name}.weight": (width, width) for name in layer}
    norms = ("token_embd_norm", "blk.0.attn_output_norm", "blk.0.layer_output_norm")
    shapes |= {f"{name}.weight": (width,) for name in norms}
    shapes |= {f"{name}.bias": (width,) for name in (*norms, *(f"blk.0.{n}" for n in layer))}
    _close(writer, shapes)
    return path


def write_hybrid(path: Path) -> Path:
    """Write an LFM2 of random weights: a layer of short convolutions, then one of attention."""
    width, vocabulary = 64, 300
    writer = gguf.GGUFWriter(path, "lfm2")
    writer.add_vocab_size(vocabulary)
    writer.add_context_length(512)
    writer.add_embedding_length(width)
    writer.add_block_count(2)
    writer.add_feed_forward_length(width)
    writer.add_head_count(2)
    writer.add_head_count_kv([0, 1])
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_shortconv_l_cache(3)
    writer.add_rope_freq_base(1e4)
    writer.add_tokenizer_model("no_vocab")
    shapes: dict[str, tuple[int, ...]] = {
        "token_embd.weight": (vocabulary, width),
        "token_embd_norm.weight": (width,),
        "blk.0.shortconv.conv.weight": (width, 3),
        "blk.0.shortconv.in_proj.weight": (3 * width, width),
        "blk.0.shortconv.out_proj.weight": (width, width),
        "blk.1.attn_q.weight": (width, width),
        "blk.1.attn_k.weight": (width // 2, width),
        "blk.1.attn_v.weight": (width // 2, width),
        "blk.1.attn_output.weight": (width, width),
        "blk.1.attn_q_norm.weight": (width // 2,),
        "blk.1.attn_k_norm.weight": (width // 2,),
    }
    for layer in (0, 1):
        for name in ("attn_norm", "ffn_norm"):
            shapes[f"blk.{layer}.{name}.weight"] = (width,)
        for name in ("ffn_gate", "ffn_up", "ffn_down"):
            shapes[f"blk.{layer}.{name}.weight"] = (width, width)
    _close(writer, shapes)
    return path


def write_uneven(path: Path) -> Path:
    """Write a DeciLM of random weights, whose two layers have two and one key heads."""
    width, vocabulary = 64, 300
    writer = gguf.GGUFWriter(path, "deci")
    writer.add_vocab_size(vocabulary)
    writer.add_context_length(512)
    writer.add_embedding_length(width)
    writer.add_block_count(2)
    writer.add_feed_forward_length([width, width])
    writer.add_head_count([2, 2])
    writer.add_head_count_kv([2, 1])
    writer.add_rope_dimension_count(width // 2)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_tokenizer_model("no_vocab")
    shapes: dict[str, tuple[int, ...]] = {
        "token_embd.weight": (vocabulary, width),
        "output_norm.weight": (width,),
        "output.weight": (vocabulary, width),
    }
    for layer, keys in enumerate((width, width // 2)):
        block = f"blk.{layer}"
        shapes[f"{block}.attn_k.weight"] = shapes[f"{block}.attn_v.weight"] = (keys, width)
        for name in ("attn_q", "attn_output", "ffn_gate", "ffn_up", "ffn_down"):
            shapes[f"{block}.{name}.weight"] = (width, width)
        for name in ("attn_norm", "ffn_norm"):
            shapes[f"{block}.{name}.weight"] = (width,)
    _close(writer, shapes)
    return path


def _close(writer: gguf.GGUFWriter, shapes: Mapping[str, tuple[int, ...]]) -> None:
    """Write random weights, norms around 1, and close the file."""
    random = np.random.default_rng(3)
    for name, shape in shapes.items():
        values = random.standard_normal(shape) * 0.2 + name.endswith("norm.weight")
        writer.add_tensor(name, values.astype(np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _finish(
    writer: gguf.GGUFWriter,
    width: int,
    vocabulary: int,
    layers: int,
    shapes: Mapping[str, tuple[int, ...]],
) -> None:
    """Write random weights of these shapes in every layer, and close the file."""
    whole: dict[str, tuple[int, ...]] = {
        "token_embd.weight": (vocabulary, width),
        "output_norm.weight": (width,),
    }
    for layer in range(layers):
        for name, shape in shapes.items():
            bare = name.endswith(".bias") or name in ("ssm_a", "ssm_d")
            whole[f"blk.{layer}.{name}" + ("" if bare else ".weight")] = shape
    _close(writer, whole)


def write_vocabulary(
    path: Path, special: Mapping[str, int], *, kind: str, space: bool, merges: bool
) -> Path:
    """Write a vocabulary of single bytes and special tokens, and no weights.

    ``special``: written form → type. ``kind``: ``llama`` for SentencePiece, which with ``space``
    puts a space before every text; ``gpt2`` for bytes merged pair by pair. With ``merges``, letters
    can be merged to special tokens.
    """
    if kind == "llama":
        single = [f"<0x{i:02X}>" for i in range(256)] + ["\u2581"]
        types = [6] * 256 + [1]
        # What is user-defined is looked for in a text as it is, the rest with signs for spaces.
        shown = {t: t if special[t] == 4 else t.replace(" ", "\u2581") for t in special if t != " "}
    else:
        single = [_shown(byte) for byte in range(256)]
        types = [1] * 256
        shown = {text: text for text in special}
    parts = {name[:end] for name in shown.values() for end in range(1, len(name))}
    letters = {letter for name in shown.values() for letter in name}
    pieces = [*single, *sorted((parts if merges else set()) | letters)]
    types += [1] * (len(pieces) - len(types))
    known = dict(zip(pieces, types, strict=True))
    known.update({name: special[text] for text, name in shown.items()})
    known.update({"<s>": 3, "</s>": 3} if "</s>" not in known else {})
    names = list(known)
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_context_length(512)
    writer.add_embedding_length(32)
    writer.add_block_count(1)
    writer.add_head_count(1)
    writer.add_feed_forward_length(32)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_tokenizer_model(kind)
    writer.add_tokenizer_pre("default")
    writer.add_token_list(names)
    writer.add_token_scores([float(-number) for number in range(len(names))])
    writer.add_token_types(list(known.values()))
    if kind == "gpt2":
        made = [f"{text[:end]} {text[end]}" for text in special for end in range(1, len(text))]
        usable = [merge for merge in dict.fromkeys(made) if merge.count(" ") == 1]
        writer.add_token_merges((usable if merges else []) or ["a a"])
    writer.add_eos_token_id(names.index("</s>"))
    writer.add_add_bos_token(False)
    writer.add_add_space_prefix(space)
    _close(writer, {})
    return path


def _shown(byte: int) -> str:
    """How vocabularies of bytes write one (GPT-2's table): as it is, or moved beyond Latin."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    moved = [other for other in range(256) if other not in plain]
    return chr(byte) if byte in plain else chr(256 + moved.index(byte))


def write_bytes_llama(path: Path) -> Path:
    """Write a Llama of random weights with a vocabulary of single bytes, merged pair by pair."""
    width, layers = 64, 2
    names = [_shown(byte) for byte in range(256)] + ["he", "<|im_start|>", "<|im_end|>", "<tool>"]
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_vocab_size(len(names))
    writer.add_context_length(512)
    writer.add_embedding_length(width)
    writer.add_block_count(layers)
    writer.add_feed_forward_length(width)
    writer.add_head_count(2)
    writer.add_head_count_kv(1)
    writer.add_rope_dimension_count(width // 2)
    writer.add_rope_freq_base(10000.0)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("default")
    writer.add_token_list(names)
    writer.add_token_types([1] * 257 + [3, 3, 4])
    writer.add_token_merges(["h e"])
    writer.add_bos_token_id(257)
    writer.add_eos_token_id(258)
    writer.add_add_bos_token(False)
    writer.add_chat_template(
        "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
        "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
    )
    shapes: dict[str, tuple[int, ...]] = {
        "attn_q": (width, width),
        "attn_k": (width // 2, width),
        "attn_v": (width // 2, width),
        "attn_output": (width, width),
        "ffn_gate": (width, width),
        "ffn_up": (width, width),
        "ffn_down": (width, width),
        "attn_norm": (width,),
        "ffn_norm": (width,),
    }
    _finish(writer, width, len(names), layers, shapes)
    return path
