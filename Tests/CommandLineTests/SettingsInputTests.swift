import ArgumentParser
import Distillation
import Foundation
import Testing

@testable import distill

@Suite("Settings and options as they may come")
struct SettingsInputTests {
    let scratch: Scratch

    init() throws { scratch = try Scratch() }

    private let required = ["--teacher", "t", "--train", "a.csv", "--output", "o"]

    private func request(_ yaml: String) throws -> DistillRequest {
        let file = try scratch.write(yaml, to: "distill.yaml")
        return try RunCommand.parse(required + ["--config", file]).request()
    }

    @Test("a byte order mark before a configuration file is skipped")
    func byteOrderMark() throws {
        #expect(try request("\u{FEFF}layers: 3\r\nalpha: 0.5\r\n").student.layers == 3)
        let tune = try scratch.write(
            "\u{FEFF}teacher: t\ntrain: a.csv\nsearch:\n  alpha: [0.1, 0.2]\n", to: "tune.yaml")
        let tuning = try TuneCommand.parse(["--config", tune, "--output", "o"]).tuning()
        #expect(tuning.driver.plan.candidates.count == 2)
    }

    @Test("delimiter and quoting, as flags and in a file, for every command that reads data")
    func delimited() throws {
        let flags = try RunCommand.parse(required + ["--delimiter", ";", "--quoting", "none"]).request()
        #expect(flags.data.columns.delimited == .init(delimiter: UInt8(ascii: ";"), quoting: .off))
        #expect(
            try request("delimiter: ';'\nquoting: none\n").data.columns.delimited
                == flags.data.columns.delimited)
        #expect(
            try request("delimiter: tab\nquoting: rfc4180\n").data.columns.delimited
                == .init(delimiter: 9, quoting: .rfc4180))
        #expect(try RunCommand.parse(required).request().data.columns.delimited == .init())
        let error = #expect(throws: UsageError.self) { try request("delimiter: semicolon\n") }
        #expect(error?.description.contains("one ASCII character") == true)
        #expect(throws: UsageError.self) { try request("quoting: some\n") }
        let data = try scratch.write("text;label\na film;positive\na plot;negative\n", to: "d.csv")
        for command in ["evaluate", "label"] {
            let model = [command == "label" ? "--teacher" : "--model", Program.teacher.path, "--data", data]
            let refused = try Program.run([command] + model)
            #expect(
                refused.status == 1 && refused.errors.contains("pass --delimiter ';'"), "\(refused.errors)")
            let read = try Program.run([command] + model + ["--delimiter", ";"])
            #expect(read.status == 0, "\(command): \(read.errors)")
        }
    }

    @Test(
        "texts that refer to one another, or are nested without end, are refused at once",
        arguments: [
            "a: &a [x, x]\n"
                + zip("bcdefghij", "abcdefghi").map { "\($0): &\($0) [*\($1), *\($1), *\($1), *\($1)]\n" }
                .joined()
                + "objectives: *j\n",
            "x: " + String(repeating: "[", count: 100_000), "x: " + String(repeating: "{a: ", count: 100_000),
            String(repeating: "- ", count: 100_000) + "a", String(repeating: "# a comment\n", count: 100_000),
        ])
    func bombs(_ yaml: String) throws {
        let file = try scratch.write(yaml, to: "bomb.yaml")
        let clock = ContinuousClock()
        var result: Program.Result?
        let time = try clock.measure { result = try Program.run(["run"] + required + ["--config", file]) }
        #expect(result?.status == 64, "\(result?.errors.prefix(300) ?? "")")
        #expect((result?.errors.split(separator: "\n").count ?? 0) == 1)
        #expect((result?.errors.utf8.count ?? 0) < 2000)
        #expect(time < .seconds(30))
    }

    @Test("a few anchors are fine")
    func anchors() throws {
        #expect(try request("layers: &n 3\nhidden_size: *n\n").student.hiddenSize == 3)
    }

    @Test(
        "numbers that are too large for what they count are one line of error",
        arguments: [
            ["--batch-size", "9223372036854775807", "--gradient-accumulation-steps", "9223372036854775807"],
            ["--per-device-eval-batch-size", "9223372036854775807"], ["--max-steps", "9223372036854775807"],
            ["--seeds", "9223372036854775807"], ["--max-steps", "9223372036854775808"],
            ["--threads", "4294967297"],
            ["--layers", "9223372036854775807"], ["--hidden-size", "4611686018427387904"],
            ["--intermediate-size", "4611686018427387904"], ["--attention-heads", "9223372036854775807"],
            ["--seed", "18446744073709551616"], ["--epochs", "1e400"],
            ["--logging-steps", "9223372036854775807"],
        ])
    func numbers(_ options: [String]) throws {
        let result = try Program.run(
            [
                "run", "--quiet", "--teacher", Program.teacher.path, "--train", Program.reviews.path,
                "--output",
                scratch.path("out"),
            ] + options)
        #expect(result.status == 64 || result.status == 1, "\(options): \(result.status) \(result.errors)")
        #expect(
            result.errors.split(separator: "\n").count { $0.hasPrefix("Error: ") } == 1, "\(result.errors)")
    }

    @Test("the same of the commands that judge")
    func otherNumbers() throws {
        for options in [["--batch-size", "9223372036854775807"], ["--batch-size", "0"]] {
            for command in ["evaluate", "label", "quantize", "export"] {
                var arguments = [command, command == "label" ? "--teacher" : "--model", Program.teacher.path]
                if command != "export" { arguments += ["--data", Program.reviews.path] }
                if command == "quantize" || command == "export" {
                    arguments += ["--output", scratch.path("o")]
                }
                let result = try Program.run(arguments + options)
                #expect(
                    result.status == 64 && result.errors.contains("batch_size"), "\(command) \(result.errors)"
                )
            }
        }
        let huge = try Program.run([
            "evaluate", "--model", Program.teacher.path, "--data", Program.reviews.path, "--max-length",
            "9223372036854775807", "--latency-samples", "9223372036854775807",
        ])
        #expect(huge.status == 0, "\(huge.errors)")
    }

    @Test("the threads of an export")
    func exportThreads() throws {
        let export = ["export", "--model", Program.teacher.path, "--output", scratch.path("o"), "--threads"]
        let none = try Program.run(export + ["0"])
        #expect(none.status == 64 && none.errors.contains("threads must be from 1 to 4096"), "\(none.errors)")
        let one = try Program.run(export + ["1"])
        #expect(one.status == 0, "\(one.errors)")
    }
}
