import DistillRuntime
import Files
import Foundation
import JSON
import Safetensors
import TestSupport
import Testing
import Torch

@testable import Distillation

/// Static students, held to those of model2vec (`scripts/fixtures/static_models.py`).
@Suite("Static students as model2vec makes them")
struct StaticStudentTests {
    /// Settings, with the table that model2vec makes and the vectors of texts.
    struct Case: Sendable, CustomTestStringConvertible {
        let size: Int?
        let sif: Double?
        let tokens: [String]
        let table: [[Float]]
        let vectors: [[Float]]

        var testDescription: String {
            "\(size.map(String.init) ?? "no PCA"), sif \(sif?.description ?? "none")"
        }
    }

    private static let repository = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    private static let fixture: JSONObject = {
        let file = repository.appending(path: "Tests/DistillationTests/Fixtures/static_models.json")
        return (try? JSONValue.load(contentsOf: file).objectValue) ?? JSONObject()
    }()

    static let texts = (fixture["texts"]?.arrayValue ?? []).compactMap(\.stringValue)

    static let cases: [Case] = (fixture["tables"]?.arrayValue ?? []).compactMap(\.objectValue).map { object in
        func rows(_ name: String) -> [[Float]] {
            (object[name]?.arrayValue ?? []).map {
                ($0.arrayValue ?? []).compactMap { $0.doubleValue.map(Float.init) }
            }
        }
        return Case(
            size: object["embedding_size"]?.intValue, sif: object["sif"]?.doubleValue,
            tokens: (object["tokens"]?.arrayValue ?? []).compactMap(\.stringValue), table: rows("table"),
            vectors: rows("vectors"))
    }

    /// A sentence-transformers directory with the encoder of the interop suite's teacher.
    private static func teacher(in directory: URL) throws -> URL {
        let teacher = directory.appending(path: "teacher")
        try FileManager.default.copyItem(
            at: repository.appending(path: "Tests/InteropTests/Fixtures/tiny-teacher"), to: teacher)
        try FileManager.default.createDirectory(
            at: teacher.appending(path: "1_Pooling"), withIntermediateDirectories: false)
        try AtomicFile.write(
            #"[{"path": "", "type": "a.Transformer"}, {"path": "1_Pooling", "type": "a.Pooling"}]"#,
            to: teacher.appending(path: "modules.json"))
        try AtomicFile.write(
            #"{"embedding_dimension": 32, "pooling_mode": "mean"}"#,
            to: teacher.appending(path: "1_Pooling/config.json"))
        return teacher
    }

    private static func request(_ own: Case, in directory: URL) throws -> StaticStudentRequest {
        var request = StaticStudentRequest(
            teacher: try teacher(in: directory), output: directory.appending(path: "student"))
        (request.embeddingSize, request.appliesPCA) = (own.size, own.size != nil)
        (request.sif, request.tableType) = (own.sif, .float32)
        request.cache = Support.cache
        return request
    }

    @Test("the table, but for the row of unknown words, and vectors of texts within 1e-4", arguments: cases)
    func same(own: Case) throws {
        try #require(own.tokens.count == 195)
        try withTemporaryDirectory { directory in
            let request = try Self.request(own, in: directory)
            let report = try StaticStudentRun(request).run()
            #expect(report.tokens == 195 && report.removedTokens == 3 && report.sif == own.sif)
            let file = try SafetensorsFile(contentsOf: request.output.appending(path: "model.safetensors"))
            let width = own.table[0].count
            let info = try #require(file.info("embeddings"))
            #expect(info.shape == [195, width])
            let values = try Self.floats(file, "embeddings")
            let unknown = try #require(own.tokens.firstIndex(of: "[UNK]"))
            var largest: Float = 0
            for column in 0..<width {
                // PCA leaves the sign of a component open.
                let product = (0..<195).reduce(Float(0)) {
                    $0 + values[$1 * width + column] * own.table[$1][column]
                }
                for row in 0..<195 where row != unknown {
                    let value = values[row * width + column] * (product < 0 ? -1 : 1)
                    largest = max(largest, abs(value - own.table[row][column]))
                }
            }
            #expect(largest < 1e-4)
            #expect(values[unknown * width..<(unknown + 1) * width].allSatisfy { $0 == 0 })
            let embedder = try TextEmbedder(request.output.path)
            let vectors = try embedder.embed(Self.texts)
            // The signs of components do not change the products of vectors.
            for first in vectors.indices {
                for second in vectors.indices {
                    let own = Self.product(own.vectors[first], own.vectors[second])
                    #expect(abs(Self.product(vectors[first], vectors[second]) - own) < 1e-4)
                }
            }
        }
    }

    private static func product(_ left: [Float], _ right: [Float]) -> Float {
        zip(left, right).reduce(0) { $0 + $1.0 * $1.1 }
    }

    private static func floats(_ file: SafetensorsFile, _ name: String) throws -> [Float] {
        let bytes = try file.bytes(of: name)
        return (0..<bytes.count / 4).map { bytes.loadUnaligned(fromByteOffset: $0 * 4, as: Float.self) }
    }

    @Test("the principal components of rows that lie on a line, and the part of the variance of each")
    func components() throws {
        // Along (3, 4) with a deviation of 5 · √2.5, across it with one of 1 at the ends alone.
        let rows: [Float] = [-6, -8, -3, -4, 0, 0, 3, 4, 6, 8]
        let one = try RowComponents(of: Tensor(rows, shape: [5, 2]), count: 1)
        let scores: [Float] = try one.scores.array()
        // Both ends are as far; the first is taken.
        #expect(zip(scores, [10, 5, 0, -5, -10]).allSatisfy { abs(abs($0) - abs(Float($1))) < 1e-5 })
        #expect(scores[0] > 0 && abs(one.explainedVariance - 1) < 1e-12)
        let turned = try RowComponents(
            of: Tensor([0, 0, 2, 0, 0, 4, 2, 4] as [Float], shape: [4, 2]), count: 1)
        #expect(abs(turned.explainedVariance - 0.8) < 1e-12)
    }

    @Test("float16 is what is stored by default, half as large, and the same run has the same bytes")
    func stored() throws {
        try withTemporaryDirectory { directory in
            var request = try Self.request(Self.cases[0], in: directory)
            request.tableType = .float16
            let first = try StaticStudentRun(request).run()
            let file = request.output.appending(path: "model.safetensors")
            let bytes = try Data(contentsOf: file)
            #expect(first.bytesOnDisk == bytes.count && bytes.count < 195 * 16 * 2 + 200)
            request.overwrite = true
            _ = try StaticStudentRun(request).run()
            #expect(try Data(contentsOf: file) == bytes)
            let record = try String(
                contentsOf: request.output.appending(path: "distillation.json"), encoding: .utf8)
            let report = try JSONText.decode(StaticStudentReport.self, from: record)
            #expect(report.student == "static" && report.tableType == .float16 && report.embeddingSize == 16)
            let card = try String(contentsOf: request.output.appending(path: "README.md"), encoding: .utf8)
            #expect(
                card.contains("library_name: model2vec") && card.contains("195 tokens with 16 components"))
        }
    }

    @Test("the teacher reads each token once: what a stopped run computed is kept, for tables of any size")
    func kept() throws {
        try withTemporaryDirectory { directory in
            var request = try Self.request(Self.cases[0], in: directory)
            request.cache.directory = directory.appending(path: "cache")
            var notes: [String] = []
            func table(_ request: StaticStudentRequest) throws -> Data {
                _ = try StaticStudentRun(request).run(
                    onEvent: { if case .note(let text) = $0 { notes.append(text) } })
                return try Data(contentsOf: request.output.appending(path: "model.safetensors"))
            }
            let stopped = request
            let error = #expect(throws: InterruptedError.self) {
                try StaticStudentRun(stopped).run(shouldStop: { true })
            }
            #expect(error?.outcome == "the teacher's vectors of 195 tokens are kept, and no model was saved")
            #expect(!request.output.fileExists)
            let first = try table(request)
            request.output = directory.appending(path: "smaller")
            (request.embeddingSize, request.sif) = (8, nil)
            let smaller = try table(request)
            let all = "195 of the teacher's 195 vectors of tokens came from the cache, 0 were computed."
            #expect(notes.filter { $0.contains("vectors of tokens") } == [all, all])
            let entries = CacheContents(request.cache.root).entries()
            #expect(entries.map(\.kind) == [.teacherOutputs])
            #expect(entries.first?.description.contains("195 outputs") == true)
            #expect(CacheContents(request.cache.root).verify().isEmpty)
            // Without the cache the bytes are the same.
            (request.cache.teacherOutputs, request.overwrite) = (false, true)
            #expect(try table(request) == smaller && smaller != first)
            #expect(notes.filter { $0.contains("vectors of tokens") }.count == 2)
        }
    }

    @Test("sizes that do not fit, and teachers that cannot be one, are errors that say what to do")
    func refused() throws {
        try withTemporaryDirectory { directory in
            var request = StaticStudentRequest(
                teacher: try Self.teacher(in: directory), output: directory.appending(path: "student"))
            request.cache = Support.cache
            func error(_ change: (inout StaticStudentRequest) throws -> Void) throws -> String {
                var changed = request
                try change(&changed)
                let error = #expect(throws: DistillationError.self) { try StaticStudentRun(changed).run() }
                #expect(!FileManager.default.fileExists(atPath: request.output.path))
                return error?.description ?? ""
            }
            #expect(try error { $0.embeddingSize = 33 }.contains("give 32 or fewer"))
            #expect(try error { $0.embeddingSize = 0 }.contains("embedding_size must be"))
            #expect(try error { ($0.embeddingSize, $0.appliesPCA) = (8, false) }.contains("leave out one of"))
            #expect(try error { $0.sif = 1 }.contains("sif must be from 1e-6 to below 1"))
            let modules = request.teacher.appending(path: "modules.json")
            let text = try String(contentsOf: modules, encoding: .utf8)
            try FileManager.default.removeItem(at: modules)
            #expect(try error { _ in }.contains("is not a directory of sentence-transformers"))
            try AtomicFile.write(#"[{"path": "", "type": "a.StaticEmbedding"}]"#, to: modules)
            #expect(try error { _ in }.contains("is a static model itself"))
            try AtomicFile.write(text, to: modules)
            request.embeddingSize = 8
            _ = try StaticStudentRun(request).run()
            let exists = #expect(throws: (any Error).self) { try StaticStudentRun(request).run() }
            #expect(exists.map { "\($0)".contains("--overwrite") } == true)
        }
    }
}
