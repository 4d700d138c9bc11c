import Foundation
import Testing

@testable import distill

/// `distill-run`, the program without libtorch, beside `distill predict`.
@Suite("distill-run")
struct RuntimeProgramTests {
    private let model = Program.teacher.path

    private func run(
        _ arguments: [String], input: String? = nil, environment: [String: String] = [:]
    ) throws -> Program.Result {
        try Program.run(arguments, input: input, environment: environment, program: "distill-run")
    }

    @Test("the bytes of distill predict, of texts and pairs, empty lines included")
    func same() throws {
        let texts =
            "A film to remember.\nterrible, \u{1F600} awful\n\n  \nhello\u{0} world\r\nlast without an end"
        for arguments in [[], ["--max-length", "4"], ["--threads=1"]] {
            let own = try run([model, "-"] + arguments, input: texts)
            let shared = arguments.filter { $0 != "--threads=1" }
            let predicted = try Program.run(["predict", "--model", model, "-"] + shared, input: texts)
            #expect(own.status == 0 && own.output == predicted.output)
            #expect(own.output.split(separator: "\n").count == 6)
        }
        let pairs = "a film\tgood\nalone\n"
        let own = try run([model, "--pairs"], input: pairs)
        #expect(
            own.output == (try Program.run(["predict", "--model", model, "--pairs"], input: pairs)).output)
        #expect(own.output.contains("line 2 needs two texts"))
    }

    @Test("libtorch's operations give the same labels, and scores to 1e-5")
    func libtorch() throws {
        let texts = "A film to remember.\nterrible and awful\nhello\n"
        let own = try run([model], input: texts).output
        let other = try Program.run(
            ["predict", "--model", model], input: texts, environment: ["DISTILL_CPU_CAPABILITY": "libtorch"]
        ).output
        struct Line: Decodable {
            var label: String
            var score: Double
        }
        func lines(_ text: String) throws -> [Line] {
            try text.split(separator: "\n").map { try JSONDecoder().decode(Line.self, from: Data($0.utf8)) }
        }
        let (a, b) = (try lines(own), try lines(other))
        #expect(a.count == 3 && a.map(\.label) == b.map(\.label))
        #expect(zip(a, b).allSatisfy { abs($0.score - $1.score) < 1e-5 })
    }

    @Test(
        "a wrong command line is an error of one line and its own status",
        arguments: [
            ([], "give a model directory"), (["--nonsense"], "'--nonsense'"), (["m", "f", "g"], "'g'"),
            (["m", "--max-length", "two"], "'two'"), (["m", "--max-length"], "needs a value"),
            (["m", "--threads", "4097"], "--threads must be a number from 1 to 4096, got '4097'"),
            (["m", "data.CSV"], "distill predict"), (["m", "--pairs=no"], "takes no value"),
            (["m", "--threshold=2"], "'2'"),
            (["m", "--aggregation", "all"], "'all'"),
        ] as [([String], String)])
    func usage(_ arguments: [String], _ part: String) throws {
        let result = try run(arguments)
        #expect(result.status == 64 && result.output.isEmpty)
        #expect(result.errors.hasPrefix("Error: ") && result.errors.contains(part))
        #expect(result.errors.split(separator: "\n").count == 1)
    }

    @Test("what is meant for another command, or is no model, is told before an option")
    func otherCommands() throws {
        let scratch = try Scratch()
        let writer = Program.repository.appending(path: "Tests/GenerationTests/Fixtures/text-model").path
        let chats = try run([writer, "chats.jsonl"])
        #expect(
            chats.status == 64 && chats.errors.contains("use `distill generate --data`"), "\(chats.errors)")
        let adapter = scratch.path("adapter")
        try FileManager.default.createDirectory(atPath: adapter, withIntermediateDirectories: false)
        try Data("{}".utf8).write(to: URL(filePath: adapter + "/adapter_config.json"))
        let merged = try run([adapter, "--max-new-tokens", "4", "--prompt", "hi"])
        #expect(merged.status != 0 && merged.errors.contains("holds PEFT's adapters"), "\(merged.errors)")
        let file = scratch.path("model.gguf")
        try Data("GGUF".utf8).write(to: URL(filePath: file))
        let predicted = try Program.run(["predict", "--model", file], input: "a\n")
        #expect(
            predicted.status != 0 && predicted.errors.contains("`distill generate`"), "\(predicted.errors)")
    }

    @Test("options of random choices are refused by both programs where there is no temperature")
    func withoutTemperature() throws {
        let writer = Program.repository.appending(path: "Tests/GenerationTests/Fixtures/text-model").path
        let options = ["--prompt", "the", "--temperature", "0", "--seed", "7", "--top-k", "3"]
        for result in [
            try run([writer] + options), try Program.run(["generate", "--model", writer] + options),
        ] {
            #expect(result.status == 64 && result.output.isEmpty)
            #expect(
                result.errors.contains("Error: --top-k and --seed: the temperature is 0"), "\(result.errors)"
            )
        }
    }

    @Test("an instruction set that the processor does not have is an error that names those it has")
    func instructionSet() throws {
        let environment = ["DISTILL_CPU_CAPABILITY": "avx9"]
        for result in [
            try run([model], input: "a film\n", environment: environment),
            try Program.run(["predict", "--model", model], input: "a film\n", environment: environment),
        ] {
            #expect(result.status == 1 && result.output.isEmpty)
            #expect(
                result.errors.hasPrefix(
                    "Error: DISTILL_CPU_CAPABILITY is \"avx9\", which this processor does not have; it has "))
            #expect(result.errors.contains("default: name one of them, or unset the variable"))
            #expect(result.errors.split(separator: "\n").count == 1)
        }
        let known = try run([model], input: "a film\n", environment: ["DISTILL_CPU_CAPABILITY": "default"])
        #expect(known.status == 0 && known.output.contains("label"))
        #expect(try Program.run(["--help"], environment: environment).status == 0)
    }

    @Test("models and files that cannot be read are errors that name them")
    func missing() throws {
        for (arguments, part) in [
            (["/nowhere"], "/nowhere"), ([model, "/no/file"], "/no/file"), (["--", "-m"], "-m: "),
        ] {
            let result = try run(arguments)
            #expect(result.status == 1 && result.output.isEmpty && result.errors.contains(part))
        }
        let version = try run(["--version"])
        let others = try Program.run(["--version"]).output
        #expect(version.status == 0 && version.output == others)
        let beyond = try run([model, "--max-length", "5000"], input: "a film\n")
        #expect(
            beyond.status == 0
                && beyond.errors.contains("positions, so texts are cut there, not at --max-length 5000"))
        let help = try run(["--help"])
        #expect(help.status == 0 && help.output.contains("--aggregation"))
    }
}

@Suite("Embeddings by the programs")
struct EmbeddingProgramTests {
    private let scratch: Scratch
    /// A sentence-transformers directory with the encoder of the interop suite's teacher.
    private let model: String

    init() throws {
        scratch = try Scratch()
        model = scratch.path("model")
        try FileManager.default.copyItem(atPath: Program.teacher.path, toPath: model)
        try FileManager.default.createDirectory(
            atPath: model + "/1_Pooling", withIntermediateDirectories: false)
        for (name, text) in [
            "modules.json":
                #"[{"path": "", "type": "a.Transformer"}, {"path": "1_Pooling", "type": "a.Pooling"}]"#,
            "1_Pooling/config.json": #"{"embedding_dimension": 32, "pooling_mode": "mean"}"#,
            "config_sentence_transformers.json":
                #"{"prompts": {"query": "film "}, "default_prompt_name": null}"#,
            "sentence_bert_config.json": #"{"max_seq_length": 8, "do_lower_case": false}"#,
        ] {
            try Data(text.utf8).write(to: URL(filePath: "\(model)/\(name)"))
        }
    }

    @Test(
        "`predict` and `distill-run` give each line its vector, an error where it has none, and say what was cut"
    )
    func lines() throws {
        let input = "a wonderful film\n\ndull\na wonderful film and a dull story with good people\n"
        let own = try Program.run(["predict", "--model", model], input: input)
        let small = try Program.run([model], input: input, program: "distill-run")
        #expect(own.status == 0 && own.output == small.output)
        let lines = own.output.split(separator: "\n").map(String.init)
        #expect(lines.count == 4 && lines[1].contains("\"error\""))
        let object = try JSONSerialization.jsonObject(with: Data(lines[0].utf8)) as? [String: [Double]]
        #expect(object?["embedding"]?.count == 32)
        #expect(own.errors.contains("2 of 3 texts are longer than 8 tokens"), "\(own.errors)")
        #expect(small.errors.contains("2 of 3 texts are longer than 8 tokens"), "\(small.errors)")

        let prompted = try Program.run(["predict", "--model", model, "--prompt", "query"], input: "dull\n")
        let written = try Program.run([model], input: "film dull\n", program: "distill-run")
        #expect(prompted.status == 0 && prompted.output == written.output)
    }

    @Test("what is not for embeddings is refused")
    func refused() throws {
        for (arguments, part) in [
            (["--prompt", "passage"], "has no prompt 'passage'; it has 'query'"),
            (["--pairs"], "leave --pairs out"),
            (["--aggregation", "simple"], "finds no entities|token classification"),
        ] {
            let own = try Program.run(["predict", "--model", model] + arguments, input: "dull\n")
            let small = try Program.run([model] + arguments, input: "dull\n", program: "distill-run")
            for result in [own, small] {
                #expect(result.status != 0 && result.output.isEmpty)
                #expect(
                    part.split(separator: "|").contains { result.errors.contains($0) }, "\(result.errors)")
            }
        }
        let other = try Program.run(
            ["predict", "--model", Program.teacher.path, "--prompt", "query"], input: "dull\n")
        #expect(other.status == 64 && other.errors.contains("--prompt is for models of embeddings"))
    }

    @Test(
        "--output: vectors alone, whole or not at all, the same of both programs",
        arguments: ["npy", "safetensors"])
    func vectors(_ format: String) throws {
        let input = "a wonderful film\ndull\n"
        let (own, small) = (scratch.path("own.\(format)"), scratch.path("small.\(format)"))
        for result in [
            try Program.run(["predict", "--model", model, "--output", own], input: input),
            try Program.run([model, "--output=\(small)"], input: input, program: "distill-run"),
        ] {
            #expect(result.status == 0 && result.output.isEmpty, "\(result.errors)")
        }
        let bytes = try Data(contentsOf: URL(filePath: own))
        #expect(try bytes == Data(contentsOf: URL(filePath: small)))
        // Two rows of 32 float32, behind a header.
        let lines = try Program.run(["predict", "--model", model], input: input).output.split(separator: "\n")
        let vectors = try lines.flatMap { line in
            let object = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: [Double]]
            return (object?["embedding"] ?? []).map { Float($0) }
        }
        let numbers = vectors.reduce(into: Data()) { data, value in
            withUnsafeBytes(of: value.bitPattern.littleEndian) { data.append(contentsOf: $0) }
        }
        #expect(vectors.count == 64 && bytes.suffix(256) == numbers)
        #expect((bytes.count - 256) % 64 == 0)

        // A text without a vector, or a full disk, leaves no file, or the one of before.
        for path in [own, scratch.path("new.\(format)")] {
            let before = FileManager.default.contents(atPath: path)
            for (program, arguments) in [
                ("distill", ["predict", "--model", model]), ("distill-run", [model]),
            ] {
                let result = try Program.run(
                    arguments + ["--output", path], input: "a film\n\ndull\n", program: program)
                #expect(result.status == 1 && result.errors.contains("line 2 is empty"), "\(result.errors)")
                #expect(FileManager.default.contents(atPath: path) == before)
            }
            let many = String(repeating: "a film\n", count: 3000)
            let full = try Program.run(
                [model, "--output", path], input: many, fileSizeLimit: 100, program: "distill-run")
            #expect(full.status == 1 && full.errors.contains(path), "\(full.errors)")
            #expect(FileManager.default.contents(atPath: path) == before)
        }
        #expect(
            try FileManager.default.contentsOfDirectory(atPath: scratch.path("")).allSatisfy {
                !$0.contains("partial")
            })
    }

    @Test("--output: lines of JSON of any model; names of no form, and vectors of a classifier, are refused")
    func outputs() throws {
        let file = scratch.path("lines.jsonl")
        let teacher = Program.teacher.path
        let writer = Program.repository.appending(path: "Tests/GenerationTests/Fixtures/text-model").path
        for (program, model, arguments) in [
            ("distill", teacher, ["predict", "--model", teacher]), ("distill-run", teacher, [teacher]),
            ("distill-run", writer, [writer, "--max-new-tokens", "4"]),
        ] {
            let input = "a film\n\ndull\n"
            let result = try Program.run(arguments + ["--output", file], input: input, program: program)
            #expect(result.status == 0 && result.output.isEmpty, "\(result.errors)")
            let lines = try Program.run(arguments, input: input, program: program).output
            #expect(try String(contentsOfFile: file, encoding: .utf8) == lines)
            for (name, part) in [
                ("vectors.npy", "which \(model) is not"),
                ("vectors.safetensors", "which \(model) is not"),
                ("vectors.csv", ".npy or .safetensors"), ("vectors", ".npy or .safetensors"),
            ] {
                let path = scratch.path(name)
                let refused = try Program.run(
                    arguments + ["--output", path], input: input, program: program)
                #expect(refused.status == 64 && refused.errors.contains(part), "\(refused.errors)")
                #expect(!FileManager.default.fileExists(atPath: path))
            }
        }
        let missing = try Program.run(
            [teacher, "--output", scratch.path("nowhere/lines.jsonl")], input: "a\n", program: "distill-run")
        #expect(missing.status == 1 && missing.errors.contains("nowhere"))
    }

    @Test("--output: Ctrl-C and SIGTERM leave nothing of the file", arguments: [SIGINT, SIGTERM])
    func interrupted(signal: Int32) throws {
        let folder = scratch.path("stopped-\(signal)")
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
        let prompts = try scratch.write(
            String(repeating: "a film about a bird\n", count: 20_000), to: "prompts-\(signal).txt")
        let process = Process()
        process.executableURL = Program.executable.deletingLastPathComponent().appending(path: "distill-run")
        process.arguments = [
            Program.repository.appending(path: "Tests/GenerationTests/Fixtures/text-model").path, prompts,
            "--output", folder + "/texts.jsonl",
        ]
        let errors = Pipe()
        process.standardError = errors
        try process.run()
        Program.startWatchdog(process)
        func names() throws -> [String] { try FileManager.default.contentsOfDirectory(atPath: folder) }
        while try names().isEmpty, process.isRunning { usleep(10_000) }
        #expect(try names().contains { $0.contains("partial") })
        kill(process.processIdentifier, signal)
        let said = String(decoding: try errors.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
        process.waitUntilExit()
        #expect(process.terminationReason == .exit && process.terminationStatus == 128 + signal)
        #expect(said == "Error: stopped; nothing was written\n", "\(said)")
        #expect(try names().isEmpty)
    }
}
