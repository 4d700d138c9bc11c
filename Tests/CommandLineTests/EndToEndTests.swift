import Distillation
import Foundation
import Testing

/// The program from the outside: what a user types, and what comes back.
@Suite("End to end")
struct EndToEndTests {
    let scratch: Scratch

    init() throws { scratch = try Scratch() }

    @Test("fine-tune, distil, evaluate, predict")
    func mainJob() throws {
        let (teacher, student) = (scratch.path("teacher"), scratch.path("student"))
        let tuned = try Program.run([
            "finetune", "--model", Program.teacher.path, "--train", Program.reviews.path, "--output", teacher,
            "--epochs",
            "1", "--json",
        ])
        try #require(tuned.status == 0, "\(tuned.errors)")
        #expect(try JSONText.decode(RunReport.self, from: tuned.output).command == "finetune")

        let run = try Program.run([
            "run", "--teacher", teacher, "--train", Program.reviews.path, "--output", student, "--layers",
            "2",
            "--hidden-size", "32", "--init", "teacher-layers", "--epochs", "2",
        ])
        try #require(run.status == 0, "\(run.errors)")
        for text in [
            "teacher    student", "accuracy", "agreement", "KL to teacher", "parameters", "latency p50",
            "Saved in",
        ] {
            #expect(run.output.contains(text), "\(run.output)")
        }
        #expect(run.errors.contains("Training: ") && run.errors.contains("validation:  accuracy"))
        #expect(!run.errors.contains("\u{1B}"))

        let judged = try Program.run([
            "evaluate", "--model", student, "--teacher", teacher, "--data", Program.reviews.path, "--json",
        ])
        try #require(judged.status == 0, "\(judged.errors)")
        let report = try JSONText.decode(EvaluationReport.self, from: judged.output)
        #expect(
            try #require(report.model.accuracy) > 0.9 && report.comparison != nil && report.teacher != nil)
        #expect(try #require(report.model.confusionMatrix).flatMap(\.self).reduce(0, +) == 120)
        let table = try Program.run(["evaluate", "--model", student, "--data", Program.reviews.path])
        #expect(table.output.contains("F1") && table.output.contains("true ╲ predicted"))

        let answers = try Program.run(
            ["predict", "--model", student], input: "a brilliant film\n\nthe dull plot")
        try #require(answers.status == 0, "\(answers.errors)")
        let lines = answers.output.split(separator: "\n")
        try #require(lines.count == 3)
        #expect(lines[0].hasPrefix("{\"label\":\"") && lines[0].contains("\"scores\":{\"negative\":"))
        #expect(lines[1].contains("\"error\":\"line 2 is empty\""))
        #expect(lines[2].hasPrefix("{\"label\":\""))
    }

    @Test("a model that may choose several labels is judged and asked")
    func multiLabel() throws {
        let multi = try scratch.model(
            "multi", config: ("single_label_classification", "multi_label_classification"))
        let data = try scratch.write(
            "text,label\na brilliant film,positive\nthe dull plot,negative|positive\nthe film,\n", to: "m.csv"
        )
        let judged = try Program.run([
            "evaluate", "--model", multi, "--data", data, "--label-separator", "|", "--latency-samples", "0",
        ])
        try #require(judged.status == 0, "\(judged.errors)")
        #expect(judged.output.contains("micro F1") && judged.output.contains("subset accuracy"))
        #expect(!judged.output.contains("Matthews") && !judged.output.contains("true ╲ predicted"))
        let json = try Program.run([
            "evaluate", "--model", multi, "--data", data, "--label-separator", "|", "--latency-samples", "0",
            "--json",
        ])
        #expect(json.output.contains(#""problem_type" : "multi_label_classification""#))
        let answers = try Program.run(
            ["predict", "--model", multi, "--threshold", "0.0001"], input: "a brilliant film\n")
        #expect(
            answers.output.hasPrefix(#"{"labels":["negative","positive"],"scores":{"#), "\(answers.output)")
        let wrong = try Program.run(["predict", "--model", multi, "--threshold", "1.5"], input: "a\n")
        #expect(wrong.status != 0 && wrong.errors.contains("threshold"))
        let unknown = try Program.run(["evaluate", "--model", multi, "--data", data])
        #expect(unknown.status == 1 && unknown.errors.contains("unknown label 'negative|positive'"))
    }

    @Test("a configuration file does what the flags do, bit for bit")
    func configurationFile() throws {
        let yaml = """
            teacher: \(Program.teacher.path)
            train: \(Program.reviews.path)
            output: \(scratch.path("file"))
            layers: 2
            hidden_size: 32
            num_train_epochs: 1
            """
        let file = try scratch.write(yaml, to: "distill.yaml")
        #expect(try Program.run(["run", "--quiet", "--config", file]).status == 0)
        #expect(
            try Program.run(["run", "--quiet", "--config", file, "--output", scratch.path("again")]).status
                == 0)
        #expect(
            try Program.run([
                "run", "--quiet", "--teacher", Program.teacher.path, "--train", Program.reviews.path,
                "--output",
                scratch.path("flags"), "--layers", "2", "--hidden-size", "32", "--epochs", "1",
            ]).status == 0)
        let weights = try ["file", "again", "flags"].map {
            try Data(contentsOf: scratch.url.appending(path: "\($0)/model.safetensors"))
        }
        #expect(weights[0] == weights[1] && weights[0] == weights[2])
    }

    @Test("predict reads pairs, files and Windows line ends, and answers each line before the next comes")
    func predict() throws {
        let pairs = try Program.run(
            ["predict", "--model", Program.teacher.path, "--pairs"],
            input: "good film\tgreat plot\nonly one\n")
        let lines = pairs.output.split(separator: "\n")
        #expect(
            lines.count == 2 && lines[0].contains("\"label\"") && lines[1].contains("line 2 needs two texts"))
        let file = try scratch.write("good film\r\nbad plot\r\n", to: "texts.txt")
        #expect(
            try Program.run(["predict", "--model", Program.teacher.path, file]).output.split(separator: "\n")
                .count == 2)

        let process = Process()
        process.executableURL = Program.executable
        process.arguments = ["predict", "--model", Program.teacher.path]
        let (input, output) = (Pipe(), Pipe())
        process.standardInput = input
        process.standardOutput = output
        try process.run()
        Program.startWatchdog(process)
        for text in ["good film\n", "bad plot\n"] {
            try input.fileHandleForWriting.write(contentsOf: Data(text.utf8))
            #expect(
                String(decoding: output.fileHandleForReading.availableData, as: UTF8.self).hasSuffix("}\n"))
        }
        try input.fileHandleForWriting.close()
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
    }

    @Test(
        "Ctrl-C and SIGTERM end a run cleanly, with what was learnt so far saved and loadable, and a checkpoint",
        arguments: [SIGINT, SIGTERM])
    func interrupt(signal: Int32) throws {
        let process = Process()
        process.executableURL = Program.executable
        process.arguments = [
            "run", "--teacher", Program.teacher.path, "--train", Program.reviews.path, "--output",
            scratch.path("out"),
            "--layers", "2", "--hidden-size", "32", "--epochs", "100000", "--json",
        ]
        let (output, errors) = (Pipe(), Pipe())
        process.standardOutput = output
        process.standardError = errors
        try process.run()
        Program.startWatchdog(process)
        // The first epoch's line shows that training is under way.
        var seen = ""
        while !seen.contains("validation:  accuracy") {
            let data = errors.fileHandleForReading.availableData
            try #require(!data.isEmpty, "\(seen)")
            seen += String(decoding: data, as: UTF8.self)
        }
        kill(process.processIdentifier, signal)
        DispatchQueue.global().async { _ = try? errors.fileHandleForReading.readToEnd() }
        let json = try output.fileHandleForReading.readToEnd()
        process.waitUntilExit()
        #expect(process.terminationReason == .exit)
        if signal == SIGTERM {
            // Nothing but the checkpoint is made: the run goes on elsewhere.
            #expect(process.terminationStatus == 75 && json == nil)
        } else {
            #expect(process.terminationStatus == 128 + signal)
            let text = String(decoding: try #require(json), as: UTF8.self)
            let report = try JSONText.decode(RunReport.self, from: text)
            #expect(report.interrupted && report.steps > 0)
        }
        #expect(try scratch.entries == ["out", "out.checkpoints"])
        let checkpoints = try FileManager.default.contentsOfDirectory(
            atPath: scratch.path("out.checkpoints"))
        #expect(checkpoints.count == 1 && checkpoints[0].hasPrefix("checkpoint-"))
        let answer = try Program.run(["predict", "--model", scratch.path("out")], input: "a film")
        #expect(answer.status == 0 && answer.output.contains("\"label\""))
    }

    @Test("a reader that closes the pipe ends predict without a message")
    func closedPipe() throws {
        let file = try scratch.write(String(repeating: "a good film\n", count: 5000), to: "texts.txt")
        let process = Process()
        process.executableURL = URL(filePath: "/bin/bash")
        process.arguments = [
            "-c", "set -o pipefail; \"$0\" predict --model \"$1\" \"$2\" | head -n 1",
            Program.executable.path,
            Program.teacher.path, file,
        ]
        let (output, errors) = (Pipe(), Pipe())
        process.standardOutput = output
        process.standardError = errors
        try process.run()
        Program.startWatchdog(process)
        let text = String(decoding: try output.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
        #expect(text.split(separator: "\n").count == 1)
        #expect(try errors.fileHandleForReading.readToEnd() ?? Data() == Data())
        process.waitUntilExit()
    }

    @Test("--version and --help answer on standard output")
    func help() throws {
        let version = try Program.run(["--version"])
        #expect(version.status == 0 && version.output == Version.current + "\n")
        #expect(try Program.run(["run", "--help"]).output.contains("Examples:"))
        #expect(try Program.run(["--generate-completion-script", "bash"]).output.contains("finetune"))
        #expect(try Program.run(["nonsense"]).status == 64)
    }
}
