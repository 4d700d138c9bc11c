import Datasets
import Foundation

@testable import Distillation

/// Files and requests of the tests of scores.
struct ScoreScratch {
    let folder: URL

    init() throws {
        folder = FileManager.default.temporaryDirectory.appending(path: "distill-scores-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    }

    func remove() { try? FileManager.default.removeItem(at: folder) }

    static let fixtures = Support.fixtures.appending(path: "teacher_scores")

    func write(_ text: String, _ name: String) throws -> URL {
        let url = folder.appending(path: name)
        try Data(text.utf8).write(to: url)
        return url
    }

    /// An encoder without a head: the tiny teacher's files, its labels and head left out.
    func encoder() throws -> URL {
        let url = folder.appending(path: "encoder")
        guard !FileManager.default.fileExists(atPath: url.path) else { return url }
        var request = DistillRequest(
            teacher: Support.teacher, data: DataRequest(train: Support.reviews), output: url)
        (request.student.layers, request.student.hiddenSize) = (1, 32)
        request.student.initialization = .teacherLayers
        request.training.maxSteps = 1
        request.cache = cache
        _ = try DistillationRun(request).run()
        let file = url.appending(path: "config.json")
        let text = try String(contentsOf: file, encoding: .utf8)
        try text.replacing("negative", with: "LABEL_0").replacing("positive", with: "LABEL_1")
            .write(to: file, atomically: true, encoding: .utf8)
        return url
    }

    var cache: CacheOptions {
        var options = CacheOptions()
        options.directory = folder.appending(path: "cache")
        return options
    }

    /// A run from scores alone on the reviews.
    func request(_ scores: [URL], _ name: String = "student", column: String? = nil) throws -> DistillRequest
    {
        var request = DistillRequest(
            scores: [ScoresRequest(scores, column: column)], student: try encoder(),
            data: DataRequest(train: Support.reviews), output: folder.appending(path: name))
        request.training.numTrainEpochs = 2
        request.training.learningRate = 1e-3
        request.cache = cache
        return request
    }

    /// The reviews' texts and labels.
    static func reviews() throws -> [(text: String, label: String)] {
        let stream = try TextStream(Support.reviews)
        var rows: [(String, String)] = []
        while let row = try stream.next() { rows.append((row.text, row.label ?? "")) }
        return rows
    }

    /// A file of lines made for the reviews.
    func lines(_ name: String = "scores.jsonl", _ line: (Int, String, String) -> String) throws -> URL {
        let all = try Self.reviews().enumerated().map { line($0.offset, $0.element.text, $0.element.label) }
        return try write(all.joined(separator: "\n") + "\n", name)
    }

    /// The messages of a check by severity.
    func findings(_ request: DistillRequest, _ severity: Finding.Severity) throws -> [String] {
        try DistillationRun.check(request).filter { $0.severity == severity }.map(\.message)
    }
}
