"""LLaMA-Factory: a registry of data sets beside the rows, and one YAML.

``enable_thinking: true`` keeps the thought in the labels; ``false`` would remove it from every row.
"""

import json

from ordebug.converters.export.peer import MODEL, ROWS, Peer, conversation_row

REGISTRY = {
    "ordebug": {
        "file_name": ROWS,
        "formatting": "sharegpt",
        "columns": {"messages": "messages"},
        "tags": {
            "role_tag": "role",
            "content_tag": "content",
            "user_tag": "user",
            "assistant_tag": "assistant",
            "system_tag": "system",
        },
    }
}
SETTINGS = f"""model_name_or_path: {MODEL}
stage: sft
do_train: true
finetuning_type: lora
lora_rank: 32
lora_alpha: 64
lora_target: all
dataset: ordebug
dataset_dir: .
template: qwen3          # the hybrid template; qwen3_nothink would drop the thought
enable_thinking: true    # false removes every <think> block from the labels
cutoff_len: 4096         # cuts long answers, action first, without a word: see ordebug data audit --max-length
output_dir: out
per_device_train_batch_size: 4
gradient_accumulation_steps: 4
learning_rate: 1.0e-4
num_train_epochs: 3
lr_scheduler_type: cosine
warmup_ratio: 0.05
bf16: true
seed: 42
"""

LLAMAFACTORY = Peer(
    "0.9.5",
    conversation_row,
    {"dataset_info.json": json.dumps(REGISTRY, indent=2) + "\n", "sft.yaml": SETTINGS},
    "llamafactory-cli train sft.yaml",
)
