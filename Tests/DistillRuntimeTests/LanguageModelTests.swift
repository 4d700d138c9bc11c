import Decoding
import Foundation
import JSON
import Safetensors
import TestSupport
import Testing

@testable import DistillRuntime

@Suite("Language models of the runtime")
struct LanguageModelTests {
    private func cases() throws -> [JSONValue] {
        try #require(
            JSONValue.load(contentsOf: generationFixtures.appending(path: "text.json")).arrayValue)
    }

    @Test("transformers' texts, as they come and where they stop")
    func texts() throws {
        let model = try LanguageModel(textModel.path)
        #expect(model.defaults.maxNewTokens == 48 && model.defaults.stopTokenIDs == [1])
        for text in try cases() {
            let prompt = LanguageModel.Prompt.text(text["prompt"].text)
            #expect(try model.tokens(of: prompt) == text["ids"].tokens)
            var (pieces, options) = ("", model.defaults)
            let made = try model.generate([prompt]) { event in
                if case .piece(_, let text) = event { pieces += text }
            }
            #expect(made[0].tokenIDs == text["tokens"].tokens)
            #expect(made[0].text == text["text"].text && pieces == made[0].text)
            options.stopStrings = ["never", text["stop"].text]
            let stopped = try model.generate([prompt], options)[0]
            #expect(stopped.tokenIDs == text["stopped"].tokens && stopped.finishReason == .stop)
        }
    }

    @Test("the same texts together, and by draws that depend on the prompt's number alone")
    func together() throws {
        let model = try LanguageModel(textModel.path, .init(batchSize: 3))
        var options = model.defaults
        (options.temperature, options.topP, options.maxNewTokens) = (0.9, 0.9, 12)
        let prompts = try cases().map { LanguageModel.Prompt.text($0["prompt"].text) }
        let together = try model.generate(prompts, options)
        #expect(Set(together.map(\.text)).count > 1)
        for (number, prompt) in prompts.enumerated() {
            #expect(try model.generate([prompt], options, firstPrompt: number) == [together[number]])
        }
        options.seed = 7
        #expect(try model.generate(prompts, options) != together)
    }

    @Test("pieces by an asynchronous stream, and texts without holding a thread")
    func asynchronous() async throws {
        let model = try LanguageModel(textModel.path)
        let prompt = LanguageModel.Prompt.text(try cases()[0]["prompt"].text)
        var pieces = ""
        for try await piece in model.stream(prompt) { pieces += piece }
        let expected = try cases()[0]["text"].text
        #expect(pieces == expected)
        #expect(try await model.generate([prompt])[0].text == expected)
        // Who ends the loop ends the generation.
        for try await _ in model.stream(prompt) { break }
        await #expect(throws: GenerationError.self) {
            for try await _ in model.stream(.tokens([9999])) {}
        }
        let task = Task { () -> [GeneratedText] in
            withUnsafeCurrentTask { $0?.cancel() }
            return try await model.generate([prompt])
        }
        await #expect(throws: CancellationError.self) { try await task.value }
    }

    @Test("a chat template writes prompts")
    func chat() throws {
        try withModel { folder in
            #expect(try !LanguageModel(folder.path).hasChatTemplate)
            let plain = try LanguageModel(folder.path)
            #expect(plain.prompt("a") == .text("a"))
            #expect(throws: GenerationError.self) { try plain.tokens(of: plain.prompt("a", isChat: true)) }
            let template =
                "{% for m in messages %}<{{ m.role }}>{{ m.content }}{% endfor %}{% if add_generation_prompt %}<assistant>{% endif %}"
            try template.write(
                to: folder.appending(path: "chat_template.jinja"), atomically: true, encoding: .utf8)
            let model = try LanguageModel(folder.path)
            let ids = try model.tokens(of: model.prompt("a"))
            #expect(try model.tokenizer.decode(ids) == "<user>a<assistant>")
            #expect(model.prompt("a", isChat: false) == .text("a"))
        }
    }

    @Test("what cannot be generated")
    func refusals() throws {
        let model = try LanguageModel(textModel.path)
        var options = model.defaults
        options.temperature = -1
        #expect(throws: GenerationError.self) { try model.generate([.text("a")], options) }
        #expect(throws: GenerationError.self) { try model.generate([.tokens([])]) }
        #expect(throws: GenerationError.self) { try model.generate([.tokens([267])]) }
        #expect(throws: GenerationError.self) {
            try model.generate([.tokens(.init(repeating: 2, count: 201))])
        }
        #expect(throws: RuntimeError.self) { try model.logits([]) }
        #expect(throws: RuntimeError.self) { try model.logits([-1]) }
        #expect(throws: RuntimeError.self) { try LanguageModel(textModel.path, .init(batchSize: 0)) }
        #expect(try model.generate([]).isEmpty)
        // A text has as many tokens as there are positions, and one that follows them.
        let last = try model.generate([.tokens(.init(repeating: 2, count: 200))])[0]
        #expect(last.tokenIDs.count == 1)
    }

    // MARK: - Directories

    private func withModel(_ body: (URL) throws -> Void) throws {
        try withTemporaryDirectory { folder in
            let copy = folder.appending(path: "model")
            try FileManager.default.copyItem(at: textModel, to: copy)
            try body(copy)
        }
    }

    private func expectRefusal(_ directory: URL, _ parts: String...) {
        let error = #expect(throws: (any Error).self) { _ = try LanguageModel(directory.path) }
        let text = error.map { String(describing: $0) } ?? ""
        for part in parts { #expect(text.contains(part), "\(text)") }
        #expect(!text.contains("\n"))
    }

    /// Writes the tensors again, changed.
    private func change(_ folder: URL, _ body: (inout [SafetensorsWriter.Entry]) -> Void) throws {
        let file = folder.appending(path: "model.safetensors")
        let checkpoint = try SafetensorsCheckpoint(directory: folder)
        var entries = try checkpoint.tensors.map { info in
            SafetensorsWriter.Entry(
                name: info.name, dtype: info.dtype, shape: info.shape,
                bytes: Array(try checkpoint.bytes(of: info.name)))
        }
        body(&entries)
        try SafetensorsWriter.write(entries, to: file)
    }

    @Test("weights that do not fit are named")
    func damagedWeights() throws {
        let query = "model.layers.1.self_attn.q_proj.weight"
        try withModel { folder in
            try change(folder) { $0.removeAll { $0.name == query } }
            expectRefusal(folder, folder.path, "has no tensor '\(query)'")
        }
        try withModel { folder in
            try change(folder) { entries in
                entries = entries.map {
                    $0.name == query
                        ? .init(
                            name: query, dtype: .float32, shape: [16, 15],
                            bytes: [UInt8](repeating: 0, count: 960)) : $0
                }
            }
            expectRefusal(folder, query, "[16, 15]", "[16, 16]")
        }
        for bad in [Float.nan, .infinity] {
            try withModel { folder in
                try change(folder) { entries in
                    entries = entries.map {
                        $0.name == query
                            ? .init(
                                name: query, dtype: .float32, shape: [16, 16],
                                bytes: (0..<256).flatMap { ($0 == 77 ? bad : 0).bytes }) : $0
                    }
                }
                expectRefusal(folder, query, "infinite or not a number")
            }
        }
        try withModel { folder in
            try change(folder) {
                $0.append(
                    .init(
                        name: "model.layers.2.input_layernorm.weight", dtype: .float32, shape: [16],
                        bytes: [UInt8](repeating: 0, count: 64)))
            }
            expectRefusal(folder, "more layers than the 2")
        }
        try withModel { folder in
            let file = folder.appending(path: "model.safetensors")
            try Data(contentsOf: file).prefix(2000).write(to: file)
            expectRefusal(folder, "model.safetensors")
        }
    }

    @Test("directories that hold no language model")
    func otherDirectories() throws {
        expectRefusal(tinyTeacher, "is an encoder")
        expectRefusal(URL(filePath: "/nowhere/model"), "/nowhere/model")
        expectRefusal(URL(filePath: "/nowhere/model.gguf"), "/nowhere/model.gguf")
        #expect(
            !LanguageModel.isLanguageModel(tinyTeacher.path) && !LanguageModel.isLanguageModel("/nowhere"))
        #expect(LanguageModel.isLanguageModel(textModel.path))
        #expect(throws: RuntimeError.self) { try RuntimeModel(textModel.path) }
        for name in ["tokenizer.json", "model.safetensors", "config.json"] {
            try withModel { folder in
                try FileManager.default.removeItem(at: folder.appending(path: name))
                expectRefusal(folder, folder.path)
            }
        }
        try withModel { folder in
            let file = folder.appending(path: "generation_config.json")
            try #"{"num_beams": 4}"#.write(to: file, atomically: true, encoding: .utf8)
            expectRefusal(folder, "num_beams")
        }
    }
}
