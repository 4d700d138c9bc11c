import ChatTemplates
import Datasets
import Foundation
import JSON
import TestSupport
import Testing
import Tokenizers

@testable import Conversations

@Suite("What a model's files say")
struct ModelFileTests {
    @Test("stop tokens are the generation's, else the configuration's, else the tokenizer's")
    func stops() throws {
        func tokens(_ name: String) throws -> LanguageModelTokens { try Support.encoder(name).tokens }
        #expect(
            try tokens("bytes")
                == LanguageModelTokens(eosID: 1, generationEOSIDs: [1, 0], configurationEOSIDs: [1]))
        #expect(try tokens("pieces") == LanguageModelTokens(bosID: 1, eosID: 2, configurationEOSIDs: [2]))
        #expect(try tokens("begin") == LanguageModelTokens(bosID: 0, eosID: 1, generationEOSIDs: [1, 4]))
        #expect(try tokens("bytes").stopIDs == [1, 0] && tokens("pieces").stopIDs == [2])
        #expect(LanguageModelTokens(eosID: 7).stopIDs == [7] && LanguageModelTokens().stopIDs.isEmpty)
    }

    @Test("ids that are none are refused by file and key")
    func refusals() throws {
        let tokenizer = try Support.encoder("bytes").tokenizer
        for (text, expected) in [
            (
                #"{"eos_token_id": "a"}"#,
                #"eos_token_id must be an integer from 0 on or a list of such, got "a""#
            ),
            (#"{"eos_token_id": [1, -1]}"#, "got -1"), (#"{"eos_token_id": 1.5}"#, "got 1.5"),
            (#"{"eos_token_id": 4294967296}"#, "got 4294967296"),
            ("[]", "is not an object; give the model's own file"),
        ] {
            try withTemporaryDirectory { directory in
                try Data(text.utf8).write(to: directory.appending(path: "generation_config.json"))
                let error = #expect(throws: ConversationsError.self) {
                    try LanguageModelTokens.load(directory: directory, tokenizer: tokenizer)
                }
                #expect(error?.description.contains("generation_config.json: ") == true)
                #expect(error?.description.hasSuffix(expected) == true, "\(error?.description ?? "")")
            }
        }
        try withTemporaryDirectory { directory in
            #expect(try LanguageModelTokens.load(directory: directory, tokenizer: tokenizer).stopIDs == [1])
            try Data(#"{"text_config": {"eos_token_id": [3]}, "eos_token_id": null}"#.utf8).write(
                to: directory.appending(path: "generation_config.json"))
            try Data(#"{"text_config": {"eos_token_id": [3]}}"#.utf8).write(
                to: directory.appending(path: "config.json"))
            #expect(try LanguageModelTokens.load(directory: directory, tokenizer: tokenizer).stopIDs == [3])
        }
    }

    private func message(_ data: [UInt8], _ encoder: TrainingTextEncoder) -> String {
        do {
            _ = try Support.read(data, encoder)
            return "not refused"
        } catch { return Support.shortened("\(error)") }
    }

    @Test("messages without a template, a template's own refusal, and a length that holds no target")
    func templates() throws {
        let base = try Support.encoder("bytes")
        let chat: JSONValue = [
            "messages": [["role": "user", "content": "a"], ["role": "assistant", "content": "b"]]
        ]
        let bare = try TrainingTextEncoder(tokenizer: base.tokenizer, tokens: base.tokens)
        #expect(
            message(Support.lines([chat]), bare).hasPrefix(
                "d.jsonl: there is no chat template, which conversations need; use a model that has one"))
        #expect(message(Support.lines([["text": "a"]]), bare) == "not refused")
        let unknown = try TrainingTextEncoder(
            tokenizer: base.tokenizer, tokens: base.tokens, templates: base.templates,
            options: TrainingTextOptions(templateName: "rag"))
        #expect(
            message(Support.lines([chat]), unknown).contains("there is no chat template \"rag\"; there are: ")
        )
        let refusing = try ChatTemplate(
            source:
                "{% for m in messages %}{% if m.content == 'x' %}{{ raise_exception('no x') }}{% endif %}{% endfor %}"
        )
        let picky = try TrainingTextEncoder(
            tokenizer: base.tokenizer, tokens: base.tokens,
            templates: ChatTemplates(templates: ["default": refusing]))
        let bad: JSONValue = [
            "messages": [["role": "user", "content": "x"], ["role": "assistant", "content": "b"]]
        ]
        let text = message(Support.lines([chat, bad]), picky)
        #expect(text.hasPrefix("d.jsonl, line 2: ") && text.contains("no x"), "\(text)")
        #expect(
            throws: ConversationsError(
                "the maximum length is 1; give at least 2, a token and the one that follows it")
        ) {
            try Support.encoder("bytes", maxLength: 1)
        }
    }

    @Test("a template's options reach it, and win over special tokens")
    func variables() throws {
        let base = try Support.encoder("bytes")
        let template = try ChatTemplate(
            source:
                "{{ eos_token }}{{ bos_token }}{{ mode }}{% for m in messages %}{{ m.content }}{% endfor %}")
        let record = TrainingRecord(
            .messages(
                [["role": "user", "content": "a"], ["role": "assistant", "content": "b"]], tools: nil))
        let encoder = try TrainingTextEncoder(
            tokenizer: base.tokenizer, tokens: base.tokens,
            templates: ChatTemplates(templates: ["default": template]),
            options: TrainingTextOptions(templateVariables: ["mode": "m", "bos_token": "B"]))
        #expect(try encoder.render(record).text == "<|im_end|>Bmab")
    }

    @Test("a completion whose prompt the template writes otherwise is refused")
    func changedPrompt() throws {
        let base = try Support.encoder("bytes")
        let template = try ChatTemplate(
            source:
                "{{ messages | length }}{% for m in messages %}{% generation %}{{ m.content }}{% endgeneration %}{% endfor %}"
        )
        let encoder = try TrainingTextEncoder(
            tokenizer: base.tokenizer, tokens: base.tokens,
            templates: ChatTemplates(templates: ["default": template]))
        let messages: [JSONValue] = [
            ["role": "user", "content": "a"], ["role": "assistant", "content": "b"],
        ]
        #expect(throws: ChatTemplateError.self) {
            try encoder.encode(TrainingRecord(.continuation(messages: messages, trainedFrom: 1, tools: nil)))
        }
    }
}
