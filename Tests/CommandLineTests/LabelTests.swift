import ArgumentParser
import Distillation
import Foundation
import Testing

@testable import distill

@Suite("The cache from the command line")
struct LabelTests {
    let scratch: Scratch

    init() throws { scratch = try Scratch() }

    private func label(_ arguments: String...) throws -> Program.Result {
        try Program.run(
            ["label", "--teacher", Program.teacher.path, "--cache-dir", scratch.path("cache")] + arguments)
    }

    @Test("label computes once, run takes what is there, and says so")
    func labelThenRun() throws {
        let first = try label("--data", Program.reviews.path, "--precision", "float32", "--json")
        try #require(first.status == 0, "\(first.errors)")
        let report = try JSONText.decode(LabelReport.self, from: first.output)
        #expect(report.examples == 120 && report.cached == 120 - (report.computed ?? 0))
        let second = try label("--data", Program.reviews.path, "--precision", "float32", "--quiet")
        #expect(second.output.contains("0 of the teacher's outputs computed, 120 were there"))
        let run = try Program.run([
            "run", "--teacher", Program.teacher.path, "--train", Program.reviews.path, "--output",
            scratch.path("out"), "--layers", "2", "--hidden-size", "32", "--epochs", "1", "--precision",
            "float32", "--cache-dir", scratch.path("cache"),
        ])
        #expect(run.errors.contains("120 of the teacher's 120 outputs came from the cache"), "\(run.errors)")
    }

    @Test("texts without labels can be labelled; a file of the cache that is in the way is an error")
    func unlabelled() throws {
        let file = try scratch.write("{\"text\": \"a film\"}\n{\"text\": \"a plot\"}\n", to: "texts.jsonl")
        let result = try label("--data", file, "--json")
        try #require(result.status == 0, "\(result.errors)")
        #expect(try JSONText.decode(LabelReport.self, from: result.output).computed == 2)
        try scratch.write("", to: "blocked")
        let blocked = try Program.run([
            "label", "--teacher", Program.teacher.path, "--data", file, "--quiet", "--cache-dir",
            scratch.path("blocked"),
        ])
        #expect(
            blocked.status == 1 && blocked.errors.contains("choose another --cache-dir"), "\(blocked.errors)")
    }

    @Test("shards that cannot be are refused", arguments: ["9/8", "0/8", "x"])
    func badShard(text: String) throws {
        let result = try label("--data", Program.reviews.path, "--shard", text)
        #expect(result.status == 64)
        #expect(
            result.errors
                == "Error: shard must be like 3/8, its first number from 1 to the second, got '\(text)'\n")
    }

    @Test("the cache's settings, as flags and in a file")
    func settings() throws {
        let required = ["--teacher", "t", "--train", "a.csv", "--output", "o"]
        let flags = try RunCommand.parse(
            required + ["--cache-dir", "c", "--no-teacher-cache", "--no-data-cache"]
        ).request().cache
        #expect(flags.directory?.relativePath == "c" && !flags.teacherOutputs && !flags.data)
        let yaml = try scratch.write(
            "cache_dir: c\nteacher_cache: false\ndata_cache: false\n", to: "distill.yaml")
        #expect(try RunCommand.parse(required + ["--config", yaml]).request().cache == flags)
        #expect(try RunCommand.parse(required).request().cache == CacheOptions())
    }
}
