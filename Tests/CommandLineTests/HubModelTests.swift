import Files
import Foundation
import Testing

/// Models named by their ids on the Hub, which are in the cache that Python's huggingface_hub shares.
@Suite("Models by id")
struct HubModelTests {
    private static let commit = String(repeating: "0123456789", count: 4)
    let scratch: Scratch

    init() throws { scratch = try Scratch() }

    /// The tiny teacher, as a download of `org/tiny` leaves it.
    private func cache() throws -> [String: String] {
        let repository = scratch.url.appending(path: "hub/models--org--tiny")
        let snapshot = repository.appending(path: "snapshots/\(Self.commit)")
        for folder in [snapshot, repository.appending(path: "refs")] {
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        }
        for name in try FileManager.default.contentsOfDirectory(atPath: Program.teacher.path) {
            try FileManager.default.copyItem(
                at: Program.teacher.appending(path: name), to: snapshot.appending(path: name))
        }
        try Data(Self.commit.utf8).write(to: repository.appending(path: "refs/main"))
        return ["HF_HUB_CACHE": scratch.path("hub"), "HF_HUB_OFFLINE": "1"]
    }

    @Test(
        "an id, with or without a revision, is the directory in the cache",
        arguments: ["", "@main", "@\(commit)"])
    func predict(_ revision: String) throws {
        let environment = try cache()
        func predict(_ model: String) throws -> Program.Result {
            try Program.run(
                ["predict", "--model", model], input: "a fine film\n", environment: environment)
        }
        let byID = try predict("org/tiny" + revision)
        try #require(byID.status == 0, "\(byID.errors)")
        #expect(byID.output == (try predict(Program.teacher.path)).output)
    }

    @Test("a teacher by id, a student of a directory")
    func run() throws {
        let result = try Program.run(
            [
                "run", "--teacher", "org/tiny", "--train", Program.reviews.path, "--output",
                scratch.path("out"),
                "--layers", "1", "--hidden-size", "32", "--max-steps", "2", "--quiet",
            ], environment: cache())
        #expect(result.status == 0, "\(result.errors)")
        #expect(FileManager.default.fileExists(atPath: scratch.path("out/model.safetensors")))
    }

    @Test("what is neither a directory nor in the cache is an error that names both readings")
    func missing() throws {
        let result = try Program.run(["predict", "--model", "org/other"], input: "", environment: cache())
        #expect(result.status == 1)
        #expect(
            result.errors.contains("there is no directory 'org/other', and on the Hub:"), "\(result.errors)")
        #expect(result.errors.split(separator: "\n").count == 1, "\(result.errors)")
    }

    @Test("a directory of that name wins")
    func directory() throws {
        var environment = try cache()
        environment["HF_HUB_CACHE"] = scratch.path("empty")
        _ = try scratch.model("tiny")
        // Relative to the working directory, as a user types it.
        let result = try Program.run(
            ["predict", "--model", "./\(scratch.url.lastPathComponent)/tiny"],
            input: "a fine film\n",
            environment: environment)
        #expect(result.status == 1 && !result.errors.contains("Hub"), "\(result.errors)")
        let absolute = try Program.run(
            ["predict", "--model", scratch.path("tiny")], input: "a fine film\n",
            environment: environment)
        #expect(absolute.status == 0, "\(absolute.errors)")
    }
}
