import Deployment
import Distillation
import Exporters
import Files
import Foundation
import GGUF
import JSON
import RegularExpressions
import Testing
import Tokenizers

/// GGUF files of this package, opened by Python's `gguf` and run by llama.cpp.
@Suite("llama.cpp runs GGUF files", .enabled(if: Python.isThere && Python.has("gguf", "xllamacpp")))
struct GGUFInteropTests {
    private static let script = Fixtures.folder.appending(path: "gguf_interop.py").path
    private static let tokenizers = Fixtures.folder.deletingLastPathComponent()
        .appending(path: "ConversationsTests/Fixtures")
    private static let texts = [
        "The user asks: what is 1234567? It's 3.14, isn't IT?",
        "Gr\u{FC}\u{DF}e  aus K\u{F6}ln.\n\n\u{65E5}\u{672C}\u{8A9E} \u{1F468}\u{200D}\u{1F469}\u{200D}\u{1F467} it's fine",
        "  x", "", " ", "a  b   c\t\td\r\n\n e", "<|im_end|>a </s> b<s>",
        "snake_case camelCase 12 345 6789 x=10;",
    ]

    @Test("every family: the keys, the values, the ids, the log-probabilities and greedy texts")
    func families() throws {
        let place = try TemporaryDirectory()
        let made = try Python.run([Self.script, "make", place.url.path, Self.tokenizers.path])
        try #require(made.status == 0, "\(made.output)")
        let names = try FileManager.default.contentsOfDirectory(atPath: place.url.path).sorted()
        #expect(names.count == 11)
        var claims: [JSONValue] = []
        for name in names {
            let directory = place.url.appending(path: name)
            let types: [GGUFOutputType] = name == "llama" ? GGUFOutputType.allCases : [.f32, .q80]
            for type in types { claims.append(try Self.claim(name, directory, type)) }
        }
        try Self.expectPythonAgrees(claims, in: place)
    }

    @Test(
        "a student with some of its teacher's tokens, a GGUF file itself: its ids, log-probabilities and greedy texts"
    )
    func trimmed() throws {
        let place = try TemporaryDirectory()
        let made = try Python.run([Self.script, "make", place.url.path, Self.tokenizers.path])
        try #require(made.status == 0, "\(made.output)")
        let data = place.url.appending(path: "texts.jsonl")
        let lines = (0..<12).map { #"{"text": "the user asks for \#($0 * 7), isn't it?"}"# }
        try Data((lines.joined(separator: "\n") + "\n").utf8).write(to: data)
        let teacher = place.url.appending(path: "teacher.gguf")
        var export = GGUFExportRequest(model: place.url.appending(path: "llama"), output: teacher)
        export.type = .f32
        _ = try GGUFExportRun(export).run()
        let output = place.url.appending(path: "trimmed")
        var request = DistillRequest(teacher: teacher, data: DataRequest(train: data), output: output)
        request.cache.directory = place.url.appending(path: "cache")
        request.student.layers = 1
        request.student.trimVocabulary = true
        request.training.maxSteps = 2
        let report = try DistillationRun(request).run()
        #expect(report.vocabulary.map { $0.tokensAfter < $0.tokensBefore } == true)
        try Self.expectPythonAgrees([Self.claim("llama", output, .f32)], in: place)
    }

    /// Exports a model, and says what is in the file.
    private static func claim(_ name: String, _ directory: URL, _ type: GGUFOutputType) throws -> JSONValue {
        let output = directory.appending(path: "\(type.rawValue).gguf")
        var request = GGUFExportRequest(model: directory, output: output)
        request.type = type
        _ = try GGUFExportRun(request).run()
        let tokenizer = try Tokenizer.load(directory: directory)
        let texts = try texts.map { text -> JSONValue in
            ["text": .string(text), "ids": .array(try tokenizer.encode(text).ids.map { .integer(Int($0)) })]
        }
        let checkpoint = try GGUFCheckpoint(file: output)
        var tensors: JSONObject = [:]
        for info in checkpoint.tensors {
            var floats = [Float](repeating: 0, count: info.elementCount)
            try floats.withUnsafeMutableBufferPointer { try checkpoint.decode(info.name, into: $0) }
            tensors[info.name] = .string(floats.withUnsafeBytes { Digest.sha256($0) })
        }
        return [
            "name": .string(name), "directory": .string(directory.path), "file": .string(output.path),
            "floats": .string(directory.appending(path: "f32.gguf").path), "type": .string(type.rawValue),
            "texts": .array(texts), "tensors": .object(tensors),
        ]
    }

    private static func expectPythonAgrees(_ claims: [JSONValue], in place: TemporaryDirectory) throws {
        let file = place.url.appending(path: "claims.json")
        try Data(JSONValue.array(claims).serialized().utf8).write(to: file)
        let result = try Python.run([script, "check", file.path])
        #expect(result.status == 0, "\(result.output)")
    }
}
