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

    @Test("with texts it is trained, and `check` finds nothing against it")
    func trained() throws {
        let texts = (0..<40).map {
            ["a wonderful film", "dull and boring", "a good story"][$0 % 3] + " of the year \($0)"
        }
        let data = try scratch.write((["text"] + texts).joined(separator: "\n") + "\n", to: "texts.csv")
        let options = [
            "--teacher", teacher, "--student", "static", "--train", data, "--embedding-size", "8", "--epochs",
            "2",
        ]
        let check = try Program.run(["check"] + options)
        #expect(check.status == 0, "\(check.output)\(check.errors)")
        let result = try run(
            "--train", data, "--embedding-size", "8", "--epochs", "2", "--token-weights", "--quiet")
        try #require(result.status == 0, "\(result.errors)")
        let own = try Program.run(["predict", "--model", scratch.path("student")], input: "a film\n")
        let small = try Program.run([scratch.path("student")], input: "a film\n", program: "distill-run")
        #expect(own.status == 0 && own.output == small.output, "\(own.errors)\(small.errors)")
        let evaluated = try Program.run([
            "evaluate", "--model", scratch.path("student"), "--teacher", teacher, "--data", data,
        ])
        #expect(evaluated.status == 0 && evaluated.output.contains("weights on disk"), "\(evaluated.errors)")
    }

    @Test("a file of settings, and the report as JSON")
    func settings() throws {
        let file = try scratch.write(
            "teacher: \(teacher)\nstudent: static\npca: false\nsif: none\ntable_type: float32\nteacher_cache: false\noutput: \(scratch.path("other"))\n",
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
            (["--validation", "a.csv"], "validation has no meaning for a static student without texts"),
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
        let data = try scratch.write("text\na film\ndull\n", to: "a.csv")
        let file = try scratch.write(
            "teacher: \(teacher)\nstudent: static\ntrain: \(data)\nsearch:\n  learning_rate: [1e-3, 1e-2]\n",
            to: "tune.yaml")
        let tune = try Program.run(["tune", "--config", file, "--output", scratch.path("tuned")])
        #expect(tune.status != 0 && tune.errors.contains("made by `distill run` alone"), "\(tune.errors)")
        #expect(!FileManager.default.fileExists(atPath: scratch.path("student")))
    }
}
