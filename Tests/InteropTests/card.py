"""Opens model cards with huggingface_hub and PyYAML and holds them to what they must say.

    python card.py CLAIMS.json

CLAIMS.json: a list of {"directory": …, "metadata": {name: value}, "absent": [names], "results": [[split, metric, value]…]}

The Hub's own check of metadata is a request to its server (`RepoCard.validate` posts to /api/validate-yaml), which a test
without a network cannot make. What is checked here is everything that huggingface_hub does by itself: it reads the block, builds
`ModelCardData`, validates the evaluation results, and writes the same data again.
Exits with 1 and says what differs.
"""

import json
import sys
from pathlib import Path

import yaml
from huggingface_hub import ModelCard, ModelCardData
from huggingface_hub.repocard_data import eval_results_to_model_index, model_index_to_eval_results
from huggingface_hub.utils import validate_repo_id


def check(holds, what):
    if not holds:
        sys.exit(f"huggingface_hub disagrees: {what}")


def main():
    claims = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    check(len(claims) > 0, "there is nothing to check")
    for claim in claims:
        path = Path(claim["directory"], "README.md")
        text = path.read_text(encoding="utf-8")
        card = ModelCard.load(path, ignore_metadata_errors=False)
        check(isinstance(card.data, ModelCardData), f"{path}: {type(card.data)}")
        block = yaml.safe_load(text.split("---\n")[1])
        for name, value in claim["metadata"].items():
            check(block.get(name) == value, f"{path}: {name} is {block.get(name)!r}, not {value!r}")
            if name not in ["model-index"]:
                check(getattr(card.data, name, None) == value, f"{path}: card.data.{name} is {getattr(card.data, name, None)!r}")
        for name in claim["absent"]:
            check(name not in block, f"{path}: {name} is there: {block.get(name)!r}")
        for name in ["base_model", "datasets"]:
            values = block.get(name) or []
            for value in [values] if isinstance(values, str) else values:
                validate_repo_id(value)
        for name, value in block.items():
            strings = value if isinstance(value, list) else [value]
            if name != "model-index":
                check(all(isinstance(entry, str) for entry in strings), f"{path}: {name} is {value!r}, not text")

        model_name, results = model_index_to_eval_results(block["model-index"])
        check(model_name == Path(claim["directory"]).name, f"{path}: the model is called {model_name!r}")
        found = [[result.dataset_split, result.metric_name, result.metric_value] for result in results]
        check(len(found) == len(claim["results"]), f"{path}: {len(found)} results, not {len(claim['results'])}")
        for own, wanted in zip(found, claim["results"], strict=True):
            check(own[:2] == wanted[:2] and abs(own[2] - wanted[2]) < 1e-5, f"{path}: {own}, not {wanted}")
        for result in results:
            check(result.verified is False, f"{path}: verified is {result.verified}")
            check(result.task_type == "text-classification", f"{path}: task {result.task_type}")
            check("/" not in result.dataset_name, f"{path}: the data is called {result.dataset_name}")
        check(card.data.eval_results == results, f"{path}: card.data has other results")
        again = eval_results_to_model_index(model_name, results)
        check(model_index_to_eval_results(again)[1] == results, f"{path}: the results do not survive")
        check(yaml.safe_load(card.data.to_yaml())["tags"] == block["tags"], f"{path}: the data do not survive")
        check(card.text.lstrip().startswith("# "), f"{path}: no heading follows the metadata")
    print(f"{len(claims)} cards agree")


if __name__ == "__main__":
    main()
