import Files
import Foundation
import Testing

/// Every bad input ends in one line that says what, where and what to do, the right exit code, and no output.
@Suite("Bad input")
struct BadInputTests {
    let scratch: Scratch

    init() throws { scratch = try Scratch() }

    /// Runs a command whose set-up is sound but for the changes; `nil` takes an option away.
    private func run(_ command: String, _ changes: [String: String?]) throws -> Program.Result {
        var arguments: [String: String?] = [
            "--train": Program.reviews.path, "--output": scratch.path("out"), "--layers": "2",
            "--hidden-size": "32",
            "--epochs": "1",
        ]
        arguments[command == "run" ? "--teacher" : "--model"] = Program.teacher.path
        if command == "finetune" {
            for name in ["--layers", "--hidden-size"] { arguments[name] = nil as String?? }
        }
        for (name, value) in changes { arguments[name] = value }
        let flags = arguments.sorted { $0.key < $1.key }.flatMap { name, value in
            value.map { $0 == "yes" ? [name] : [name, $0] } ?? []
        }
        return try Program.run([command, "--quiet"] + flags)
    }

    /// Runs `distill run` with the teacher and the reviews, unless other arguments say otherwise, and expects it to
    /// fail with one line that holds all of the texts.
    private func expectRefusal(
        _ changes: [String: String?], status: Int32 = 1, command: String = "run", _ texts: String...,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let before = try scratch.entries
        let result = try run(command, changes)
        #expect(result.status == status, "\(result.errors)", sourceLocation: sourceLocation)
        #expect(result.output.isEmpty, sourceLocation: sourceLocation)
        let lines = result.errors.split(separator: "\n").filter { $0.hasPrefix("Error: ") }
        #expect(lines.count == 1, "\(result.errors)", sourceLocation: sourceLocation)
        if status == 1 {
            #expect(
                result.errors.split(separator: "\n").count == 1, "\(result.errors)",
                sourceLocation: sourceLocation)
        }
        for text in texts {
            #expect(lines.first?.contains(text) == true, "\(result.errors)", sourceLocation: sourceLocation)
        }
        #expect(try scratch.entries == before, sourceLocation: sourceLocation)
    }

    @Test("a missing file or directory")
    func missing() throws {
        try expectRefusal(["--teacher": scratch.path("none")], "none", "no such")
        try expectRefusal(["--train": scratch.path("none.csv")], "none.csv", "no such file", "check the path")
        try expectRefusal(["--validation": scratch.path("none.csv")], "none.csv", "no such file")
        try expectRefusal(["--config": scratch.path("none.yaml")], "none.yaml", "no such file")
        try expectRefusal(["--model": scratch.path("none")], command: "finetune", "none", "no such")
    }

    @Test("a directory without config.json")
    func noConfiguration() throws {
        let model = try scratch.model("model")
        try FileManager.default.removeItem(atPath: model + "/config.json")
        try expectRefusal(["--teacher": model], "config.json")
    }

    @Test("safetensors that are cut short, lie about themselves, or overlap")
    func safetensors() throws {
        let cut = try scratch.model("cut", "model.safetensors") { $0 = $0.prefix($0.count / 2) }
        try expectRefusal(["--teacher": cut], "cut/model.safetensors")
        let empty = try scratch.model("empty", "model.safetensors") { $0 = Data() }
        try expectRefusal(["--teacher": empty], "empty/model.safetensors")
        let long = try scratch.model("long", "model.safetensors") { data in data[6] = 0x7F }
        try expectRefusal(["--teacher": long], "long/model.safetensors")
        func header(_ name: String, _ old: String, _ new: String) throws -> String {
            try scratch.model(name, "model.safetensors") { data in
                let range = try #require(data.range(of: Data(old.utf8)))
                try #require(old.utf8.count == new.utf8.count)
                data.replaceSubrange(range, with: Data(new.utf8))
            }
        }
        try expectRefusal(
            ["--teacher": try header("overlapping", "[128,256]", "[124,256]")],
            "overlapping/model.safetensors")
        try expectRefusal(
            ["--teacher": try header("lying", "\"shape\":[32]", "\"shape\":[31]")], "lying/model.safetensors")
    }

    @Test("a shape that does not match the configuration: the name and both shapes")
    func shape() throws {
        let model = try scratch.model(
            "model", config: ("\"intermediate_size\": 64", "\"intermediate_size\": 48"))
        try expectRefusal(["--teacher": model], "intermediate.dense.weight", "[64, 32]", "[48, 32]")
    }

    @Test("an unknown architecture, with the list of the known")
    func architecture() throws {
        let model = try scratch.model(
            "model", config: ("\"bert\"", "\"t5\""), ("BertForSequenceClassification", "T5Model"))
        try expectRefusal(["--teacher": model], "t5", "bert")
    }

    @Test("a tokenizer of another type")
    func tokenizer() throws {
        let model = try scratch.model("model", "tokenizer.json") { data in
            let text = String(decoding: data, as: UTF8.self)
            try #require(text.contains("\"WordPiece\""))
            data = Data(text.replacing("\"WordPiece\"", with: "\"CharLM\"").utf8)
        }
        // BertTokenizer would take the vocabulary alone, as transformers does; this class takes all that the file says.
        try Data(#"{"tokenizer_class": "PreTrainedTokenizerFast"}"#.utf8).write(
            to: URL(filePath: model).appending(path: "tokenizer_config.json"))
        try expectRefusal(["--teacher": model], "tokenizer.json", "CharLM", "WordPiece")
    }

    @Test("a CSV row with too few columns; an unknown column; empty text; an unknown label; empty data")
    func data() throws {
        func refuse(_ content: String, _ changes: [String: String] = [:], _ texts: [String]) throws {
            let file = try scratch.write(content, to: "data.csv")
            var changes: [String: String?] = changes
            changes["--train"] = file
            let before = texts
            try expectRefusal(changes, before[0], before[1], before[2])
        }
        try refuse("text,label\ngood,positive\nbad\n", [:], ["data.csv, line 3", "1 column", "text, label"])
        try refuse(
            "text,label\ngood,positive\n", ["--text-column": "body"],
            ["'body'", "text, label", "--text-column"])
        try refuse(
            "text,label\ngood,positive\n ,negative\n", [:],
            ["data.csv, line 3", "text is empty", "remove the row"])
        try refuse("text,label\ngood,great\n", [:], ["data.csv, line 2", "'great'", "negative, positive"])
        try refuse("text,label\n", [:], ["data.csv", "no examples", "in this file"])
        try refuse(
            "text\ngood\n", [:], ["data.csv: no text has a label", "--validation", "the columns are text"])
    }

    @Test("labels of teacher and student, or of two models, that differ in names or order")
    func labels() throws {
        let swapped = try scratch.model(
            "swapped", config: ("\"0\": \"negative\"", "\"0\": \"positive\""),
            ("\"1\": \"positive\"", "\"1\": \"negative\""),
            ("\"negative\": 0", "\"negative\": 1"), ("\"positive\": 1", "\"positive\": 0"))
        try expectRefusal(
            ["--student": swapped, "--layers": nil, "--hidden-size": nil], "swapped", "positive, negative",
            "order")
        let result = try Program.run([
            "evaluate", "--model", swapped, "--teacher", Program.teacher.path, "--data", Program.reviews.path,
        ])
        #expect(result.status == 1 && result.errors.contains("order"), "\(result.errors)")
    }

    @Test(
        "a vocabulary that student and teacher do not share; pairs for a student without segments are warned about"
    )
    func vocabulary() throws {
        let other = try scratch.model("other", "tokenizer.json") { data in
            let text = String(decoding: data, as: UTF8.self)
            try #require(text.contains("\"film\""))
            data = Data(text.replacing("\"film\"", with: "\"fylm\"").utf8)
        }
        let student: [String: String?] = ["--layers": nil, "--hidden-size": nil]
        try expectRefusal(
            student.merging(["--student": other, "--objective": "hidden_mse"]) { $1 }, "hidden_mse",
            "its own tokenizer", "kl")
        let types = try scratch.model("types", config: ("\"type_vocab_size\": 2", "\"type_vocab_size\": 1"))
        try cutTypes(types)
        let pairs = try scratch.write(
            "text,text_pair,label\ngood,film,positive\nbad,plot,negative\n", to: "pairs.csv")
        let result = try run(
            "run", student.merging(["--student": types, "--train": pairs, "--validation": pairs]) { $1 })
        #expect(result.status == 0, "\(result.errors)")
        #expect(
            result.errors.contains("WARNING") && result.errors.contains("type_vocab_size"), "\(result.errors)"
        )
    }

    /// Gives a model's token type embedding one row, by rewriting its weights' header and bytes.
    private func cutTypes(_ model: String) throws {
        let url = URL(filePath: model + "/model.safetensors")
        let data = try Data(contentsOf: url)
        let length = Int(
            data.prefix(8).enumerated().reduce(UInt64(0)) { $0 | UInt64($1.element) << (8 * $1.offset) })
        var header = try #require(
            JSONSerialization.jsonObject(with: data[8..<8 + length]) as? [String: [String: Any]])
        var (body, offset) = (Data(), 0)
        for name in header.keys.sorted() where name != "__metadata__" {
            let offsets = try #require(header[name]?["data_offsets"] as? [Int])
            var bytes = data[8 + length + offsets[0]..<8 + length + offsets[1]]
            if name.hasSuffix("token_type_embeddings.weight") {
                bytes = bytes.prefix(bytes.count / 2)
                header[name]?["shape"] = [1, 32]
            }
            header[name]?["data_offsets"] = [offset, offset + bytes.count]
            offset += bytes.count
            body += bytes
        }
        let text = try JSONSerialization.data(withJSONObject: header)
        let size = withUnsafeBytes(of: UInt64(text.count).littleEndian) { Data($0) }
        try (size + text + body).write(to: url)
    }

    @Test("settings out of range are usage errors: exit code 64")
    func settings() throws {
        try expectRefusal(
            ["--hidden-size": "30", "--attention-heads": "4"], "30", "not divisible", "4 attention heads")
        try expectRefusal(["--temperature": "0"], status: 64, "temperature must be above 0, got 0")
        try expectRefusal(["--temperature": "-1"], status: 64, "temperature must be above 0")
        try expectRefusal(["--temperature": "nan"], status: 64, "temperature")
        try expectRefusal(
            ["--temperature": "1e-40"], status: 64, "temperature must be from 0.0001 to 1000.0", "1e-40")
        try expectRefusal(["--alpha": "1.5"], status: 64, "alpha", "1.5")
        try expectRefusal(["--alpha": "-0.1"], status: 64, "alpha", "-0.1")
        try expectRefusal(["--validation-split": "1"], status: 64, "validation_split must be between 0 and 1")
        try expectRefusal(["--epochs": "0"], status: 64, "num_train_epochs must be above 0, got 0")
        try expectRefusal(["--learning-rate": "fast"], status: 64, "fast")
        try expectRefusal(["--init": "magic"], status: 64, "magic")
        try expectRefusal(["--teacher": nil], status: 64, "--teacher is missing")
        try expectRefusal(["--device": "gpu"], status: 64, "gpu")
        try expectRefusal(["--threads": "0"], status: 64, "threads")
        try expectRefusal(["--nonsense": "1"], status: 64, "--nonsense")
    }

    @Test("an output directory that is not empty, unless --overwrite; what is not a model is never replaced")
    func output() throws {
        try FileManager.default.createDirectory(
            atPath: scratch.path("out"), withIntermediateDirectories: true)
        try scratch.write("mine", to: "out/notes.txt")
        try expectRefusal([:], "out", "not empty", "--overwrite")
        try expectRefusal(["--overwrite": "yes"], "out", "not a model directory", "name another")
        #expect(try String(contentsOfFile: scratch.path("out/notes.txt"), encoding: .utf8) == "mine")
        let teacher = try scratch.model("teacher")
        try expectRefusal(
            ["--teacher": teacher, "--output": teacher, "--overwrite": "yes"], "teacher", "the input")
        try expectRefusal(["--output": try scratch.write("", to: "file")], "file", "directory")
        try expectRefusal(["--output": "/proc/none/out"], "/proc")
    }

    @Test("a full disk: a warning for the checkpoint, an error at the end, and nothing half-written")
    func diskFull() throws {
        let result = try Program.run(
            [
                "run", "--quiet", "--teacher", Program.teacher.path, "--train", Program.reviews.path,
                "--output",
                scratch.path("out"), "--layers", "2", "--hidden-size", "32", "--epochs", "1",
            ], fileSizeLimit: 20)
        #expect(result.status == 1)
        let lines = result.errors.split(separator: "\n")
        #expect(lines.count == 2, "\(result.errors)")
        #expect(lines.first?.contains("training goes on, and the end tries again") == true)
        #expect(lines.last?.hasPrefix("Error: \(scratch.path("out"))") == true)
        #expect(lines.last?.contains("cannot be written: File too large") == true)
        #expect(try scratch.entries.isEmpty)
    }

    @Test("a full disk leaves the model that --overwrite was to replace")
    func diskFullKeepsOld() throws {
        let old = try scratch.model("out")
        let before = try Data(contentsOf: URL(filePath: old + "/model.safetensors"))
        let result = try Program.run(
            [
                "run", "--quiet", "--teacher", Program.teacher.path, "--train", Program.reviews.path,
                "--output", old,
                "--overwrite", "--layers", "2", "--hidden-size", "32", "--epochs", "1",
            ], fileSizeLimit: 20)
        #expect(result.status == 1)
        #expect(try Data(contentsOf: URL(filePath: old + "/model.safetensors")) == before)
        #expect(try scratch.entries == ["out"])
    }

    @Test("a teacher without a trained head says to run distill finetune")
    func untrainedHead() throws {
        let base = Program.repository.appending(path: "Tests/TransformersTests/Fixtures/bert-base-prefixless")
        try #require(FileManager.default.fileExists(atPath: base.path))
        let model = scratch.path("base")
        try FileManager.default.copyItem(atPath: base.path, toPath: model)
        try expectRefusal(["--teacher": model], "classifier", "distill finetune")
    }

    @Test(
        "a teacher no better than the majority class is warned about, also with --quiet, and at the end again"
    )
    func poorTeacher() throws {
        let swapped = try scratch.model(
            "swapped", config: ("\"0\": \"negative\"", "\"0\": \"positive\""),
            ("\"1\": \"positive\"", "\"1\": \"negative\""),
            ("\"negative\": 0", "\"negative\": 1"), ("\"positive\": 1", "\"positive\": 0"))
        let result = try Program.run([
            "run", "--quiet", "--teacher", swapped, "--train", Program.reviews.path, "--output",
            scratch.path("out"),
            "--layers", "2", "--hidden-size", "32", "--epochs", "1",
        ])
        #expect(result.status == 0)
        #expect(result.errors.components(separatedBy: "WARNING: ").count == 3, "\(result.errors)")
        #expect(result.errors.contains("majority class"))
    }
}
