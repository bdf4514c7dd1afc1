"""A plugin for ``swift infer`` that writes the token ids the engine was given and gave, in the order of the prompts."""

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

from swift.pipelines.infer.infer import SwiftInfer


def infer(self: Any, requests: list[Any], config: Any, **kwargs: Any) -> list[Any]:
    responses: list[Any] = self.infer_engine.infer(requests, replace(config, return_details=True), **kwargs)
    with Path(os.environ["ENGINE_TOKENS"]).open("a") as file:
        for response in responses:
            row = {"prompt_token_ids": list(response.prompt_token_ids), "token_ids": response.choices[0].token_ids}
            file.write(json.dumps(row) + "\n")
    return responses


SwiftInfer.infer = infer
