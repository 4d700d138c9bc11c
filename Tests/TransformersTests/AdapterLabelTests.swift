import Architectures
import Foundation
import TestSupport
import Testing

@testable import Transformers

@Suite("Labels beside adapters")
struct AdapterLabelTests {
    private let base = fixture("bert-tiny")

    private func saved(in folder: URL) throws -> URL {
        let file = folder.appending(path: AdapterWriter.labelsName)
        let model = try AutoModel.load(
            from: base, labelNames: ["a wren", "a robin", "a \"rook\""], task: .multiLabel,
            ignoreMismatchedSizes: true
        ).model
        try model.adapt(LoRAOptions(rank: 2), seed: 1)
        try AdapterWriter.save(model, base: base.standardizedFileURL.path, to: folder)
        #expect(FileManager.default.fileExists(atPath: file.path))
        return file
    }

    @Test("a classifier's names and task come back with its adapters")
    func names() throws {
        try withTemporaryDirectory { folder in
            _ = try saved(in: folder)
            let model = try AdapterReader(folder).model(base: base)
            #expect(model.configuration.labelNames == ["a wren", "a robin", "a \"rook\""])
            #expect(model.configuration.task == .multiLabel)
        }
    }

    @Test("a file that does not fit is refused by its field")
    func refusals() throws {
        try withTemporaryDirectory { folder in
            let file = try saved(in: folder)
            for (text, part) in [
                (#"{"id2label": {"0": "a", "1": "b"}, "task": "regression"}"#, "names 2 labels"),
                (#"{"id2label": {"0": "a", "2": "b"}, "task": "regression"}"#, "has no name for 1"),
                (#"{"id2label": {}, "task": "regression"}"#, "must be an object of names"),
                (#"{"id2label": {"0": "a"}, "task": "sentence_embedding"}"#, "\"task\" must be one of"),
                (#"{"id2label": {"0": "a"}}"#, "\"task\" must be one of"),
            ] {
                try Data(text.utf8).write(to: file)
                let error = #expect(throws: TransformersError.self) {
                    try AdapterReader(folder).model(base: base)
                }
                #expect(error?.description.contains(file.path) == true, "\(text)")
                #expect(error?.description.contains(part) == true, "\(error?.description ?? "")")
            }
        }
    }
}
