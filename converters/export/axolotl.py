"""Axolotl: one YAML beside the rows.

``tokenizer_default`` is Qwen3's own chat template, which serving uses too; Axolotl's ``qwen3`` begins an answer with
``<think>`` in the prompt, so what it serves lacks the opening tag.
"""

from ordebug.converters.export.peer import MODEL, ROWS, Peer, conversation_row

SETTINGS = f"""base_model: {MODEL}
chat_template: tokenizer_default  # Qwen3's own, as where the model is served
datasets:
  - path: {ROWS}
    ds_type: json
    type: chat_template
    field_messages: messages
    roles_to_train: [assistant]
    train_on_eos: turn            # the end of the turn is trained: the model must learn to stop
sequence_len: 4096
excess_length_strategy: raise     # a cut answer is worse than an error
adapter: lora
lora_r: 32
lora_alpha: 64
lora_dropout: 0.05
lora_target_linear: true
micro_batch_size: 4
gradient_accumulation_steps: 4
learning_rate: 1.0e-4
lr_scheduler: cosine
warmup_ratio: 0.05
num_epochs: 3
optimizer: adamw_torch
bf16: true
gradient_checkpointing: true
seed: 42
output_dir: out
"""

AXOLOTL = Peer("0.19.0", conversation_row, {"sft.yaml": SETTINGS}, "axolotl train sft.yaml")
