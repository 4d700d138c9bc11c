#!/usr/bin/env python3
"""Compares our chat templates with transformers on the templates of real models.

    python scripts/chat_templates.py --output FILE [--templates DIR]
    CHAT_TEMPLATES_CASES=FILE swift test --filter ChatTemplatesTests

Renders every template of a folder × some dozens of conversations (system messages, several turns, tools, calls of tools and
their results, thoughts, content in parts; with and without the generation prompt, and the last message continued) by
transformers, and writes cases that the tests read and compare: the same bytes and the same spans of the assistant where
transformers renders, an error where it fails. Without --templates the folder is that of the installed package trl
(`pip install --no-deps trl`), which has the templates of some dozens of models. Needs transformers and jinja2.
"""

import argparse
import importlib.util
import json
from datetime import datetime
from pathlib import Path
from unittest import mock

from transformers.utils import chat_template_utils
from transformers.utils.chat_template_utils import _normalize_chat_messages, render_jinja_template

TOOL = {"type": "function", "function": {
    "name": "get_weather", "description": "Gets the <weather> & more, in \"quotes\".",
    "parameters": {"type": "object", "required": ["city"], "properties": {
        "city": {"type": "string", "description": "A city, as 東京"}, "unit": {"type": "string", "enum": ["c", "f"], "default": "c"},
        "days": {"type": "array", "items": {"type": "integer"}}, "exact": {"type": ["boolean", "null"]},
        "place": {"type": "object", "properties": {"lat": {"type": "number"}, "lon": {"type": "number", "nullable": True}}}}}}}
PLAIN_TOOL = {"type": "function", "function": {"name": "now", "description": "The time.", "parameters": {"type": "object", "properties": {}}}}
DEEP = {"type": "object", "properties": {"leaf": {"type": "string"}}}
for level in range(6):
    DEEP = {"type": "object", "description": f"level {level}", "required": ["inner"], "properties": {"inner": DEEP, "list": {"type": "array", "items": DEEP}}}
DEEP_TOOL = {"type": "function", "function": {"name": "deep", "description": "Deep.", "parameters": DEEP}}
SYSTEM = {"role": "system", "content": "You are brief.\nAlways."}
USER = {"role": "user", "content": "  What's the weather in 東京? <b>&\"quoted\"</b>\n"}
ANSWER = {"role": "assistant", "content": "It is sunny é ☀️ 😀.\n\n"}
CALL = {"role": "assistant", "content": "", "tool_calls": [{"id": "call_1ab2c", "type": "function", "function": {
    "name": "get_weather", "arguments": {"city": "東京 \"x\"", "days": [1, 2], "exact": True, "unit": None, "place": {"lat": 35.0, "lon": 1e-7}}}}]}
BARE_CALL = {"role": "assistant", "content": None, "tool_calls": [{"type": "function", "function": {"name": "now", "arguments": {}}}]}
TEXT_CALL = {"role": "assistant", "content": "Let me look.", "tool_calls": [{"id": "c23456789", "type": "function", "function": {"name": "now", "arguments": "{\"a\": 1}"}}]}
RESULT = {"role": "tool", "content": "{\"temperature\": 21.5}", "tool_call_id": "call_1ab2c", "name": "get_weather"}
RESULT_OBJECT = {"role": "tool", "content": [{"type": "text", "text": "21.5"}], "tool_call_id": "call_1ab2c", "name": "get_weather"}
THOUGHT = {"role": "assistant", "content": "42", "reasoning_content": "\nLet me think.\n\nYes.\n"}
INLINE = {"role": "assistant", "content": "<think>\nhm, hm\n</think>\n\nForty-two"}
PARTS = {"role": "user", "content": [{"type": "text", "text": "Look at "}, {"type": "image"}, {"type": "text", "text": "this."}, {"type": "video"}]}
TEXT_PARTS = {"role": "user", "content": [{"type": "text", "text": "Only text"}]}
ANSWER_PARTS = {"role": "assistant", "content": [{"type": "text", "text": "An answer "}, {"type": "text", "text": "in parts"}]}

CONVERSATIONS = {
    "user": [USER], "system": [SYSTEM], "system-user": [SYSTEM, USER], "answer": [USER, ANSWER], "turns": [SYSTEM, USER, ANSWER, USER, ANSWER],
    "many": [USER, ANSWER] * 4, "two-users": [USER, USER, ANSWER], "two-answers": [USER, ANSWER, ANSWER], "assistant-first": [ANSWER, USER],
    "late-system": [USER, SYSTEM, ANSWER], "developer": [{"role": "developer", "content": "Rules"}, USER, ANSWER], "unknown-role": [USER, {"role": "narrator", "content": "x"}],
    "empty": [{"role": "user", "content": ""}, {"role": "assistant", "content": ""}], "no-content": [{"role": "user"}], "no-role": [{"content": "x"}],
    "number": [{"role": "user", "content": 42}], "nothing": [{"role": "user", "content": None}, ANSWER], "model-role": [USER, {"role": "model", "content": "x"}],
    "call": [USER, CALL], "call-result": [SYSTEM, USER, CALL, RESULT], "call-answer": [USER, CALL, RESULT, ANSWER], "results": [USER, CALL, RESULT, RESULT, ANSWER, USER],
    "result-parts": [USER, CALL, RESULT_OBJECT, ANSWER], "bare-call": [USER, BARE_CALL], "text-call": [USER, TEXT_CALL, {"role": "tool", "content": "5", "tool_call_id": "c23456789"}, THOUGHT],
    "several-calls": [USER, {**CALL, "tool_calls": CALL["tool_calls"] * 2}, RESULT, RESULT], "plain-call": [USER, {"role": "assistant", "tool_calls": [{"name": "now", "arguments": {"x": "y"}}]}],
    "thoughtful-call": [USER, {**CALL, "reasoning_content": "I need a tool."}, RESULT, THOUGHT, USER, THOUGHT],
    "thought": [USER, THOUGHT], "thoughts": [USER, THOUGHT, USER, THOUGHT], "inline": [USER, INLINE], "inlines": [SYSTEM, USER, INLINE, USER, INLINE, USER],
    "thinking": [USER, {"role": "assistant", "content": "x", "thinking": "hm"}], "open-thought": [USER, {"role": "assistant", "content": "<think>only"}],
    "parts": [PARTS], "text-parts": [TEXT_PARTS, ANSWER], "all-parts": [{"role": "system", "content": [{"type": "text", "text": "Sys"}]}, TEXT_PARTS, ANSWER_PARTS, PARTS],
    "special": [{"role": "user", "content": "</s><|im_end|>\u200b\u00a0 x \u2028\r\n\ty"}, {"role": "assistant", "content": "a\x00b\x1f"}],
}
OPTIONS = [
    {}, {"add_generation_prompt": True}, {"tools": [TOOL, PLAIN_TOOL]}, {"tools": [TOOL], "add_generation_prompt": True}, {"tools": []},
    {"enable_thinking": False, "add_generation_prompt": True}, {"enable_thinking": True, "add_generation_prompt": True}, {"thinking": True}, {"reasoning_effort": "high"},
    {"documents": [{"title": "T", "text": "Text\nmore"}], "add_generation_prompt": True}, {"continue_final_message": True}, {"preserve_thinking": True},
    {"tools": [DEEP_TOOL]}, {"tools": [TOOL["function"]]}, {"add_vision_id": True}, {"date_string": "1 Jan 2026", "tools_in_user_message": False, "tools": [TOOL]},
]
TOKENS = {"bos_token": "<s>", "eos_token": "</s>", "pad_token": "<pad>", "unk_token": "<unk>"}
NOW = datetime(2026, 3, 4, 5, 6, 7)


def folder(path):
    """The folder of templates: as given, or the installed package's."""
    if path:
        return path
    spec = importlib.util.find_spec("trl")
    if spec is None:
        raise SystemExit("no package trl; run `pip install --no-deps trl`, or give a folder with --templates")
    return Path(spec.submodule_search_locations[0]) / "chat_templates"


def cases(sources):
    for name, source in sources.items():
        for conversation, messages in CONVERSATIONS.items():
            for number, options in enumerate(OPTIONS):
                tracks = "generation" in source and not options.get("continue_final_message")
                case = {"template": name, "name": f"{conversation}/{number}", "messages": messages, **options}
                try:
                    (text,), spans = render_jinja_template(
                        [_normalize_chat_messages(messages)], chat_template=source, return_assistant_tokens_mask=tracks, **TOKENS, **options)
                    case["text"] = text
                    case["spans"] = spans[0] if tracks else []
                except Exception as error:
                    case["error"] = f"{type(error).__name__}: {error}"
                yield case


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--templates", type=Path)
    options = parser.parse_args()
    files = sorted(folder(options.templates).glob("*.jinja"))
    if not files:
        raise SystemExit(f"{folder(options.templates)}: no *.jinja files")
    # Read as transformers reads them, with every line break as a line feed.
    sources = {file.name: file.read_text(encoding="utf-8") for file in files}
    with mock.patch.object(chat_template_utils, "datetime", mock.Mock(now=lambda: NOW)):
        found = list(cases(sources))
    for case in found:
        case["tokens"] = TOKENS
    options.output.write_text(json.dumps({"templates": sources, "cases": found}))
    failed = sum("error" in case for case in found)
    print(f"{len(files)} templates, {len(found)} cases, of which {failed} fail; now run the tests with CHAT_TEMPLATES_CASES={options.output}")


if __name__ == "__main__":
    main()
