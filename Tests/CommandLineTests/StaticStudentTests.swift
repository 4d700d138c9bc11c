import Distillation
import Foundation
import Testing

@testable import distill

@Suite("Static students from the command line")
struct StaticStudentTests {
    private let scratch: Scratch
    private let teacher: String

    init() throws {
        scratch = try Scratch()
        teacher = scratch.path("teacher")
        try FileManager.default.copyItem(atPath: Program.teacher.path, toPath: teacher)
        try FileManager.default.createDirectory(
            atPath: teacher + "/1_Pooling", withIntermediateDirectories: false)
        for (name, text) in [
            "modules.json":
                #"[{"path": "", "type": "a.Transformer"}, {"path": "1_Pooling", "type": "a.Pooling"}]"#,
            "1_Pooling/config.json": #"{"embedding_dimension": 32, "pooling_mode": "mean"}"#,
        ] {
            try Data(text.utf8).write(to: URL(filePath: "\(teacher)/\(name)"))
        }
    }

    private func run(_ arguments: String...) throws -> Program.Result {
        try Program.run(
            ["run", "--teacher", teacher, "--student", "static", "--output", scratch.path("student")]
                + arguments)
    }

    @Test("the student is made without texts, and `predict` and `distill-run` open it")
    func made() throws {
        let result = try run("--embedding-size", "8", "--quiet")
        try #require(result.status == 0, "\(result.errors)")
        #expect(result.output.hasPrefix("195 tokens with 8 components, "))
        let input = "a wonderful film\ndull\n"
        let model = scratch.path("student")
        let own = try Program.run(["predict", "--model", model], input: input)
        let small = try Program.run([model], input: input, program: "distill-run")
        #expect(own.status == 0 && own.output == small.output && own.errors.isEmpty, "\(own.errors)")
        #expect(own.output.split(separator: "\n").count == 2)
    }

    @Test("a file of settings, and the report as JSON")
    func settings() throws {
        let file = try scratch.write(
            "teacher: \(teacher)\nstudent: static\npca: false\nsif: none\ntable_type: float32\noutput: \(scratch.path("other"))\n",
            to: "distill.yaml")
        let result = try Program.run(["run", "--config", file, "--json", "--quiet"])
        try #require(result.status == 0, "\(result.errors)")
        let report = try JSONText.decode(StaticStudentReport.self, from: result.output)
        #expect(report.embeddingSize == 32 && report.sif == nil && report.explainedVariance == nil)
        #expect(report.tableType == .float32)
    }

    @Test("what has no meaning without texts is refused, and so are a static student's settings for another")
    func refused() throws {
        for (arguments, part) in [
            (["--train", "a.csv"], "train has no meaning for a static student"),
            (["--layers", "3"], "layers has no meaning for a static student"),
            (["--processes", "2"], "made by one process"),
            (["--sif", "much"], "sif must be a number such as 1e-4, or none"),
            (["--table-type", "int8"], "table_type must be float16 or float32"),
        ] {
            let result = try Program.run(
                ["run", "--teacher", teacher, "--student", "static", "--output", scratch.path("student")]
                    + arguments)
            #expect(result.status == 64 && result.errors.contains(part), "\(result.errors)")
        }
        let other = try Program.run([
            "run", "--teacher", teacher, "--train", "a.csv", "--output", scratch.path("o"),
            "--sif", "0.001",
        ])
        #expect(other.status == 64 && other.errors.contains("sif belongs to a static student"))
        let check = try Program.run([
            "check", "--teacher", teacher, "--student", "static", "--train", "a.csv",
        ])
        #expect(check.status == 64 && check.errors.contains("made by `distill run` alone"), "\(check.errors)")
        #expect(!FileManager.default.fileExists(atPath: scratch.path("student")))
    }
}
