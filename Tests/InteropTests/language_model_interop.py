"""Opens language models and their tokenizers with transformers and holds them to what distill says of them.

    python language_model_interop.py CLAIMS.json

CLAIMS.json: a list of {"directory": …, "texts": [{"text": …, "ids": […]}…],
"chats": [{"template": its name, "messages": […], "generation": true or false, "text": …, "ids": […]}…],
"logits": {"shape": [tokens, vocabulary], "values": […]} of the first text's ids or null,
"generated": [{"prompt": [id…], "ids": [id…]}…]}
Exits with 1 and says what differs.
"""

import json
import sys
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

TOLERANCE = 1e-5


FAILURES = []


def check(holds, what):
    if not holds:
        FAILURES.append(what)


def compare_tokenizer(claim):
    directory = claim["directory"]
    tokenizer = AutoTokenizer.from_pretrained(directory)
    for each in claim["texts"]:
        ids = tokenizer(each["text"])["input_ids"]
        check(ids == each["ids"], f"{directory}: {each['text']!r} has the ids {ids}, not {each['ids']}")
        text = tokenizer.decode(ids, skip_special_tokens=True, clean_up_tokenization_spaces=False)
        check(text == each["decoded"], f"{directory}: {ids} are the text {text!r}, not {each['decoded']!r}")
    for each in claim["chats"]:
        name = each["template"]
        settings = dict(add_generation_prompt=each["generation"], chat_template=None if name == "default" else name)
        text = tokenizer.apply_chat_template(each["messages"], tokenize=False, **settings)
        check(text == each["text"], f"{directory}: the chat is {text!r}, not {each['text']!r}")
        ids = tokenizer.apply_chat_template(each["messages"], tokenize=True, return_dict=True, **settings)["input_ids"]
        check(ids == each["ids"], f"{directory}: the chat {text!r} has the ids {ids}, not {each['ids']}")
    return tokenizer


def compare_model(claim):
    directory = claim["directory"]
    model, info = AutoModelForCausalLM.from_pretrained(directory, output_loading_info=True, dtype=torch.float32)
    model.eval()
    for key in ["missing_keys", "unexpected_keys", "mismatched_keys", "error_msgs"]:
        check(not info.get(key), f"{directory}: {key}: {info.get(key)}")
    with torch.no_grad():
        theirs = model(torch.tensor([claim["texts"][0]["ids"]])).logits[0]
    ours = torch.tensor(claim["logits"]["values"]).reshape(claim["logits"]["shape"])
    error = ((theirs - ours).abs().max() / theirs.abs().max()).item()
    check(error <= TOLERANCE, f"{directory}: the logits differ by {error}")
    check(len(claim["generated"]) > 0, "nothing was generated")
    for each in claim["generated"]:
        prompt = torch.tensor([each["prompt"]])
        made = model.generate(prompt, attention_mask=torch.ones_like(prompt), do_sample=False, max_new_tokens=len(each["ids"]))
        ids = made[0, len(each["prompt"]):].tolist()
        check(ids == each["ids"], f"{directory}: after {each['prompt']} comes {ids}, not {each['ids']}")
    return error


def main():
    claims = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    check(len(claims) > 0, "there is nothing to compare")
    for claim in claims:
        compare_tokenizer(claim)
        if claim["logits"] is not None:
            print(f"{Path(claim['directory']).name}: relative error of the logits {compare_model(claim):.1e}")
    if FAILURES:
        sys.exit("transformers disagrees:\n" + "\n".join(FAILURES))
    print(f"{len(claims)} directories agree")


if __name__ == "__main__":
    main()
