import Distillation
import Foundation
import Testing

@testable import distill

@Suite("Faults of the machine and of other processes")
struct FaultTests {
    let scratch: Scratch

    init() throws { scratch = try Scratch() }

    private var training: [String] {
        [
            "finetune", "--model", Program.teacher.path, "--train", Program.reviews.path, "--output",
            scratch.path("out"), "--max-steps", "2", "--cache-dir", scratch.path("cache"),
        ]
    }

    /// Runs the program from bash, after some commands of the shell.
    private func run(after commands: String, _ arguments: [String]) throws -> (status: Int32, errors: String)
    {
        let process = Process()
        process.executableURL = URL(filePath: "/bin/bash")
        process.arguments = ["-c", "\(commands); exec \"$@\"", "bash", Program.executable.path] + arguments
        let errors = Pipe()
        process.standardError = errors
        process.standardOutput = FileHandle.nullDevice
        process.standardInput = FileHandle.nullDevice
        try process.run()
        Program.startWatchdog(process)
        let text = try errors.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        let status =
            process.terminationReason == .exit ? process.terminationStatus : 128 + process.terminationStatus
        return (status, String(decoding: text, as: UTF8.self))
    }

    @Test("few file descriptors are an error of one line, never a signal", arguments: [5, 8, 12, 20])
    func fewDescriptors(limit: Int) throws {
        let result = try run(after: "ulimit -n \(limit)", training + ["-q"])
        #expect(result.status == 1, "\(result.errors)")
        #expect(result.errors.contains("Too many open files"), "\(result.errors)")
        #expect(result.errors.split(separator: "\n").count == 1, "\(result.errors)")
        #expect(try !scratch.entries.contains("out"))
    }

    @Test("Python files in the model's and the working directory never run")
    func plantedModules() throws {
        let model = try scratch.model("model")
        for name in ["numpy", "json", "onnxruntime", "os", "sitecustomize"] {
            let text = "import io\nio.open('\(scratch.path("RAN"))', 'w')\n"
            try scratch.write(text, to: "model/\(name).py")
        }
        let result = try run(
            after: "cd \(model); export PYTHONPATH=\(model)",
            ["export", "--model", ".", "--output", scratch.path("onnx")])
        #expect(result.status == 0, "\(result.errors)")
        let benchmark = try run(
            after: "cd \(model)",
            [
                "benchmark", "--model", scratch.path("onnx"), "--batch-sizes", "1", "--lengths", "8",
                "--rounds", "1",
                "--seconds", "0.01", "-q",
            ])
        // With onnxruntime it is measured, without it is an error that says so.
        #expect(benchmark.status == 0 || benchmark.errors.contains("onnxruntime"), "\(benchmark.errors)")
        #expect(try !scratch.entries.contains("RAN"))
    }

    @Test("a second run into the same output is refused at once, and the first one's lock is what tells")
    func secondRun() throws {
        let descriptor = open(scratch.path(".out.lock"), O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        try #require(descriptor >= 0 && flock(descriptor, LOCK_EX | LOCK_NB) == 0)
        for command in [
            training,
            [
                "run", "--teacher", Program.teacher.path, "--train", Program.reviews.path, "--layers", "1",
                "--output",
                scratch.path("out"),
            ],
            ["quantize", "--model", Program.teacher.path, "--output", scratch.path("out")],
            ["export", "--model", Program.teacher.path, "--output", scratch.path("out")],
        ] {
            let result = try Program.run(command + ["-q"])
            #expect(result.status == 1)
            #expect(
                result.errors.contains("\(scratch.path("out")): another run is writing it"),
                "\(result.errors)")
        }
        close(descriptor)
        let result = try Program.run(training + ["-q"])
        #expect(result.status == 0, "\(result.errors)")
        #expect(try scratch.entries == ["out", "cache"])
    }

    @Test("what killed runs left beside the output and in the cache is told and removed")
    func leftovers() throws {
        for folder in [".out.partial-1abc", "cache/tokens"] {
            try FileManager.default.createDirectory(
                atPath: scratch.path(folder), withIntermediateDirectories: true)
        }
        try scratch.write("half a model", to: ".out.partial-1abc/model.safetensors")
        try scratch.write("half", to: "cache/tokens/.x.tokens.partial-2")
        let result = try Program.run(training)
        #expect(result.status == 0, "\(result.errors)")
        #expect(
            result.errors.components(separatedBy: "left by a process that was killed").count == 3,
            "\(result.errors)")
        #expect(try scratch.entries == ["out", "cache"])
        let tokens = try FileManager.default.contentsOfDirectory(atPath: scratch.path("cache/tokens"))
        #expect(tokens.allSatisfy { !$0.hasPrefix(".") } && !tokens.isEmpty)
    }

    @Test("label stops at the first write that fails, says why, and keeps what fits")
    func fullCache() throws {
        let words =
            "plot story script music scene cast delightful tedious film brilliant boring weak great awful clever dull"
            .split(separator: " ")
        let texts =
            "text\n"
            + (0..<4000).map { "\(words[$0 % 16]) \(words[$0 / 16 % 16]) \(words[$0 / 256])\n" }.joined()
        let file = try scratch.write(texts, to: "texts.csv")
        let label = [
            "label", "--teacher", Program.teacher.path, "--data", file, "--cache-dir", scratch.path("cache"),
            "--no-data-cache", "--precision", "float32", "-q",
        ]
        // 4,000 rows of 24 bytes do not fit a file of 40 kB.
        let full = try Program.run(label, fileSizeLimit: 40)
        #expect(full.status == 1)
        #expect(full.errors.contains("cannot be written: File too large"), "\(full.errors)")
        #expect(full.errors.contains("what was computed so far is kept"), "\(full.errors)")
        let again = try Program.run(label + ["--json"])
        try #require(again.status == 0, "\(again.errors)")
        let report = try JSONText.decode(LabelReport.self, from: again.output)
        #expect((report.cached ?? 0) > 1500 && report.examples == 4000)
    }

    @Test("a weights file that is shortened while it is mapped is one line and exit code 1")
    func shortened() throws {
        let model = try scratch.model("model")
        let process = Process()
        process.executableURL = Program.executable
        process.arguments = ["predict", "--model", model]
        let (input, output, errors) = (Pipe(), Pipe(), Pipe())
        (process.standardInput, process.standardOutput, process.standardError) = (input, output, errors)
        try process.run()
        Program.startWatchdog(process)
        try input.fileHandleForWriting.write(contentsOf: Data("a good film\n".utf8))
        #expect(!output.fileHandleForReading.availableData.isEmpty)
        truncate(model + "/model.safetensors", 8)
        try input.fileHandleForWriting.write(contentsOf: Data("a dull story\n".utf8))
        try input.fileHandleForWriting.close()
        let text = String(decoding: try errors.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
        process.waitUntilExit()
        #expect(process.terminationReason == .exit && process.terminationStatus == 1)
        #expect(
            text
                == "\nError: \(model)/model.safetensors: was shortened while it was read; put the whole file back and "
                + "start again\n", "\(text)")
    }

    @Test("distill cache lists, verifies and prunes")
    func cache() throws {
        #expect(try Program.run(training + ["-q"]).status == 0)
        let cache = ["--cache-dir", scratch.path("cache")]
        let list = try Program.run(["cache"] + cache)
        #expect(
            list.status == 0 && list.output.contains("reviews.csv, 120 examples"),
            "\(list.output)\(list.errors)")
        let entries = try JSONText.decode(
            [CacheContents.Entry].self, from: try Program.run(["cache", "list", "--json"] + cache).output)
        #expect(!entries.isEmpty && entries.allSatisfy { !$0.isUsed })
        #expect(try Program.run(["cache", "verify"] + cache).output == "Everything is as it was written.\n")
        try Data("x".utf8).write(to: URL(filePath: entries[0].path))
        let damaged = try Program.run(["cache", "verify"] + cache)
        #expect(damaged.status == 1 && damaged.output.contains("the file is cut short"))
        #expect(try Program.run(["cache", "verify", "--remove"] + cache).status == 0)
        let trial = try Program.run(["cache", "prune", "--all", "--dry-run"] + cache)
        #expect(trial.output.contains("Would remove"))
        let all = try Program.run(["cache", "prune", "--all"] + cache)
        #expect(all.status == 0 && all.output.contains("0 B stay"), "\(all.output)")
        let wrong = try Program.run(["cache", "prune", "--max-size", "much"] + cache)
        #expect(wrong.status == 64 && wrong.errors.contains("--max-size takes bytes"))
    }

    @Test(
        "ages and sizes",
        arguments: [
            ("30", 30.0), ("12h", 0.5), ("2 w", 14), ("-1", nil), ("x", nil), ("1e400", nil), ("5y", nil),
        ])
    func amounts(text: String, days: Double?) {
        #expect(CacheText.amount(text, units: ["h": 1 / 24.0, "d": 1, "w": 7, "": 1]) == days)
    }
}
