import Foundation
import JSON
import TestSupport
import Torch
import Transformers

@testable import Distillation

/// A tiny teacher for embeddings: the tiny classifier's encoder with modules behind it, saved as sentence-transformers saves it.
enum EmbeddingFixture {
    /// Writes a teacher's directory.
    ///
    /// - Parameter modules: Given the width of a token's vector, what follows the encoder.
    static func teacher(
        in folder: URL, _ name: String = "teacher",
        modules: @escaping (Int) -> SentenceTransformer = {
            SentenceTransformer(pooling: [.mean], width: $0, normalizes: true)
        }
    ) throws -> URL {
        let directory = folder.appending(path: name)
        let (model, _) = try AutoModel.loadEmbedding(
            from: Support.teacher, modules: { _, width in modules(width) })
        try ModelWriter.save(model, to: directory)
        try OutputDirectory.copyTokenizer(from: Support.teacher, to: directory)
        return directory
    }

    /// Texts of words that the tiny tokenizer knows.
    static let texts = [
        "a wonderful film", "dull and boring", "the worst film of the year", "good", "a good story",
        "a dull story and a boring film", "wonderful", "the best film of the year", "a film of the year",
        "a boring year", "the story of a film", "a good year and a dull film",
    ]

    /// A file of pairs with scores: as many as there are texts.
    static func pairs(in folder: URL, _ name: String = "pairs.csv", count: Int = 12) throws -> URL {
        let lines = (0..<count).map { index in
            "\(texts[index % 12]),\(texts[(index * 5 + 3) % 12]),\(Double((index * 7) % 11) / 2)"
        }
        return try write((["sentence1,sentence2,score"] + lines), to: folder.appending(path: name))
    }

    /// A file of texts.
    static func plain(in folder: URL, _ name: String = "texts.csv", count: Int = 24) throws -> URL {
        let lines = (0..<count).map { "\(texts[$0 % 12]) \(texts[($0 * 5 + 1) % 12])" }
        return try write(["text"] + lines, to: folder.appending(path: name))
    }

    /// A short run on texts, evaluated on pairs with scores.
    static func request(
        in folder: URL, teacher: URL, texts: Int = 24, output: String = "student"
    ) throws -> DistillRequest {
        var request = DistillRequest(
            teacher: teacher, data: DataRequest(train: try plain(in: folder, count: texts)),
            output: folder.appending(path: output))
        request.data.validation = try pairs(in: folder)
        request.training.perDeviceTrainBatchSize = 8
        request.training.learningRate = 2e-3
        request.cache = Support.cache
        return request
    }

    static func write(_ lines: [String], to file: URL) throws -> URL {
        try Data((lines.joined(separator: "\n") + "\n").utf8).write(to: file)
        return file
    }
}
