"""Unsloth: a program that renders the rows with the model's own template and trains the answers alone."""

from ordebug.converters.export.peer import MODEL, ROWS, Peer, conversation_row

PROGRAM = f'''"""LoRA SFT with Unsloth on one GPU; keeps <think>, trains the answer alone."""

from datasets import load_dataset
from trl import SFTConfig, SFTTrainer
from unsloth import FastLanguageModel
from unsloth.chat_templates import train_on_responses_only

model, tokenizer = FastLanguageModel.from_pretrained("{MODEL}", max_seq_length=4096, load_in_4bit=False)
model = FastLanguageModel.get_peft_model(model, r=32, lora_alpha=64, lora_dropout=0.0)  # 0 is its fast path
rows = load_dataset("json", data_files="{ROWS}", split="train")
# The model's own template, as where it is served; each row has one answer, so no thought is stripped.
rows = rows.map(lambda row: {{"text": tokenizer.apply_chat_template(row["messages"], tokenize=False)}})
settings = SFTConfig(
    output_dir="out",
    dataset_text_field="text",
    max_length=4096,
    learning_rate=1e-4,
    lr_scheduler_type="cosine",
    warmup_ratio=0.05,
    num_train_epochs=3,
    per_device_train_batch_size=4,
    gradient_accumulation_steps=8,
    seed=42,
)
trainer = SFTTrainer(model, args=settings, train_dataset=rows, processing_class=tokenizer)
trainer = train_on_responses_only(
    trainer, instruction_part="<|im_start|>user\\n", response_part="<|im_start|>assistant\\n"
)
trainer.train()
'''

UNSLOTH = Peer("2026.10.9", conversation_row, {"train.py": PROGRAM}, "python train.py")
