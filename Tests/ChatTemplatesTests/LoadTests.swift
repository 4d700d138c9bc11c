import Foundation
import JSON
import TestSupport
import Testing

@testable import ChatTemplates

@Suite("Templates of a directory")
struct LoadTests {
    private func load(_ files: [String: [UInt8]]) throws -> ChatTemplates {
        var loaded: ChatTemplates?
        try withTemporaryDirectory { directory in
            for (name, bytes) in files {
                let file = directory.appending(path: name)
                try FileManager.default.createDirectory(
                    at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
                try Data(bytes).write(to: file)
            }
            loaded = try ChatTemplates.load(directory: directory)
        }
        return try #require(loaded)
    }

    private func load(_ files: [String: String]) throws -> ChatTemplates {
        try load(files.mapValues { Array($0.utf8) })
    }

    @Test("Files go before the configuration")
    func files() throws {
        let config =
            #"{"chat_template": "config", "bos_token": {"content": "<s>"}, "eos_token": "</s>", "pad_token": null}"#
        let both = try load(["chat_template.jinja": "file", "tokenizer_config.json": config])
        #expect(both.names == ["default"])
        #expect(try both.template().source == "file")
        #expect(both.specialTokens == ["bos_token": "<s>", "eos_token": "</s>"])
        #expect(try load(["tokenizer_config.json": config]).template().source == "config")
        let several = try load([
            "chat_template.jinja": "a", "additional_chat_templates/rag.jinja": "b",
            "additional_chat_templates/x.txt": "c",
        ])
        #expect(several.names == ["default", "rag"])
    }

    @Test("Several templates are chosen from by name, or by whether there are tools")
    func choice() throws {
        let config =
            #"{"chat_template": [{"name": "default", "template": "d"}, {"name": "tool_use", "template": "t"}]}"#
        let templates = try load(["tokenizer_config.json": config])
        #expect(try templates.template().source == "d")
        #expect(try templates.template(hasTools: true).source == "t")
        #expect(try templates.template(named: "default", hasTools: true).source == "d")
        #expect(throws: ChatTemplateError.unknownTemplate(name: "rag", available: ["default", "tool_use"])) {
            try templates.template(named: "rag")
        }
        #expect(try load(["tokenizer_config.json": "{}"]).names == [])
        #expect(throws: ChatTemplateError.self) { try load([:] as [String: String]).template() }
    }

    @Test("Damaged files are refused by name")
    func damaged() {
        let bad: [[String: [UInt8]]] = [
            ["chat_template.jinja": [0x61, 0xFF, 0xFE]], ["chat_template.jinja": Array("{% if %}".utf8)],
            ["tokenizer_config.json": Array("[]".utf8)],
            ["tokenizer_config.json": Array(#"{"chat_template": 3}"#.utf8)],
            ["tokenizer_config.json": Array(#"{"chat_template": [{"name": "x"}]}"#.utf8)],
            [
                "chat_template.jinja": Array(
                    "version https://git-lfs.github.com/spec/v1\noid x\nsize 3\n".utf8)
            ],
            ["chat_template.jinja/file": [0x61]],
        ]
        for files in bad { #expect(throws: ChatTemplateError.self) { try load(files) } }
    }

    @Test("Bytes that are unusual but valid are kept")
    func unusual() throws {
        let templates = try load(["chat_template.jinja": Array("a\0b\r\n{{ 1 }}\r\n".utf8)])
        #expect(try templates.template().render(messages: [[:]]).text == "a\0b\n1")
        #expect(try load(["chat_template.jinja": []]).template().render(messages: [[:]]).text == "")
        // A byte order mark before the text is none of it.
        let marked = try load(["chat_template.jinja": Array("\u{FEFF}a{{ 1 }}".utf8)])
        #expect(try marked.template().render(messages: [[:]]).text == "a1")
    }
}
