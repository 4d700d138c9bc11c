import Datasets
import Foundation
import Reports
import Testing

@testable import Distillation

/// What runs leave for their report.
@Suite("Files for the report")
struct RunReportFilesTests {
    private let scratch: URL

    init() throws {
        scratch = FileManager.default.temporaryDirectory.appending(path: "distill-files-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: scratch, withIntermediateDirectories: true)
    }

    private func request(_ name: String) -> DistillRequest {
        var request = DistillRequest(
            teacher: Support.teacher, data: DataRequest(train: Support.reviews),
            output: scratch.appending(path: name))
        request.student.layers = 1
        request.student.hiddenSize = 16
        request.training.numTrainEpochs = 2
        request.training.loggingSteps = 1
        request.cache = Support.cache
        return request
    }

    private func text(_ name: String) throws -> String {
        try String(contentsOf: scratch.appending(path: name), encoding: .utf8)
    }

    private func analysis(_ name: String) throws -> PredictionAnalysis {
        try JSONText.decode(PredictionAnalysis.self, from: try text(name))
    }

    @Test(
        "the texts of the lists are those of the file's rows, also of a held-out part",
        arguments: [true, false])
    func texts(hasFile: Bool) throws {
        defer { try? FileManager.default.removeItem(at: scratch) }
        var request = request("student")
        if hasFile { request.data.validation = Support.reviews }
        let report = try DistillationRun(request).run()
        let found = try analysis("student/analysis.json")
        #expect(found.examples == report.validation.examples)
        let rows = try TextStream(Support.reviews).rows(1000)
        let differ = try #require(found.differMost)
        #expect(differ.count == min(20, report.validation.examples))
        for example in differ {
            let row = rows[example.row - 1]
            #expect(example.text == row.text)
            #expect(example.labels == [row.label ?? ""])
        }
        let page = try text("student/report.html")
        #expect(page.contains("differ most"))
        let curves = try text("student/history.jsonl").split(separator: "\n")
        #expect(curves.count == report.steps)
        // The page of the finished directory is the one that the run wrote.
        let again = try HTMLReport(
            [RunFiles(scratch.appending(path: "student"))], program: "distill \(Version.current)")
        #expect(try again.html() == page)
    }

    @Test("no example in the report: no text of the data is in any file but the model's own")
    func noTexts() throws {
        defer { try? FileManager.default.removeItem(at: scratch) }
        var request = request("private")
        request.reportExamples = 0
        let report = try DistillationRun(request).run()
        let rows = try TextStream(Support.reviews).rows(1000).map(\.text).filter { $0.count > 20 }
        for name in ["analysis.json", "report.html", "distillation.json", "README.md", "history.jsonl"] {
            let content = try text("private/\(name)")
            #expect(!rows.contains { content.contains($0) }, "\(name)")
        }
        #expect(try analysis("private/analysis.json").outcomes != nil)
        // What is reported changes nothing of what is learnt.
        var other = self.request("open")
        other.reportExamples = 3
        let second = try DistillationRun(other).run()
        #expect(second.student.metrics == report.student.metrics)
        #expect(
            try Data(contentsOf: scratch.appending(path: "open/model.safetensors"))
                == Data(contentsOf: scratch.appending(path: "private/model.safetensors")))
        #expect(try analysis("open/analysis.json").differMost?.count == 3)
    }

    @Test("a fine-tuned model has a page of its own, without a teacher")
    func fineTuned() throws {
        defer { try? FileManager.default.removeItem(at: scratch) }
        var request = FineTuneRequest(
            model: Support.teacher, data: DataRequest(train: Support.reviews),
            output: scratch.appending(path: "tuned"))
        request.training.numTrainEpochs = 1
        request.cache = Support.cache
        _ = try FineTuningRun(request).run()
        let found = try analysis("tuned/analysis.json")
        #expect(found.teacherCalibration == nil && found.differMost == nil && found.studentCalibration != nil)
        #expect(try text("tuned/report.html").contains("Fine-tuned from tiny-teacher"))
    }

    @Test("a data file that has changed gives no texts, and a reason")
    func changed() throws {
        defer { try? FileManager.default.removeItem(at: scratch) }
        let file = scratch.appending(path: "data.csv")
        try "text,label\nfirst,a\n\"second, with comma\",b\n".write(
            to: file, atomically: true, encoding: .utf8)
        let memo = DigestMemo(root: nil)
        let digest = try memo.sha256(ofFile: file)
        var filled = PredictionAnalysis(
            data: file.path, problemType: "single_label_classification", examples: 2)
        let answer = PredictionAnalysis.Answer(labels: ["a"])
        filled.bothWrong = [.init(row: 2, labels: ["b"], student: answer, teacher: nil, difference: nil)]
        var unfilled = filled
        #expect(
            ExampleTexts.fill(&filled, from: file, sha256: digest, options: DatasetOptions(), memo: memo)
                == nil)
        #expect(filled.bothWrong?[0].text == "second, with comma")
        let reason = ExampleTexts.fill(
            &unfilled, from: file, sha256: "00", options: DatasetOptions(), memo: memo)
        #expect(reason?.contains("\(file.path): the file changed") == true)
        #expect(unfilled.bothWrong?[0].text == nil)
    }

    @Test("numbers of examples and card settings that cannot be are refused")
    func refusals() throws {
        defer { try? FileManager.default.removeItem(at: scratch) }
        let changes: [(inout DistillRequest) -> Void] = [
            { $0.reportExamples = -1 }, { $0.card.license = "Apache 2" }, { $0.card.languages = ["english"] },
            { $0.card.datasets = ["/home/me/data.csv"] }, { $0.card.baseModel = "../teacher" },
        ]
        let parts = [
            "report_examples", "license: 'Apache 2'", "language: 'english'", "datasets:", "base_model:",
        ]
        for (change, part) in zip(changes, parts) {
            var request = request("x")
            change(&request)
            let error = #expect(throws: DistillationError.self) { try DistillationRun(request) }
            #expect(error?.description.contains(part) == true, "\(part)")
        }
    }
}
