import Foundation
import Testing

@testable import Benchmarking
@testable import Distillation

/// Workers that misbehave, models that are none, settings that cannot be.
@Suite("Benchmark refusals")
final class BenchmarkRefusalTests {
    private let folder: URL

    init() throws {
        folder = FileManager.default.temporaryDirectory.appending(path: "benchmark-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(at: folder) }

    /// What a benchmark of the small teacher says whose worker is a shell script.
    private func error(worker script: String, _ change: (inout BenchmarkRequest) -> Void = { _ in }) -> String
    {
        var request = BenchmarkRequest(
            models: [Support.teacher],
            worker: .init(executable: URL(filePath: "/bin/sh"), arguments: ["-c", script]))
        (request.batchSizes, request.lengths, request.rounds, request.seconds) = ([1], [4], 2, 0.01)
        change(&request)
        do {
            _ = try BenchmarkRun(request).run()
            return "nothing"
        } catch { return "\(error)" }
    }

    /// Answers every request with nothing but times, in the form of a worker.
    private let honest =
        #"while read line; do echo '{"seconds":[0.002,0.001],"load_seconds":0.5,"passes":3}'; done"#

    @Test("a worker that dies: how, when, and the last that it said")
    func death() {
        let status = error(worker: "read line; echo first >&2; echo out of luck >&2; exit 3")
        #expect(
            status == "tiny-teacher: its worker ended (status 3) while loading the model: first | out of luck"
        )
        let signal = error(worker: "read line; kill -9 $$")
        #expect(signal == "tiny-teacher: its worker ended (signal 9) while loading the model")
        let later = error(worker: "read line; echo '{}'; read line; exit 0")
        #expect(later.hasSuffix("its worker ended (status 0) while measuring batches of 1, length 4"))
        let atOnce = error(worker: "exit 7")
        #expect(atOnce.contains("(status 7) while loading"))
    }

    @Test("a worker that answers with something else")
    func garbage() {
        let text = error(worker: "read line; echo hello; cat >/dev/null")
        #expect(text.contains("its worker answered 'hello' while loading the model, which is not an answer"))
        #expect(error(worker: "read line; echo '[1]'; cat >/dev/null").contains("is not an answer"))
        let times = error(worker: "while read line; do echo '{}'; done")
        #expect(times.contains("its worker gave no times while measuring batches of 1, length 4"))
    }

    @Test("a worker that refuses, and one that cannot be started")
    func refusal() {
        #expect(error(worker: "read line; echo '{\"error\":\"the reason\"}'") == "the reason")
        let missing = error(worker: "") { $0.worker.executable = URL(filePath: "/no/such/program") }
        #expect(missing.contains("/no/such/program: cannot be started to measure tiny-teacher"))
    }

    @Test("a worker that keeps to the protocol is measured; stopping ends it")
    func honestWorker() throws {
        #expect(error(worker: honest) == "nothing")
        var request = BenchmarkRequest(
            models: [Support.teacher, Support.teacher],
            worker: .init(executable: URL(filePath: "/bin/sh"), arguments: ["-c", honest]))
        (request.batchSizes, request.lengths, request.rounds, request.seconds) = ([2, 1], [4, 6], 2, 0.01)
        let report = try BenchmarkRun(request).run()
        #expect(report.models.map(\.name) == ["tiny-teacher", "tiny-teacher (2)"])
        #expect(report.cells.map { [$0.batch, $0.length] } == [[2, 4], [2, 6], [1, 4], [1, 6]])
        #expect(report.cells[0].results[1].timing.p50Milliseconds == 1.5)
        #expect(abs(report.cells[0].results[1].sentencesPerSecond - 2 / 0.0015) < 1e-6)
        #expect(report.models[0].loadMilliseconds == 500 && report.models[0].loadsMilliseconds.count == 3)
        let again = try JSONText.decode(BenchmarkReport.self, from: JSONText.encode(report))
        #expect(again == report)
        var asked = 0
        #expect(throws: InterruptedError.self) {
            try BenchmarkRun(request).run(shouldStop: {
                asked += 1
                return asked > 12
            })
        }
    }

    @Test("requests to a worker are lines of JSON in snake case")
    func protocolText() throws {
        let request = WorkerRequest(command: .warm, batch: 1, length: 2, inputs: [[1, 2]])
        let text = try JSONText.encode(request, pretty: false)
        #expect(text == #"{"batch":1,"command":"warm","inputs":[[1,2]],"length":2}"#)
        #expect(try JSONText.decode(WorkerRequest.self, from: text) == request)
        let answer = try JSONText.decode(
            WorkerAnswer.self, from: #"{"load_seconds":1,"is_stable":true,"peak_memory":3,"cpu_before":0.5}"#)
        #expect(answer == WorkerAnswer(loadSeconds: 1, isStable: true, peakMemory: 3, cpuBefore: 0.5))
    }

    @Test("what is no model, and models without a tokenizer")
    func subjects() throws {
        func refusal(_ url: URL) -> String {
            do {
                _ = try BenchmarkSubject.all([url])
                return "nothing"
            } catch { return "\(error)" }
        }
        #expect(refusal(folder.appending(path: "none")).contains("no such file or directory"))
        let text = folder.appending(path: "a.txt")
        try Data().write(to: text)
        #expect(refusal(text).contains("is neither a directory nor an .onnx file"))
        #expect(refusal(folder).contains("has no config.json"))
        let onnx = folder.appending(path: "a.onnx")
        try Data([1, 2, 3]).write(to: onnx)
        try Data([1, 2]).write(to: folder.appending(path: "a.onnx.data"))
        #expect(refusal(onnx).contains("has no tokenizer beside it"))
        let subjects = try BenchmarkSubject.all([folder, Support.teacher, onnx])
        #expect(subjects.map(\.kind) == [.onnx, .ours, .onnx] && subjects[0].weightBytes == 5)
        #expect(subjects[0].tokenizerDirectory == Support.teacher && subjects[0].configuration == nil)
        #expect(subjects[0].labels(among: subjects)?.labelNames == ["negative", "positive"])
        #expect(subjects[1].maximumLength == 64 && subjects[2].name == "a.onnx (2)")
    }

    @Test("Python is looked for where DISTILL_PYTHON says, then on the PATH")
    func python() throws {
        func executable(_ environment: [String: String]) throws -> String {
            try OnnxWorker.command(environment).executable.path
        }
        let fake = folder.appending(path: "python3")
        try Data("#!/bin/sh\n".utf8).write(to: fake)
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: fake.path)
        #expect(try executable(["PATH": "/none:\(folder.path)"]) == fake.path)
        #expect(try executable(["PATH": "", "DISTILL_PYTHON": fake.path]) == fake.path)
        #expect(throws: DistillationError.self) { try executable(["PATH": "/none"]) }
        let error = #expect(throws: DistillationError.self) { try executable(["DISTILL_PYTHON": "/none"]) }
        #expect(error?.description.contains("DISTILL_PYTHON is /none") == true)
        let numbers = try OnnxWorker.command(["PATH": folder.path]).arguments.suffix(4)
        #expect(numbers.compactMap(Double.init) == [8, 3, 0.05, 0.05])
    }

    @Test("settings that cannot be")
    func settings() {
        #expect(error(worker: honest) { $0.models = [] }.contains("no model"))
        #expect(error(worker: honest) { $0.batchSizes = [0] }.contains("batch sizes must be from 1"))
        #expect(error(worker: honest) { $0.lengths = [2] }.contains("at least 3 tokens"))
        #expect(error(worker: honest) { $0.lengths = [] }.contains("at least one batch size"))
        #expect(error(worker: honest) { $0.lengths = [65] }.contains("takes at most 64 tokens"))
        #expect(error(worker: honest) { $0.rounds = 0 }.contains("rounds must be"))
        #expect(error(worker: honest) { $0.seconds = 0 }.contains("seconds must be"))
        #expect(error(worker: honest) { $0.threads = 0 }.contains("threads must be"))
        #expect(error(worker: honest) { $0.data = self.folder.appending(path: "no.csv") }.contains("no.csv"))
    }
}
