import Exporters
import Foundation
import JSON
import Testing
import Transformers

@testable import Deployment
@testable import Distillation

/// Opens exported Core ML packages with coremltools, and computes their programs with numpy: Core ML itself is Apple's alone.
@Suite(
    "Interoperation with coremltools",
    .enabled(if: CoreML.isThere, "run `make test`, which installs Python's coremltools"))
struct CoreMLTests {
    static let families = [
        "families/distilbert", "families/roberta", "families/xlm-roberta", "families/camembert",
        "families/electra", "families/electra-wide", "families/albert", "families/albert-groups",
        "families/mpnet", "families/deberta-v2", "families/deberta-v2-plain", "families/deberta-v3",
        "families/modernbert", "families/modernbert-mean", "token-families/bert",
        "token-families/distilbert", "token-families/roberta", "token-families/xlm-roberta",
        "token-families/camembert", "token-families/electra", "token-families/albert",
        "token-families/mpnet", "token-families/deberta-v2", "token-families/deberta-v3",
        "token-families/modernbert",
    ]

    @Test("every family and head in float32: logits are transformers'")
    func float32() throws {
        let place = try TemporaryDirectory()
        try CoreML.expectAgreement(
            Self.families.map { name in
                CoreML.Job(
                    export: try CoreML.export(CoreML.fixture(name), to: place, dtype: .float32),
                    fixture: CoreML.fixture(name), tolerance: 1e-4)
            }, in: place)
    }

    @Test("float16, the default: every operation rounded to it")
    func float16() throws {
        let place = try TemporaryDirectory()
        let names = [
            "families/roberta", "families/electra", "families/mpnet", "families/deberta-v3",
            "families/modernbert-mean", "token-families/bert", "token-families/modernbert",
        ]
        try CoreML.expectAgreement(
            names.map { name in
                CoreML.Job(
                    export: try CoreML.export(CoreML.fixture(name), to: place, dtype: nil),
                    fixture: CoreML.fixture(name), tolerance: 1e-2)
            }, in: place)
    }

    @Test("int8 weights: the program is the one of the same weights multiplied out")
    func int8() throws {
        let place = try TemporaryDirectory()
        let names = [
            "families/roberta", "families/deberta-v3", "token-families/bert", "token-families/modernbert",
        ]
        try CoreML.expectAgreement(
            names.map { name in
                let own = try TemporaryDirectory()
                let model = try Onnx.quantizedModel(like: CoreML.fixture(name), in: own)
                return CoreML.Job(
                    export: try CoreML.export(model, to: place, dtype: nil), fixture: CoreML.fixture(name),
                    tolerance: 1e-2, like: try CoreML.export(model, to: place, dtype: .float32))
            }, in: place)
    }

    @Test("models for embeddings: vectors are sentence-transformers', in float32 and float16")
    func embeddings() throws {
        let place = try TemporaryDirectory()
        var jobs: [CoreML.Job] = []
        for (name, mode, outputs) in [
            ("families/roberta", .mean, nil), ("families/distilbert", .cls, 8),
            ("families/electra", .meanSqrtLength, nil),
            ("families/mpnet", .weightedMean, nil), ("families/deberta-v3", .mean, nil),
            ("families/modernbert", .mean, 8),
            ("families/modernbert", .cls, nil),
        ] as [(String, PoolingMode, Int?)] {
            let directory = place.url.appending(path: UUID().uuidString)
            let (model, _) = try AutoModel.loadEmbedding(
                from: CoreML.fixture(name),
                modules: { _, width in
                    let plain = SentenceTransformer(
                        pooling: [mode], width: width, normalizes: mode != .meanSqrtLength)
                    return outputs.map { plain.resized(width: width, outputs: $0) } ?? plain
                })
            try ModelWriter.save(model, to: directory)
            // Python opens no directory without a tokenizer, which the comparison does not use.
            try OutputDirectory.copyTokenizer(from: Fixtures.teacher, to: directory)
            for (dtype, tolerance) in [(ExportDType.float32, 1e-4), (.float16, 2e-2)] {
                jobs.append(
                    CoreML.Job(
                        export: try CoreML.export(directory, to: place, dtype: dtype),
                        fixture: CoreML.fixture(name), tolerance: tolerance, embeds: directory))
            }
        }
        try CoreML.expectAgreement(jobs, in: place)
    }

    @Test("a run writes the package whole, and says that nothing here could run it")
    func run() throws {
        let place = try TemporaryDirectory()
        var request = ExportRequest(model: Fixtures.teacher, output: place.url.appending(path: "out"))
        request.format = "coreml"
        let report = try ExportRun(request).run()
        #expect(report.dtype == .float16 && report.check == nil)
        #expect(report.checkLeftOut?.contains("Apple's systems alone") == true)
        let package = "model.mlpackage"
        #expect(
            report.files.map(\.name) == [
                "config.json", "\(package)/Data/com.apple.CoreML/model.mlmodel",
                "\(package)/Data/com.apple.CoreML/weights/weight.bin", "\(package)/Manifest.json",
                "tokenizer.json", "tokenizer_config.json", "vocab.txt",
            ])
        #expect(report.bytes > 0 && report.bytes < report.sourceBytes)
        // An export over another one leaves nothing of it.
        request.overwrite = true
        #expect(try ExportRun(request).run().files == report.files)
    }
}

enum CoreML {
    static let isThere =
        Python.isThere
        && (try? Python.run(["-c", "import coremltools"], with: Onnx.python).status == 0) == true

    static func fixture(_ name: String) -> URL {
        Onnx.root.appending(path: "Tests/TransformersTests/Fixtures/\(name)")
    }

    /// Exports a model to a new directory.
    static func export(_ model: URL, to place: TemporaryDirectory, dtype: ExportDType?) throws -> URL {
        let directory = place.url.appending(path: UUID().uuidString)
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        _ = try CoreMLExporter().export(
            ExportableModel(directory: model), to: directory,
            options: ExportOptions(dtype: dtype, producerVersion: "1"))
        return directory
    }

    /// An export that is computed with numpy, and what its logits are held to.
    struct Job {
        let export: URL
        let fixture: URL
        let tolerance: Double
        var like: URL?
        /// The directory in sentence-transformers' form, of a model for embeddings.
        var embeds: URL?
    }

    /// Hands all to one Python, since importing coremltools takes longer than the rest.
    static func expectAgreement(_ jobs: [Job], in place: TemporaryDirectory) throws {
        let list = JSONValue.array(
            jobs.map { job in
                [
                    "export": .string(job.export.path), "fixture": .string(job.fixture.path),
                    "tolerance": .number(job.tolerance), "like": job.like.map { .string($0.path) } ?? .null,
                    "embeds": job.embeds.map { .string($0.path) } ?? .null,
                ]
            })
        let file = place.url.appending(path: "jobs.json")
        try Data(list.serialized().utf8).write(to: file)
        let script = Fixtures.folder.appending(path: "coreml_interop.py").path
        let result = try Python.run([script, file.path], with: Onnx.python)
        #expect(result.status == 0, "\(result.output.suffix(3000))")
    }
}
