import Foundation
import GGUF
import TestSupport
import Testing
import Torch

@testable import Transformers

/// Language models in GGUF files, as `scripts/fixtures/gguf_files.py` writes them.
@Suite("Language models from GGUF files")
struct GGUFSourceTests {
    static let names = ["llama", "llama-biases", "qwen2", "qwen3", "gpt2", "gemma3"]

    static func file(_ name: String) -> URL {
        URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: "GGUFTests/Fixtures/\(name).gguf")
    }

    @Test("a model has the file's values, and saved as a directory it is the same model", arguments: names)
    func loads(_ name: String) throws {
        let file = Self.file(name)
        let (model, report) = try AutoModel.load(from: file)
        #expect(report == LoadReport(newlyInitialized: [], unused: []))
        let stored = try GGUFModel(file: file)
        for entry in model.parameters.entries {
            let tensor = try #require(stored.tensor(named: entry.name))
            #expect(try entry.tensor.array(of: Float.self) == tensor.floats(), "\(entry.name)")
        }
        let input = PackedInput(inputIDs: [1, 3, 2, 5, 4, 6], offsets: [0, 4, 6])
        let logits = try model(input).logits
        #expect(try logits.shape == [6, model.configuration.vocabSize] && FiniteWeights.holds(logits))
        try withTemporaryDirectory { directory in
            try ModelWriter.save(model, to: directory)
            let (again, report) = try AutoModel.load(from: directory)
            #expect(report == LoadReport(newlyInitialized: [], unused: []))
            #expect(try again(input).logits.bytes() == logits.bytes())
        }
    }

    @Test("a file that lacks a tensor, or is cut, is an error that names it")
    func incomplete() throws {
        try withTemporaryDirectory { directory in
            let bytes = try Data(contentsOf: Self.file("llama"))
            let cut = directory.appending(path: "cut.gguf")
            try bytes.prefix(bytes.count / 2).write(to: cut)
            let error = #expect(throws: GGUFError.self) { try AutoModel.load(from: cut) }
            #expect(error?.description.contains("cut.gguf") == true)
        }
    }
}
