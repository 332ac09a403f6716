"""A Llama of a few kilobytes as a GGUF file in full precision, from a Hugging Face model.

What is exact there can be asked to be equal; and PyTorch can run the same weights beside it.
"""

from __future__ import annotations

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
