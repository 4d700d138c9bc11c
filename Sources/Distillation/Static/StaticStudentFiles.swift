import Files
import Foundation
import JSON
import Safetensors
import Tokenizers
import Torch

/// The directory of a static student, in the form of model2vec, which sentence-transformers opens too.
struct StaticStudentFiles {
    /// (V, H) float32.
    let table: Tensor
    let vocabulary: StaticVocabulary
    let card: ModelCardOptions

    /// Writes the files, and notes the table's size in the report.
    ///
    /// - Throws: `FileError` where one cannot be written.
    func write(to directory: URL, _ report: inout StaticStudentReport) throws {
        let dtype = report.tableType.dtype
        let stored = try table.to(dtype).contiguous()
        try SafetensorsWriter.write(
            [
                .init(
                    name: "embeddings", dtype: report.tableType == .float16 ? .float16 : .float32,
                    shape: stored.shape, bytes: try stored.bytes())
            ], to: directory.appending(path: "model.safetensors"))
        report.bytesOnDisk = SafetensorsCheckpoint.weightBytes(in: directory)
        let files = [
            ("tokenizer.json", vocabulary.file),
            ("config.json", Self.text(configuration(report))),
            ("modules.json", Self.text(Self.modules)),
            ("README.md", try StaticModelCard(report, card).text),
            (StaticStudentReport.fileName, try JSONText.encode(report) + "\n"),
        ]
        for (name, text) in files { try AtomicFile.write(text, to: directory.appending(path: name)) }
    }

    private static func text(_ value: JSONValue) -> String { value.serialized(pretty: true) + "\n" }

    /// As model2vec writes it. All of a text is read, as sentence-transformers does with a table.
    private func configuration(_ report: StaticStudentReport) -> JSONValue {
        [
            "model_type": "model2vec", "architectures": ["StaticModel"],
            "tokenizer_name": .string(URL(filePath: report.teacher).lastPathComponent),
            "apply_pca": report.explainedVariance == nil ? .null : .integer(report.embeddingSize),
            "sif_coefficient": report.sif.map(JSONValue.number) ?? .null,
            "hidden_dim": .integer(report.embeddingSize), "seq_length": 1_000_000, "normalize": true,
            "pooling": "mean", "max_length": .null, "embedding_dtype": .string(report.tableType.rawValue),
        ]
    }

    private static let modules: JSONValue = [
        [
            "idx": 0, "name": "0", "path": ".", "type": "sentence_transformers.models.StaticEmbedding",
        ],
        [
            "idx": 1, "name": "1", "path": "1_Normalize", "type": "sentence_transformers.models.Normalize",
        ],
    ]
}
